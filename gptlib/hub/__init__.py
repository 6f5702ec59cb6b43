"""Hugging Face formats: published weights, tokenizers, export.

Read next: `pretrained.py`, then `tokenizer.py` and `export.py`.
"""
