"""The conformance suite: one check for each thing that the course documents."""
