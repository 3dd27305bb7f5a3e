"""Faults of batch_norm."""
