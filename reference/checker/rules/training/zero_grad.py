"""Clearing the gradients before each step of training (P24, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker import edits
from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Replacement, Rule
from reference.checker.training.updates import (
    block_of,
    is_optimizer,
    line_of,
    optimizer_of,
    updates,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script
    from reference.checker.training.updates import Update

STEP = """
optimizer.zero_grad()
loss.backward()
optimizer.step()
"""


class ZeroGradMissing(Rule):
    """A loop with `backward()` and `step()` but without `zero_grad()`."""

    name = "zero-grad-missing"
    claims = ("optim.without-zero-grad",)
    severity = "warning"
    message = Text(
        en="Nothing clears the gradients in this loop: backward() adds to those of all earlier "
        "batches, and step() then follows their sum. Call zero_grad() before backward().",
        zh="这个循环里没有清零梯度：backward() 会把梯度加到之前所有批次的梯度上，"
        "step() 就按它们的总和更新。请在 backward() 之前调用 zero_grad()。",
    )
    write = STEP
    valid = (
        """
        import torch

        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for imgs, targets in loader:
            optimizer.zero_grad()
            loss = loss_fn(net(imgs), targets)
            loss.backward()
            optimizer.step()
        """,
        """
        import torch

        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for i, (imgs, targets) in enumerate(loader):
            loss_fn(net(imgs), targets).backward()
            if i % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
        """,
        """
        for imgs, targets in loader:
            loss = loss_fn(net(imgs), targets)
            loss.backward()
        """,
        """
        def update(loss):
            optimizer.zero_grad()
            loss.backward()

        for imgs, targets in loader:
            update(loss_fn(net(imgs), targets))
            optimizer.step()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets)
                loss.backward()  # finding
                optimizer.step()
            """,
            fixed="""
            import torch

            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            """,
        ),
        Bad(
            """
            import torch

            optim = torch.optim.Adam(model.parameters())
            for epoch in range(10):
                optim.zero_grad()
                for i, data in enumerate(loader):
                    loss = loss_fn(model(data[0]), data[1])
                    loss.backward()  # finding
                    if i % 4 == 3:
                        optim.step()
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of backward in loops with step and without zero_grad."""
        for update in updates(script):
            is_cleared = update.names & {"zero_grad", "grad"}
            if update.backward and update.step and not is_cleared:
                yield Match(node=update.backward[0], fix=self._fix(script, update))

    def _fix(self, script: Script, update: Update) -> dict[cst.CSTNode, Replacement]:
        line, step = line_of(script, update.backward[0]), line_of(script, update.step[0])
        optimizer = optimizer_of(update.step[0])
        if line is None or optimizer is None or block_of(script, (line, step)) is None:
            return {}
        return {line: edits.before(line, f"{script.code(optimizer)}.zero_grad()")}


class GradientsCleared(Rule):
    """`zero_grad()` after `backward()` and before the `step()` that should use the gradients."""

    name = "zero-grad-before-step"
    claims = ("optim.cleared-before-step", "optim.zero-grad-place")
    severity = "warning"
    message = Text(
        en="zero_grad() clears the gradients of backward() before step() uses them, so the network "
        "does not learn. The order is zero_grad(), backward(), step().",
        zh="zero_grad() 在 step() 用到梯度之前就把 backward() 算出的梯度清掉了，"
        "网络什么也学不到。正确的顺序是 zero_grad()、backward()、step()。",
    )
    write = STEP
    valid = (
        """
        for imgs, targets in loader:
            loss = loss_fn(net(imgs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        """,
        """
        for imgs, targets in loader:
            optimizer.step()
            optimizer.zero_grad()
            loss_fn(net(imgs), targets).backward()
        """,
    )
    invalid = (
        Bad(
            """
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets)
                loss.backward()
                optimizer.zero_grad()  # finding
                optimizer.step()
            """,
            fixed="""
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            """,
        ),
        Bad(
            """
            for imgs, targets in loader:
                optimizer.zero_grad()  # finding
                optimizer.step()
                loss = loss_fn(net(imgs), targets)
                loss.backward()
            """,
            fixed="""
            for imgs, targets in loader:
                loss = loss_fn(net(imgs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of zero_grad that follow backward and precede step."""
        for update in updates(script):
            calls = (update.zero_grad, update.backward, update.step)
            if any(len(found) != 1 for found in calls):
                continue
            zero_grad, backward, step = (line_of(script, found[0]) for found in calls)
            block = block_of(script, (zero_grad, backward, step))
            if block is None or zero_grad is None or backward is None or step is None:
                continue
            after = block.index(backward)
            later = block[after:] + block[:after]  # the next round of the loop follows
            if later.index(zero_grad) < later.index(step):
                yield Match(
                    node=zero_grad.body[0],
                    fix={
                        zero_grad: cst.RemovalSentinel.REMOVE,
                        step: cst.RemovalSentinel.REMOVE,
                        backward: cst.FlattenSentinel([zero_grad, backward, step]),
                    },
                )


class ZeroGradOfAnother(Rule):
    """`zero_grad()` of another optimizer or network than `step()`."""

    name = "zero-grad-of-another"
    claims = ("optim.without-zero-grad",)
    severity = "warning"
    message = Text(
        en="{cleared}.zero_grad() does not clear the gradients that {stepped}.step() uses: they "
        "add up over the batches. Write {stepped}.zero_grad().",
        zh="{cleared}.zero_grad() 清零的不是 {stepped}.step() 所用的梯度，"
        "后者会逐批累加。请写 {stepped}.zero_grad()。",
    )
    write = STEP
    valid = (
        """
        import torch

        sgd = torch.optim.SGD(net.parameters(), lr=0.01)
        for imgs, targets in loader:
            net.zero_grad()
            loss_fn(net(imgs), targets).backward()
            sgd.step()
        """,
        """
        import torch

        encoder_optim = torch.optim.SGD(encoder.parameters(), lr=0.01)
        decoder_optim = torch.optim.SGD(decoder.parameters(), lr=0.01)
        for imgs, targets in loader:
            encoder_optim.zero_grad()
            decoder_optim.zero_grad()
            loss_fn(decoder(encoder(imgs)), targets).backward()
            encoder_optim.step()
            decoder_optim.step()
        """,
    )
    invalid = (
        Bad(
            """
            import torch

            optim1 = torch.optim.SGD(net1.parameters(), lr=0.01)
            optim2 = torch.optim.SGD(net2.parameters(), lr=0.01)
            for imgs, targets in loader:
                optim1.zero_grad()  # finding
                loss_fn(net2(imgs), targets).backward()
                optim2.step()
            """,
            fixed="""
            import torch

            optim1 = torch.optim.SGD(net1.parameters(), lr=0.01)
            optim2 = torch.optim.SGD(net2.parameters(), lr=0.01)
            for imgs, targets in loader:
                optim2.zero_grad()
                loss_fn(net2(imgs), targets).backward()
                optim2.step()
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the zero_grad of an optimizer in a loop with the step of another one only."""
        for update in updates(script):
            if len(update.zero_grad) != 1 or len(update.step) != 1:
                continue
            call = update.zero_grad[0]
            cleared = call.func.value if isinstance(call.func, cst.Attribute) else None
            stepped = optimizer_of(update.step[0])
            if cleared is None or stepped is None or not is_optimizer(script, cleared):
                continue
            names = {"cleared": script.code(cleared), "stepped": script.code(stepped)}
            is_same = script.value(cleared) is script.value(stepped)
            if not is_same and names["cleared"] != names["stepped"]:
                yield Match(node=call, fields=names, fix={cleared: stepped})


RULES = (ZeroGradMissing, GradientsCleared, ZeroGradOfAnother)
