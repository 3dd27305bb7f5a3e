"""Tests of `course run` and of the extension for Jupyter."""
