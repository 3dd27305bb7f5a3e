"""The arguments of a SummaryWriter's methods (P8, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.blocks import block, loop
from reference.checker.finding import Text
from reference.checker.kinds import TENSOR
from reference.checker.rule import Bad, Match, Rule
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

NUMBERS = ("builtins.int", "builtins.float", TENSOR)
STEPPED = ("add_scalar", "add_image", "add_images", "add_histogram")


class AddScalarArguments(Rule):
    """The arguments of `add_scalar` in another order."""

    name = "add-scalar-arguments"
    claims = ("tensorboard.scalar-arguments",)
    severity = "error"
    message = Text(
        en="add_scalar takes the tag, the value and the step, in this order: the name of the "
        "curve, y and x.",
        zh="add_scalar 的参数依次是标签（tag）、数值和步数：曲线的名字、纵坐标 y、横坐标 x。",
    )
    write = 'writer.add_scalar("train_loss", loss.item(), total_train_step)'
    valid = (
        """
        for i in range(100):
            writer.add_scalar("y=2x", 2 * i, i)
            writer.add_scalar("y=x", scalar_value=i, global_step=i)
            writer.add_scalar(tag, value, step)
            writer.add_scalar("size", "3.5", i)
        """,
    )
    invalid = (
        Bad(
            """
            for i in range(100):
                writer.add_scalar(i, 2 * i, "y=2x")  # finding
                writer.add_scalar(2 * i, "y=2x", i)  # finding
                writer.add_scalar("y=2x", "2x", i)  # finding
            """
        ),
        Bad(
            """
            import torch
            from torch import nn

            loss_fn = nn.CrossEntropyLoss()
            for step in range(100):
                loss = loss_fn(output, targets)
                writer.add_scalar("loss", step, loss.item())  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of add_scalar whose arguments have the types of other ones."""
        for call, _ in script.method_calls("add_scalar"):
            names = ("tag", "scalar_value", "global_step")
            tag, value, step = (argument(call, n, name) for n, name in enumerate(names))
            if script.types.of(tag) in NUMBERS or _is_word(script, value) or _is_word(script, step):
                yield Match(node=call)
            elif script.types.of(value) == "builtins.int" and _is_loss(script, step):
                yield Match(node=call, severity="warning")


def _is_word(script: Script, node: cst.BaseExpression | None) -> bool:
    """Return whether an expression is a text that is not a number."""
    value = script.literal(node)
    if isinstance(value, str):
        return not value.strip().replace(".", "", 1).isdigit()
    return isinstance(node, cst.FormattedString)


def _is_loss(script: Script, node: cst.BaseExpression | None) -> bool:
    """Return whether an expression is a loss, or its number."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        return node.func.attr.value == "item" and _is_loss(script, node.func.value)
    return node is not None and script.types.is_loss(node)


class LogWithoutStep(Rule):
    """A curve or pictures of a loop that are logged without a step."""

    name = "log-without-step"
    claims = ("tensorboard.no-step", "tensorboard.scalar-and-step")
    severity = "warning"
    message = Text(
        en="Without a step, everything that this loop logs is at step 0, so there is no curve and "
        "no slider. Pass a counter that increases as the last argument.",
        zh="没有给步数（global_step），循环里记录的内容全部落在第 0 步，画不出曲线，也没有滑动条。"
        "请把不断增加的计数作为最后一个参数传入。",
    )
    write = 'writer.add_scalar("train_loss", loss.item(), total_train_step)'
    valid = (
        """
        writer.add_image("ToTensor", img)
        for i, (imgs, targets) in enumerate(loader):
            writer.add_images("imgs", imgs, i)
            writer.add_image(f"first {i}", imgs[0])
            writer.add_scalar("loss", *values)
            writer.add_scalar("loss", 1, global_step=i)
        """,
        """
        for imgs, targets in loader:
            writer.add_images("imgs", imgs)
            break
        """,
        """
        for name in ("ants", "bees"):
            writer.add_image(name, pictures[name])
        """,
    )
    invalid = (
        Bad(
            """
            for imgs, targets in loader:
                writer.add_images("imgs", imgs)  # finding
                if len(imgs) == 64:
                    writer.add_scalar("loss", loss_fn(net(imgs), targets))  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls in loops that log under one tag without a step."""
        for call, _ in script.method_calls(*STEPPED):
            around = loop(script, call)
            tag = argument(call, 0, "tag")
            step = argument(call, 2, "global_step") or any(arg.star for arg in call.args)
            if around is None or step or not isinstance(script.literal(tag), str):
                continue
            if not any(script.within(block(script, call), cst.Break)):
                yield Match(node=call)


RULES = (AddScalarArguments, LogWithoutStep)
