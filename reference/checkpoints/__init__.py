"""Saved weights (P26).

Checkpoints, and whole pickled networks, which are read without running anything in them.
"""
