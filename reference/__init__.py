"""Everything that the course does, done correctly on current versions of PyTorch."""
