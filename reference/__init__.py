"""Everything that the course does, correctly, on today's PyTorch."""
