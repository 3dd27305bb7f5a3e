"""Faults of l1_loss, mse_loss and cross_entropy."""
