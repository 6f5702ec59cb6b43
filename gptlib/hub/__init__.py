"""Hugging Face in and out: published weights, tokenizers, export."""
