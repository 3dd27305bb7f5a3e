"""What `course check` finds in the file in which an exception arose."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.checker.finding import Finding
    from reference.claims import Language


def findings_in(path: str, language: Language) -> Sequence[Finding]:
    """Return the findings in a file; none in what cannot be read, such as a notebook's cell.

    They only help to choose a cause: if the checker itself fails, the message alone decides.
    """
    try:
        from reference.checker.engine import Checker  # LibCST takes 0.2 s to import

        torch = Version(importlib.metadata.version("torch"))
        return Checker(torch=torch, lang=language).check([Path(path)])
    except Exception:  # noqa: BLE001 - as above; course check shows such an error
        return ()
