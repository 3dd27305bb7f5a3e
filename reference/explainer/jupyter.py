"""The extension for Jupyter and IPython, `%load_ext reference`: `course run` for cells."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any

from reference.explainer.explanation import Explainer, relative
from reference.explainer.outcome import Outcome, Raised
from reference.explainer.startup.sitecustomize import chain, described, watch

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

    from reference.claims import Language

_loaded: dict[InteractiveShell, Extension] = {}


def load(shell: InteractiveShell, language: Language) -> None:
    """Explain the errors and warnings of cells from now on."""
    _loaded[shell] = Extension(shell, language)


def unload(shell: InteractiveShell) -> None:
    """Leave IPython as it was."""
    _loaded.pop(shell).close()


class Extension:
    """What happens after each cell: its error and its warnings are explained.

    IPython itself prints the traceback and the warnings, as always. A warning that comes again in
    a later cell is not explained again.

    Args:
        shell: IPython.
        language: of the explanations.
    """

    def __init__(self, shell: InteractiveShell, language: Language) -> None:
        self._shell = shell
        self._explainer = Explainer(language, self._shown)
        self._warnings: list[Raised] = []
        self._explained: set[str] = set()
        self._unwatch = watch(warnings, self._record)
        shell.events.register("post_run_cell", self._explain)

    def close(self) -> None:
        """Explain nothing more."""
        self._shell.events.unregister("post_run_cell", self._explain)
        self._unwatch()

    def _record(self, _kind: str, record: dict[str, Any]) -> None:
        if record["message"] not in self._explained:
            self._explained.add(record["message"])
            self._warnings.append(Raised.from_record(record))

    def _explain(self, result: ExecutionResult) -> None:
        error = result.error_before_exec or result.error_in_exec
        raised = [Raised.from_record(described(each)) for each in chain(error)] if error else []
        outcome = Outcome(bool(raised), tuple(raised), tuple(self._warnings))
        self._warnings.clear()
        sys.stderr.write(self._explainer.explain(outcome))

    def _shown(self, path: str) -> str:
        """Return the name of a cell as IPython's traceback has it, or a file's path."""
        cell = self._shell.compile.format_code_name(path)
        return " ".join(cell) if cell else relative(path)
