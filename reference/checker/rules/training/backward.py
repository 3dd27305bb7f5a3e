"""Loops that compute no gradients, or do not use them (P23, P24, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.updates import is_optimizer, line_of, updates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

STEP = """
optimizer.zero_grad()
loss.backward()
optimizer.step()
"""


class BackwardMissing(Rule):
    """A loop with `zero_grad()` and `step()` but without `backward()`."""

    name = "backward-missing"
    claims = ("backward.fills-grad",)
    severity = "warning"
    message = Text(
        en="Nothing computes gradients in this loop, so step() changes nothing and the network "
        "does not learn. Call loss.backward() before step().",
        zh="这个循环里没有计算梯度，step() 什么也不会改变，网络学不到东西。"
        "请在 step() 之前调用 loss.backward()。",
    )
    write = STEP
    valid = (
        """
        for imgs, targets in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(imgs), targets)
            loss.backward()
            optimizer.step()
        """,
        """
        for imgs, targets in loader:
            def closure():
                optimizer.zero_grad()
                loss = loss_fn(net(imgs), targets)
                loss.backward()
                return loss

            optimizer.step(closure)
        """,
    )
    invalid = (
        Bad(
            """
            for imgs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(net(imgs), targets)
                optimizer.step()  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of step in loops with zero_grad and without backward."""
        for update in updates(script):
            no_closure = not any(call.args for call in update.step)
            computes = update.names & {"backward", "autograd", "grad"}
            if update.step and update.zero_grad and no_closure and not computes:
                yield Match(node=update.step[0])


class StepMissing(Rule):
    """A loop with `zero_grad()` and `backward()` but without `step()`."""

    name = "step-missing"
    claims = ("backward.keeps-weights", "optim.step-sgd")
    severity = "warning"
    message = Text(
        en="backward() only computes gradients; without optimizer.step() in this loop, they change "
        "no weight. Call it after backward().",
        zh="backward() 只计算梯度；循环里没有 optimizer.step()，权重不会因此改变。"
        "请在 backward() 之后调用它。",
    )
    write = STEP
    valid = (
        """
        for imgs, targets in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(imgs), targets)
            loss.backward()
            optimizer.step()
        """,
        """
        for imgs, targets in loader:
            net.zero_grad()
            loss_fn(net(imgs), targets).backward()
            for p in net.parameters():
                p.data -= 0.01 * p.grad
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            for imgs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(net(imgs), targets)
                loss.backward()  # finding
            """,
            fixed="""
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            for imgs, targets in loader:
                optimizer.zero_grad()
                loss = loss_fn(net(imgs), targets)
                loss.backward()
                optimizer.step()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of backward in loops with an optimizer's zero_grad and without step."""
        for update in updates(script):
            on = [
                call.func.value for call in update.zero_grad if isinstance(call.func, cst.Attribute)
            ]
            optimizers = [node for node in on if is_optimizer(script, node)]
            if update.backward and optimizers and "step" not in update.names:
                line = line_of(script, update.backward[-1])
                step = f"{script.code(optimizers[0])}.step()"
                yield Match(
                    node=update.backward[-1], fix={line: edits.after(line, step)} if line else {}
                )


RULES = (BackwardMissing, StepMissing)
