"""The steps at which values are logged (P8, P27, P28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import batch_loops
from reference.checker.training.steps import (
    is_bound_in,
    is_increment,
    is_own_writer,
    logs,
    names_in,
    restarts_in,
    rounds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script
    from reference.checker.training.loops import Loop
    from reference.checker.training.steps import Log

EPOCHS = """
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

writer = SummaryWriter("logs")
train_loader = DataLoader(train_data, batch_size=64)
test_loader = DataLoader(test_data, batch_size=64)
total_step = 0
for epoch in range(10):
    {start}
    for i, (imgs, targets) in enumerate({loader}):
        loss = update(imgs, targets)
        {inside}
    {after}
"""


def _epochs(
    start: str = "", inside: str = "", after: str = "", loader: str = "train_loader"
) -> str:
    fields = {"start": start or "net.train()", "inside": inside or "print(i)"}
    return EPOCHS.format(**fields, after=after or "print(epoch)", loader=loader)


class StepRestarts(Rule):
    """A step that starts again in each epoch, under the same tag."""

    name = "step-restarts"
    claims = ("train.step-counter",)
    severity = "warning"
    message = Text(
        en="{step} starts again in each round of the outer loop, so the curves of all epochs lie "
        "over each other under one tag. Count the steps of all epochs in one variable.",
        zh="{step} 在外层循环的每一轮都重新开始，各轮的曲线会叠在同一个标签下。"
        "请用一个跨轮累加、不归零的计数变量。",
    )
    write = """
total_train_step = 0
for epoch in range(10):
    for imgs, targets in train_dataloader:
        total_train_step = total_train_step + 1
        writer.add_scalar("train_loss", loss.item(), total_train_step)
"""
    valid = (
        _epochs(inside='total_step += 1\n        writer.add_scalar("loss", loss, total_step)'),
        _epochs(inside='writer.add_scalar("loss", loss, epoch * len(train_loader) + i)'),
        _epochs(inside='writer.add_scalar(f"loss of epoch {epoch}", loss, i)'),
        _epochs(
            "step = 0",
            'writer.add_images("Epoch: {}".format(epoch), imgs, step)\n        step = step + 1',
        ),
        _epochs('writer = SummaryWriter(f"logs/{epoch}")', 'writer.add_scalar("loss", loss, i)'),
        """
        for i in range(100):
            writer.add_scalar("y=x", i, i)
        """,
        """
        for epoch in range(1):
            for i, (imgs, targets) in enumerate(loader):
                writer.add_scalar("loss", update(imgs, targets), i)
        """,
    )
    invalid = (
        Bad(_epochs(inside='writer.add_scalar("loss", loss, i)  # finding')),
        Bad(_epochs(inside='writer.add_scalar("loss", loss, global_step=i + 1)  # finding')),
        Bad(
            _epochs(
                "step = 0", 'writer.add_images("input", imgs, step)  # finding\n        step += 1'
            )
        ),
        Bad(
            """
            from torch.utils.tensorboard import SummaryWriter

            writer = SummaryWriter("logs")

            def train(loader):
                for step, (imgs, targets) in enumerate(loader):
                    writer.add_scalar("loss", update(imgs, targets), step)  # finding

            for epoch in range(10):
                train(loader)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the logs whose step starts again in each round of an outer loop."""
        for log in logs(script):
            if log.step is not None and any(
                _restarts(script, log, inner, outer)
                for inner, outer in zip(log.loops, log.loops[1:], strict=False)
            ):
                yield Match(node=log.call, fields={"step": script.code(log.step)})


def _restarts(script: Script, log: Log, inner: Loop, outer: Loop) -> bool:
    """Return whether each round of the outer loop logs at the same steps, under the same tag."""
    if log.step is None or rounds(script, outer) == 1 or is_own_writer(script, log, outer):
        return False
    names = names_in(script, log.step)
    restarts = [name for name in names if restarts_in(script, name, inner, outer)]
    others = [name for name in names if name not in restarts]
    changes = is_bound_in(script, log.tag, outer)
    changes |= any(is_bound_in(script, name, outer) for name in others)
    return bool(restarts) and not changes


class StepConstant(Rule):
    """A step variable that never changes."""

    name = "step-constant"
    claims = ("train.test-counter", "train.test-steps")
    severity = "warning"
    message = Text(
        en="{step} is never increased, so all values of this loop are logged at step {value}: "
        "add 1 "
        "after each one.",
        zh="{step} 一直没有增加，循环里的值全都记录在第 {value} 步：每次记录之后要加 1。",
    )
    valid = (
        _epochs("", after='writer.add_scalar("test", loss, total_step)\n    total_step += 1'),
        """
        step = 0

        def log(value):
            global step
            writer.add_scalar("loss", value, step)
            step += 1

        for value in values:
            log(value)
        """,
    )
    invalid = (
        Bad(_epochs("", after='writer.add_scalar("test", loss, total_step)  # finding')),
        Bad(
            """
            step = 0
            for imgs, targets in loader:
                writer.add_images("input", imgs, step)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the logs in loops at a step that is a variable with one value."""
        seen: set[tuple[object, ...]] = set()
        for log in logs(script):
            if not isinstance(log.step, cst.Name) or (log.step.value, *log.loops) in seen:
                continue
            if all(rounds(script, loop) == 1 for loop in log.loops):
                continue
            bindings = script.bindings(log.step)
            value = script.literal(log.step)
            is_outside = len(bindings) == 1 and not any(
                loop in script.parents(bindings[0].name) for loop in log.loops
            )
            changes = is_bound_in(script, log.tag, log.loops[0])
            if is_outside and isinstance(value, int) and not changes:
                seen.add((log.step.value, *log.loops))
                yield Match(node=log.call, fields={"step": log.step.value, "value": str(value)})


class TestStepInBatchLoop(Rule):
    """A counter of tests that is increased for each batch."""

    name = "test-step-in-batch-loop"
    claims = ("train.test-steps",)
    severity = "warning"
    message = Text(
        en="{name} is the step of what is logged after this loop, once for each test, but here "
        "it is "
        "increased for each batch: move the line behind the loop.",
        zh="{name} 是循环之后记录测试结果所用的步数，每次测试记录一次，而这里每个批次都加 1："
        "应当把这一行移到循环外面。",
    )
    write = """
