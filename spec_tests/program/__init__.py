"""Everything of `reference` but the operators.

The command line, runs, data, checkpoints, networks, boards.
"""
