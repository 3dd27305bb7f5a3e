"""Faults of max_pool2d, avg_pool2d and adaptive_avg_pool2d."""
