"""Plain text as Markdown."""

import re

# What Markdown would interpret; an underscore inside a word is none.
SPECIAL = re.compile(r"[*<]|(?<!\w)_|_(?!\w)|(?<=_)_|_(?=_)|^>")


def escaped(text: str) -> str:
    """Return a text in which Markdown interprets nothing but code spans."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = (SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2])
    return "".join(parts)
