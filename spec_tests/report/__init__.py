"""The report of a test run.

The plugin that records each outcome, results.json, the summaries, the page, the report over several
versions of torch, and the documents generated from the register.
"""
