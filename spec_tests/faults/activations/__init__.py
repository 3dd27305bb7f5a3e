"""Faults of relu and sigmoid."""
