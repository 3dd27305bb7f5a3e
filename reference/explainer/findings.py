"""What `course check` finds in the file in which an exception arose."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.checker.finding import Finding
    from reference.claims import Language


def findings_in(path: str, language: Language) -> Sequence[Finding]:
    """Return the findings in a file; none in what cannot be read, such as a notebook's cell."""
    from reference.checker.engine import Checker  # LibCST takes 0.2 s to import

    try:
        torch = Version(importlib.metadata.version("torch"))
        return Checker(torch=torch, lang=language).check([Path(path)])
    except (importlib.metadata.PackageNotFoundError, InputError, OSError):
        return ()
