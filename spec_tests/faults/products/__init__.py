"""Faults of conv2d, linear and flatten."""
