"""Comments that silence a line: `# course: ignore`, or `# course: ignore[rule, rule]`."""

from __future__ import annotations

import re

COMMENT = re.compile(r"#\s*course:\s*ignore(?:\[([\w\s,-]*)\])?\s*(?:#|$)")


def is_silenced(line: str, rule: str) -> bool:
    """Return whether a line of code has a comment that silences a rule."""
    match = COMMENT.search(line)
    if match is None:
        return False
    return match[1] is None or rule in re.split(r"[\s,]+", match[1])
