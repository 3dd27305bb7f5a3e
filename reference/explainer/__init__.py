"""Explanations: the claim behind an error, a warning or a question.

`run.py` runs a learner's script, `search.py` finds claims for a text. Nothing here imports torch.
"""
