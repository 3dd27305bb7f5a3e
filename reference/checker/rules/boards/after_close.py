"""A SummaryWriter that is used after it was closed (P9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import block, loop, statement
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.writers import Writer, writers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reference.checker.rule import Replacement
    from reference.checker.script import Script


class WriterUsedAfterClose(Rule):
    """A SummaryWriter that is written to after it was closed."""

    name = "writer-used-after-close"
    claims = ("tensorboard.after-close", "tensorboard.close")
    severity = "warning"
    message = Text(
        en="{name} was already closed in line {line}: writing to it again starts another event "
        "file, which is complete only if {name} is closed again. Close it once, after the last "
        "line that uses it.",
        zh="{name} 在第 {line} 行已经关闭：之后再写入会新建另一个事件文件，而且要再关闭一次才完整。"
        "只需在最后一次使用之后关闭一次。",
    )
    valid = (
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        writer.add_scalar("y=x", 1, 1)
        writer.close()
        writer = SummaryWriter("logs2")
        writer.add_scalar("y=x", 1, 1)
        writer.close()
        """,
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        for i in range(100):
            if i == 50:
                writer.close()
                break
            writer.add_scalar("y=x", i, i)
        """,
        """
        import sys

        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        if len(sys.argv) > 1:
            writer.close()
            sys.exit()
        writer.add_scalar("y=x", 1, 1)
        writer.flush()
        """,
        """
        from torch.utils.tensorboard import SummaryWriter

        for rate in (0.1, 0.01):
            writer = SummaryWriter(f"logs/{rate}")
            writer.add_scalar("rate", rate, 0)
            writer.close()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_image("ToTensor", img)
            writer.close()

            writer.add_image("Normalize", img, 1)  # finding
            writer.close()
            """,
            fixed="""
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_image("ToTensor", img)

            writer.add_image("Normalize", img, 1)
            writer.close()
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            for i in range(100):
                writer.add_scalar("y=x", i, i)
                writer.close()  # finding
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_scalar("y=x", 1, 1)
            writer.close()
            for i in range(100):
                writer.add_scalar("y=2x", 2 * i, i)  # finding
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield, for each `close()`, the first line that writes after it."""
        for writer in writers(script):
            for close in _closes(script, writer):
                if node := _written_after(script, writer, close):
                    yield Match(
                        node=node,
                        fields={
                            "name": script.code(writer.target),
                            "line": str(script.line(close)),
                        },
                        fix=_without(script, writer, close),
                    )


def _closes(script: Script, writer: Writer) -> list[cst.Attribute]:
    return [use for use in writer.methods("close") if isinstance(script.parent(use), cst.Call)]


def _written_after(script: Script, writer: Writer, close: cst.Attribute) -> cst.CSTNode | None:
    """Return the first place that surely writes to a writer after a `close()`."""
    around = block(script, close)
    later = (
        use
        for use in writer.writes
        if script.before(close, use)
        and script.scope(use) is script.scope(close)
        and around in script.parents(use)
    )
    if found := next(later, None):
        return found
    repeated = loop(script, close)
    if repeated is None or around is not repeated.body or repeated in script.parents(writer.call):
        return None
    leaves = (cst.Break, cst.Return)
    if any(script.before(close, n) for kind in leaves for n in script.within(around, kind)):
        return None
    return close if any(repeated in script.parents(use) for use in writer.writes) else None


def _without(
    script: Script, writer: Writer, close: cst.Attribute
) -> Mapping[cst.CSTNode, Replacement]:
    """Return the fix: remove a `close()` if another one follows in the same block."""
    line = statement(script, close)
    others = (c for c in _closes(script, writer) if script.before(close, c))
    if not any(block(script, c) is block(script, close) for c in others):
        return {}
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1:
        return {}
    return {line: cst.RemovalSentinel.REMOVE}


RULES = (WriterUsedAfterClose,)
