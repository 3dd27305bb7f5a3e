"""Files that do not parse: what is wrong, at all the places that can be told apart.

`code.py` is the text of a file with Python's own error and a division into strings, comments and
code that no error stops; the other modules have the rules, one cause each; `check.py` applies them.
"""
