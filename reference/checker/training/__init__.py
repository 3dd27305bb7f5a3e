"""What a script does when it trains and tests: loops, updates, losses, counts, logs."""
