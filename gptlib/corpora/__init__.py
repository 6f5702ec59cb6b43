"""Text larger than memory: documents, and shards of tokens made from them.

Read next: `documents.py`, `webtext.py`, `shards.py`.
"""
