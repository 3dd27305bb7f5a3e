"""The course on today's PyTorch.

functional and optim are definitions to compare with; training uses torch's own operators and
optimizers. The program `course` is cli and app.
"""
