"""Tests of the course's claims: test_<topic>.py checks fixtures/claims/<topic>.toml."""
