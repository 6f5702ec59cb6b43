"""The lowest layer: atomic writes, fetching and verifying, the plays, interrupts."""
