"""Strategies of hypothesis for damaged and malicious files; they know nothing of the program."""
