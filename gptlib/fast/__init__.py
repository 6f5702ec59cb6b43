"""Fast decoding on a CPU, in NumPy. Read next: `decoding.py`."""
