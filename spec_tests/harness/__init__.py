"""The register of claims, the vectors, drawn cases, and the checks of an implementation."""
