"""Calls of a SummaryWriter's methods: their names and their tags (P8, P9)."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.kinds import WRITERS
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

ATTRIBUTES = [
    "add_audio", "add_custom_scalars", "add_custom_scalars_marginchart",
    "add_custom_scalars_multilinechart", "add_embedding", "add_figure", "add_graph",
    "add_histogram", "add_histogram_raw", "add_hparams", "add_image", "add_image_with_boxes",
    "add_images", "add_mesh", "add_onnx_graph", "add_pr_curve", "add_pr_curve_raw",
    "add_scalar", "add_scalars", "add_tensor", "add_text", "add_video", "close", "flush",
    "get_logdir", "all_writers", "default_bins", "file_writer", "filename_suffix", "flush_secs",
    "log_dir", "max_queue", "purge_step",
]  # fmt: skip
LIKE_A_METHOD = re.compile(r"ad|clo|fl|wr|log|show", re.IGNORECASE)  # finding types is slow
PARAMETERS = {
    "SummaryWriter": (
        "log_dir", "comment", "purge_step", "max_queue", "flush_secs", "filename_suffix",
    ),
    "add_scalar": (
        "tag", "scalar_value", "global_step", "walltime", "new_style", "double_precision",
    ),
    "add_image": ("tag", "img_tensor", "global_step", "walltime", "dataformats"),
    "add_images": ("tag", "img_tensor", "global_step", "walltime", "dataformats"),
    "add_graph": ("model", "input_to_model", "verbose", "use_strict_trace"),
}  # fmt: skip
TAGGED = (
    "add_scalar", "add_scalars", "add_image", "add_images", "add_histogram", "add_figure",
    "add_text", "add_video", "add_audio",
)  # fmt: skip


class WriterUnknownMethod(Rule):
    """A method that SummaryWriter does not have, such as `add_imgs`."""

    name = "writer-unknown-method"
    claims = ("builtin.misspelt",)
    severity = "error"
    write = ""
    message = Text(
        en="SummaryWriter has no {name}: this line raises an AttributeError. The nearest names are "
        "{names}.",
        zh="SummaryWriter 没有 {name}，这一行会报 AttributeError。名字最接近的有 {names}。",
    )
    valid = (
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter("logs")
        writer.add_images("imgs", imgs, 0)
        writer.mode = "train"
        print(writer.log_dir)
        writer.close()
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_imgs("imgs", imgs, 0)  # finding
            writer.add_scaler("loss", 1, 0)  # finding
            writer.closed()  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the attributes of writers that SummaryWriter does not have."""
        for node in script.nodes(cst.Attribute):
            name = node.attr.value
            if name in ATTRIBUTES or not LIKE_A_METHOD.match(name):
                continue
            if script.types.of(node.value) != WRITERS[0] or _is_set(script, node):
                continue
            similar = get_close_matches(name, ATTRIBUTES, 2) or ["add_scalar", "add_image"]
            yield Match(node=node, fields={"name": name, "names": ", ".join(similar)})


def _is_set(script: Script, node: cst.Attribute) -> bool:
    """Return whether the script gives the object such an attribute itself."""
    name = node.attr.value
    return any(
        isinstance(target.target, cst.Attribute) and target.target.attr.value == name
        for target in script.nodes(cst.AssignTarget)
    )


class WriterUnknownArgument(Rule):
    """An argument that SummaryWriter or its methods do not have, such as `dataformat`."""

    name = "writer-unknown-argument"
    claims = ("builtin.arguments",)
    severity = "error"
    message = Text(
        en="{function} has no argument {given}: this line raises a TypeError. It has {names}.",
        zh="{function} 没有 {given} 这个参数，这一行会报 TypeError。它的参数有 {names}。",
    )
    write = ""
    valid = (
        """
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(log_dir="logs")
        writer.add_image("test", img, global_step=1, dataformats="HWC", **options)
        plot.add_image("test", size=3)
        """,
    )
    invalid = (
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(logdir="logs")  # finding
            writer.add_image("test", img, 1, dataformat="HWC")  # finding
            """,
            fixed="""
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter(log_dir="logs")
            writer.add_image("test", img, 1, dataformats="HWC")
            """,
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")
            writer.add_scalar("loss", 1, 1, color="red")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls with arguments that the method does not have."""
        for call, function in _calls(script):
            known = PARAMETERS[function]
            given = [arg.keyword for arg in call.args if arg.keyword is not None]
            unknown = next((keyword for keyword in given if keyword.value not in known), None)
            if unknown is not None:
                near = get_close_matches(unknown.value, known, 1, 0.75)
                yield Match(
                    node=call,
                    fields={
                        "function": function,
                        "given": unknown.value,
                        "names": ", ".join(known),
                    },
                    fix={unknown: cst.Name(near[0])} if near else {},
                )


def _calls(script: Script) -> Iterator[tuple[cst.Call, str]]:
    """Yield the calls of SummaryWriter and its methods, with their names."""
    for call in script.calls(WRITERS[0]):
        yield call, "SummaryWriter"
    for call, writer in script.method_calls(*PARAMETERS):
        if script.types.of(writer) == WRITERS[0]:
            yield call, call_name(call)


class EmptyTag(Rule):
    """An empty tag."""

    name = "empty-tag"
    claims = ("tensorboard.empty-tag",)
    severity = "warning"
    message = Text(
        en="The tag is empty: TensorBoard shows this without a title, and everything else with an "
        "empty tag in the same place. Give it a name.",
        zh="标签（tag）是空的：TensorBoard 里显示时没有标题，其他空标签的内容也会混在一起。"
        "请给它起个名字。",
    )
    write = 'writer.add_image("test_set", img, i)'
    valid = (
        """
        writer.add_image("test_set", img, i)
        writer.add_text("note", "", 0)
        """,
    )
    invalid = (
        Bad(
            """
            for i in range(10):
                img, target = test_set[i]
                writer.add_image("", img, i)  # finding
            writer.add_scalar(" ", 1, 1)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls that log with an empty tag."""
        for call, _ in script.method_calls(*TAGGED):
            tag = argument(call, 0, "main_tag" if call_name(call) == "add_scalars" else "tag")
            value = script.literal(tag)
            if isinstance(value, str) and not value.strip():
                yield Match(node=call)


def call_name(call: cst.Call) -> str:
    """Return the name of the method that is called."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


RULES = (WriterUnknownMethod, WriterUnknownArgument, EmptyTag)
