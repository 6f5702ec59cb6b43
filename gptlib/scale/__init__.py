"""Training in many processes."""
