"""The lowest layer: atomic writes, verified downloads, the plays, interrupts.

Read next: `atomic.py`, then `fetch.py`.
"""
