"""The course on today's PyTorch.

functional and optim are definitions to compare with; training uses torch's own operators and
optimizers. The program `course` is cli and app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Explain the errors and warnings of cells from now on: `%load_ext reference`."""
    from reference.app.messages import language
    from reference.explainer import jupyter

    jupyter.load(shell, language())


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Stop explaining: `%unload_ext reference`."""
    from reference.explainer import jupyter

    jupyter.unload(shell)