total_test_step = 0
writer.add_scalar("test_loss", total_test_loss, total_test_step)
total_test_step = total_test_step + 1
"""
    valid = (
        _epochs(after='writer.add_scalar("test", loss, total_step)\n    total_step += 1'),
        _epochs(
            inside="loss.backward()\n        total_step += 1",
            after='writer.add_scalar("train", loss, total_step)',
        ),
        _epochs(
            inside='total_step += 1\n        writer.add_scalar("batch", loss, total_step)',
            after='writer.add_scalar("test", loss, total_step)',
        ),
    )
    invalid = (
        Bad(
            _epochs(
                inside="total_step = total_step + 1  # finding",
                after='writer.add_scalar("test", loss, total_step)',
                loader="test_loader",
            )
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the increments in loops over test batches of steps that are used after them."""
        for loop in batch_loops(script):
            if loop.trains or loop.around is None:
                continue
            inside = [log for log in logs(script) if loop.node in log.loops]
            after = [log for log in logs(script) if log.loops[:1] == (loop.around,)]
            steps = {log.step.value: log.step for log in after if isinstance(log.step, cst.Name)}
            for name, step in steps.items():
                increments = [
                    b
                    for b in script.bindings(step)
                    if loop.node in script.parents(b.name) and is_increment(script, step, b)
                ]
                is_read = any(
                    n.value == name
                    for log in inside
                    if log.step
                    for n in names_in(script, log.step)
                )
                if increments and not is_read and not _is_set(script, step, loop.around):
                    yield Match(node=increments[0].statement, fields={"name": name})


def _is_set(script: Script, step: cst.Name, loop: Loop) -> bool:
    """Return whether a loop sets a step to a new value, other than by adding."""
    return any(
        loop in (b.statement, *script.parents(b.name)) and not is_increment(script, step, b)
        for b in script.bindings(step)
    )


RULES = (StepRestarts, StepConstant, TestStepInBatchLoop)
