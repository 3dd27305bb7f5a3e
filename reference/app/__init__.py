"""The program `course`.

Its commands and their messages, `course doctor`, and the settings of its process.
"""
