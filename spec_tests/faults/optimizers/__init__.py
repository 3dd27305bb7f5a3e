"""Faults of sgd and adam."""
