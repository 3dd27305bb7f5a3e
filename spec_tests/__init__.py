"""The conformance suite.

Tests are in course, operators, program and suite; what they are built from in harness, oracles,
implementations and faults; helpers in support; what a run reports in report.
"""
