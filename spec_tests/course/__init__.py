"""What the course says, claim by claim.

test_<topic>.py checks the claims of fixtures/claims/<topic>.toml.
"""
