"""The checker, `course check`: the course's mistakes in a learner's own code, without running it.

`script.py` parses a file with LibCST and resolves its names, `types.py` says what an expression is,
and the rules in `rules/` find mistakes. Nothing here imports torch.
"""
