"""What the tests are built from.

The register of claims, the vectors and drawn cases, and the checks of an implementation.
"""
