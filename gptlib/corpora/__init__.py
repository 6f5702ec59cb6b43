"""Text larger than memory: documents, shards of tokens, and how they are built."""
