"""Decoding on a CPU in NumPy; `generation` imports it when it is needed."""
