"""Attempts to break the program, thousands of them: `nox -s torture -- --minutes N --seed S`.

Each attempt runs the program in a process forked from one that has imported torch (`process`), and
all are judged alike (`judge`). `kinds` has a module for each kind of attempt, `generators` what
their files are made from. `search` draws attempts from a seed and reduces those that fail;
`schedule` divides the time among the kinds and two workers.
"""
