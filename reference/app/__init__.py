"""The program `course`: its commands, messages, diagnosis and process settings."""
