"""A SummaryWriter that is never closed (P9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import block, is_main_guard
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.writers import Writer, writers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker import edits
    from reference.checker.script import Script


class WriterNotClosed(Rule):
    """A SummaryWriter that is written to and neither closed nor flushed."""

    name = "writer-not-closed"
    claims = ("tensorboard.not-closed", "tensorboard.close")
    severity = "warning"
    message = Text(
        en="This SummaryWriter is never closed: it writes in the background, and the last entries "
        "can be missing from the file when the script ends. Write {name}.close() at the end.",
        zh="这个 SummaryWriter 一直没有关闭：它在后台写文件，程序结束时最后几条可能还没有写进去。"
        "请在最后加上 {name}.close()。",
    )
    valid = (
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        for i in range(100):
            writer.add_scalar("y=x", i, i)
        writer.close()
        """,
        """
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter("logs") as writer:
            writer.add_scalar("y=x", 1, 1)
        """,
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        writer.add_scalar("y=x", 1, 1)
        writer.flush()
        """,
        """
        from torch.utils.tensorboard import SummaryWriter


        class Trainer:
            def __init__(self):
                self.board = SummaryWriter("logs")

            def step(self, loss, step):
                self.board.add_scalar("loss", loss, step)


        trainer = Trainer()
        trainer.step(1, 1)
        trainer.board.close()
        """,
        """
        from torch.utils.tensorboard import SummaryWriter


        def make(folder):
            writer = SummaryWriter(folder)
            writer.add_text("folder", folder)
            return writer
        """,
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")  # finding
            for i in range(100):
                writer.add_scalar("y=x", i, i)
            """,
            fixed="""
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            for i in range(100):
                writer.add_scalar("y=x", i, i)
            writer.close()
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")  # finding
            writer.add_scalar("y=x", 1, 1)
            writer.close
            """,
            fixed="""
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_scalar("y=x", 1, 1)
            writer.close()
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("first")  # finding
            writer.add_scalar("y=x", 1, 1)
            writer = SummaryWriter("second")
            writer.close()
            """,
            fixed="""
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("first")
            writer.add_scalar("y=x", 1, 1)
            writer.close()
            writer = SummaryWriter("second")
            writer.close()
            """,
        ),
        Bad(
            """
            import torch.utils.tensorboard


            def train(writer):
                writer.add_scalar("loss", 1, 1)


            def main():
                writer = torch.utils.tensorboard.SummaryWriter("logs")  # finding
                train(writer)
            """,
            fixed="""
            import torch.utils.tensorboard


            def train(writer):
                writer.add_scalar("loss", 1, 1)


            def main():
                writer = torch.utils.tensorboard.SummaryWriter("logs")
                train(writer)
                writer.close()
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter


            class Trainer:
                def __init__(self):
                    self.board = SummaryWriter("logs")  # finding

                def step(self, loss, step):
                    self.board.add_scalar("loss", loss, step)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of SummaryWriter whose result is written to and not closed."""
        for writer in writers(script):
            ends = writer.methods("close", "flush", "__exit__")
            if any(not isinstance(script.parent(end), cst.Expr) for end in ends):
                continue
            if not (_is_passed_open(script, writer) if writer.passed_on else writer.writes):
                continue
            name = script.code(writer.target)
            fix: edits.Fix = {ends[0]: cst.Call(ends[0])} if ends else _closed(script, writer, name)
            yield Match(node=writer.call, fields={"name": name}, fix=fix)


def _is_passed_open(script: Script, writer: Writer) -> bool:
    """Return whether a writer is passed on only to functions of the script that do not close it."""
    for name in writer.passed_on:
        arg = script.parent(name)
        call = script.parent(arg) if isinstance(arg, cst.Arg) else None
        if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Name):
            return False
        binding = script.binding(call.func)
        function = binding.statement if binding else None
        if not isinstance(function, cst.FunctionDef):
            return False
        methods = {node.attr.value for node in script.within(function, cst.Attribute)}
        if methods & {"close", "flush"} or not any(m.startswith("add_") for m in methods):
            return False
    return True


def _closed(script: Script, writer: Writer, name: str) -> edits.Fix:
    """Return the fix: close a writer where its name gets another value, or at the block's end."""
    if not isinstance(writer.target, cst.Name):
        return {}
    close = cst.parse_statement(f"{name}.close()")
    if writer.replaced is not None:
        return {writer.replaced: cst.FlattenSentinel([close, writer.replaced])}
    around = block(script, writer.target)
    owner = script.parent(around)
    if not isinstance(owner, cst.FunctionDef | None) and not is_main_guard(script, owner):
        return {}
    last = around.body[-1]
    if isinstance(last, cst.SimpleStatementLine) and isinstance(
        last.body[-1], cst.Return | cst.Raise
    ):
        return {}
    return {last: cst.FlattenSentinel([last, close])}


RULES = (WriterNotClosed,)
