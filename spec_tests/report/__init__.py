"""What a run found.

The plugin that sees each result, results.json, the page, the matrix of torch versions, and the
documents that are made from the register.
"""
