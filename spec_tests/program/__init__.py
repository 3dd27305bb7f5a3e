"""Tests of `reference` except for the operators.

The command line, runs, data, checkpoints, networks, TensorBoard.
"""
