"""Saved weights (P26).

Checkpoints, and pickled whole networks, which are read without running any code in them.
"""
