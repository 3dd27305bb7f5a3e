"""Where a SummaryWriter comes from and writes to, and `add_graph` (P8, P22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst
from libcst.helpers import get_full_name_for_node

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.kinds import WRITERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script


class TensorboardX(Rule):
    """An import of the separate package tensorboardX."""

    name = "tensorboardx-import"
    claims = ("tensorboard.tensorboardx",)
    severity = "advice"
    message = Text(
        en="tensorboardX is a separate package. SummaryWriter is part of PyTorch: import it from "
        "torch.utils.tensorboard.",
        zh="tensorboardX 是另外的包。SummaryWriter 已经包含在 PyTorch 里，"
        "从 torch.utils.tensorboard 导入即可。",
    )
    write = "from torch.utils.tensorboard import SummaryWriter"
    valid = (
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            from tensorboardX import SummaryWriter
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from tensorboardX import SummaryWriter  # finding

            writer = SummaryWriter("logs")
            writer.close()
            """,
            fixed="""
            import torch
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.close()
            """,
        ),
        Bad(
            """
            import tensorboardX  # finding

            writer = tensorboardX.SummaryWriter(logdir="logs")
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the imports of tensorboardX, unless they only stand in for PyTorch's module."""
        imports: list[cst.Import | cst.ImportFrom] = [*script.nodes(cst.Import)]
        for node in [*imports, *script.nodes(cst.ImportFrom)]:
            if isinstance(node, cst.Import):
                names = [get_full_name_for_node(alias.name) or "" for alias in node.names]
            else:
                names = [get_full_name_for_node(node.module) or "" if node.module else ""]
            found = any(name.split(".")[0] == "tensorboardX" for name in names)
            if found and not script.enclosing(node, cst.Try):
                yield Match(node=node, fix=_from_torch(script, node))


def _from_torch(script: Script, node: cst.Import | cst.ImportFrom) -> edits.Fix:
    """Return the fix: import only SummaryWriter, if no option is used that PyTorch's lacks."""
    if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
        return {}
    if any(get_full_name_for_node(alias.name) != "SummaryWriter" for alias in node.names):
        return {}
    options = {arg.keyword.value for c in script.calls(*WRITERS) for arg in c.args if arg.keyword}
    if not options <= {"log_dir", "comment", "flush_secs"}:
        return {}
    return {node: node.with_changes(module=edits.expression("torch.utils.tensorboard"))}


class WriterComment(Rule):
    """A comment beside a folder, which is ignored: `SummaryWriter("logs", "train")`."""

    name = "writer-comment-ignored"
    claims = ("tensorboard.comment",)
    severity = "warning"
    message = Text(
        en="The comment is ignored when a folder is given: everything is written to that folder. "
        "Make it part of the folder's name.",
        zh="给了目录名时，comment 不起作用，日志都写在这个目录里。请把它写进目录名。",
    )
    write = 'writer = SummaryWriter("logs/train")'
    valid = (
        """
        from torch.utils.tensorboard import SummaryWriter

        SummaryWriter(comment="LR_0.1").close()
        SummaryWriter("logs/train").close()
        SummaryWriter(None, "LR_0.1").close()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs", "train")  # finding
            writer.close()
            writer = SummaryWriter(log_dir="logs", comment="LR_0.1")  # finding
            writer.close()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the writers that get both a folder and a comment."""
        for call in script.calls(*WRITERS):
            comment = argument(call, 1, "comment")
            folder = script.literal(argument(call, 0, "log_dir"))
            if comment and isinstance(folder, str) and folder and script.literal(comment) != "":
                yield Match(node=call)


class AddGraph(Rule):
    """`add_graph`, which warns that `torch.jit.trace` is deprecated."""

    name = "add-graph-warns"
    claims = ("tensorboard.graph-silent",)
    since = "2.14"
    severity = "advice"
    message = Text(
        en="add_graph works, and prints a FutureWarning that torch.jit.trace is deprecated. The "
        "warning comes from PyTorch's own code; you can ignore it.",
        zh="add_graph 能正常工作，只是会打印 torch.jit.trace 已弃用的 FutureWarning。"
        "这个警告来自 PyTorch 自己的代码，可以忽略。",
    )
    valid = (
        """
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            writer.add_graph(net, imgs)
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            writer.add_graph(net, torch.ones(64, 3, 32, 32))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of add_graph in scripts that leave the warnings on."""
        for call, _ in script.method_calls("add_graph"):
            silenced = script.calls("warnings.simplefilter", "warnings.filterwarnings")
            if not any(script.before(other, call) for other in silenced):
                yield Match(node=call)


class AddGraphWithoutInput(Rule):
    """`add_graph` with the network only."""

    name = "add-graph-without-input"
    claims = ("tensorboard.graph-needs-no-output",)
    severity = "error"
    message = Text(
        en="add_graph runs the network once and needs an input for it: without one it fails with "
        "RuntimeError: example_kwarg_inputs should be a dict.",
        zh="add_graph 要用一个输入把网络运行一次，不给输入会报 "
        "RuntimeError: example_kwarg_inputs should be a dict。",
    )
    write = "writer.add_graph(tudui, torch.ones(64, 3, 32, 32))"
    valid = (
        """
        writer.add_graph(model=net, input_to_model=imgs)
        writer.add_graph(net, imgs)
        writer.add_graph(*arguments)
        """,
    )
    invalid = (
        Bad(
            """
            writer.add_graph(net)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of add_graph with one argument."""
        for call, _ in script.method_calls("add_graph"):
            if len(call.args) == 1 and not call.args[0].star:
                yield Match(node=call)


RULES = (TensorboardX, WriterComment, AddGraph, AddGraphWithoutInput)
