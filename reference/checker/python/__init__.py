"""Python itself: names without a value, calls and their parameters, classes, and known names."""
