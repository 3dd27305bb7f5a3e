"""The module that Python itself imports at the start of a script that `course run` starts."""
