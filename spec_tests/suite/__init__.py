"""Tests of the suite itself.

The register, the vectors, the faults, the report and the documents.
"""
