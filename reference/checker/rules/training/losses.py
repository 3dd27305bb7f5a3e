"""Adding up losses (P24, P28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Replacement, Rule
from reference.checker.training.gradients import records_gradients
from reference.checker.training.losses import has_backward, is_loss_tensor, loss_name, reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.finding import Severity
    from reference.checker.script import Script

LOOP = """
import torch
from torch import nn

loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
running_loss = 0.0
for imgs, targets in loader:
    loss = loss_fn(net(imgs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    {line}
print(running_loss)
"""


class LossSummedAsTensor(Rule):
    """A sum of losses that are tensors, with the graphs of all batches."""

    name = "loss-summed-as-tensor"
    claims = ("optim.sum-loss-is-tensor", "train.total-loss-float")
    severity = "warning"
    message = Text(
        en="The loss is a tensor, so the sum is one too: it prints as tensor(…), and in training "
        "it "
        "keeps the graphs of all batches in memory. Add up loss.item().",
        zh="loss 是张量，加起来也是张量：打印出来是 tensor(…)，"
        "训练时还会把每一批的计算图都留在内存里。"
        "应当累加 loss.item()。",
    )
    valid = (
        LOOP.format(line="running_loss += loss.item()"),
        LOOP.format(line="running_loss = running_loss + float(loss)"),
        LOOP.format(line="running_loss += loss.detach()"),
        """
        from torch import nn

        loss_fn = nn.CrossEntropyLoss()
        for imgs, targets in loader:
            loss = 0
            for scale in (1, 2):
                loss += loss_fn(net(imgs * scale), targets)
            loss.backward()
        """,
        """
        from torch import nn

        loss_fn = nn.L1Loss()
        for imgs, targets in loader:
            total = loss_fn(net1(imgs), targets)
            total = total + loss_fn(net2(imgs), targets)
            print(total)
        """,
        """
        from torch import nn

        loss_fn = nn.CrossEntropyLoss()
        for imgs, targets in loader:
            losses = []
            for net in nets:
                loss = loss_fn(net(imgs), targets)
                losses.append(loss)
            sum(losses).backward()
        """,
        """
        import torch.nn.functional as F

        def style_loss(features, targets):
            style = 0.0
            for x, y in zip(features, targets):
                style += F.mse_loss(x, y)
            return 1000 * style

        content = 0.0
        for x, y in zip(features, targets):
            content += F.mse_loss(x, y)
        total = content + style_loss(features, targets)
        total.backward()
        """,
        """
        total_accuracy = 0
        for imgs, targets in loader:
            accuracy = (net(imgs).argmax(1) == targets).sum()
            total_accuracy = total_accuracy + accuracy
        """,
    )
    invalid = (
        *(
            Bad(
                LOOP.format(line=line.format("loss") + "  # finding"),
                fixed=LOOP.format(line=line.format("loss.item()")),
            )
            for line in (
                "running_loss += {}",
                "running_loss = {} + running_loss",
                "running_loss += {} * imgs.size(0)",
                "running_loss = running_loss + {} / 8",
            )
        ),
        Bad(
            """
            import torch
            import torch.nn.functional as F

            def test(model, loader):
                total = 0
                with torch.no_grad():
                    for imgs, targets in loader:
                        total += F.cross_entropy(model(imgs), targets)  # finding
                print(total.item() / len(loader))
            """
        ),
        Bad(
            """
            from torch import nn

            criterion = nn.MSELoss()
            losses = []
            for imgs, targets in loader:
                cost = criterion(net(imgs), targets)
                cost.backward()
                losses.append(cost)  # finding
            """,
            fixed="""
            from torch import nn

            criterion = nn.MSELoss()
            losses = []
            for imgs, targets in loader:
                cost = criterion(net(imgs), targets)
                cost.backward()
                losses.append(cost.item())
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the statements that add the tensor of a loss to a sum or list in a loop."""
        for statement, total, added in _sums(script):
            if _is_new_sum(script, total, statement) or not is_loss_tensor(script, added):
                continue
            if not has_backward(script, added) and _goes_on(script, total, statement):
                continue
            graph = records_gradients(script, statement)
            severity: Severity = "warning" if graph else "advice"
            if isinstance(statement, cst.Call) and not (graph and has_backward(script, added)):
                continue  # a list of losses may be added up and go backward later
            loss = _loss_in(script, added)
            fix: dict[cst.CSTNode, Replacement] = {}
            if loss is not None and not _has_methods(script, total):
                fix = {loss: cst.Call(cst.Attribute(loss, cst.Name("item")))}
            yield Match(node=statement, severity=severity, fix=fix)


def _sums(
    script: Script,
) -> Iterator[tuple[cst.CSTNode, cst.BaseExpression, cst.BaseExpression]]:
    """Yield the statements that add something: the statement, the sum or list, what is added."""
    for statement in script.nodes(cst.AugAssign):
        if isinstance(statement.operator, cst.AddAssign):
            yield statement, statement.target, statement.value
    for assign in script.nodes(cst.Assign):
        value, target = assign.value, assign.targets[0].target
        if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.Add):
            code = script.code(target)
            if script.code(value.left) == code:
                yield assign, target, value.right
            elif script.code(value.right) == code:
                yield assign, target, value.left
    for call, on in script.method_calls("append"):
        if len(call.args) == 1:
            yield call, on, call.args[0].value


def _is_new_sum(script: Script, total: cst.BaseExpression, statement: cst.CSTNode) -> bool:
    """Return whether a sum starts again in each round of the loop, or gets gradients itself."""
    loop = script.enclosing(statement, cst.For, cst.While, cst.FunctionDef)
    if not isinstance(loop, cst.For | cst.While):
        return True
    if not isinstance(total, cst.Name):
        code = script.code(total)
        return any(script.code(on) == code for _, on in script.method_calls("backward"))
    for binding in script.bindings(total):
        inside = loop in script.parents(binding.name) and script.before(binding.name, statement)
        if inside and binding.statement is not statement:
            return True
    return _is_used(script, total, "backward")


def _goes_on(script: Script, total: cst.BaseExpression, statement: cst.CSTNode) -> bool:
    """Return whether a sum is returned from a function, or part of what gets gradients.

    Such a sum may be one loss that is calculated in parts.
    """
    if not isinstance(total, cst.Name) or not records_gradients(script, statement):
        return False
    function = script.enclosing(statement, cst.FunctionDef)
    returned = script.within(function, cst.Return) if function else ()
    pending: list[cst.CSTNode] = [r.value for r in returned if r.value is not None]
    pending += [on for _, on in script.method_calls("backward")]
    seen: set[cst.CSTNode] = set()
    while pending:
        node = pending.pop()
        for name in (node, *script.within(node, cst.Name)):
            if not isinstance(name, cst.Name) or name in seen:
                continue
            if name.value == total.value:
                return True
            seen.add(name)
            pending += [b.value for b in script.bindings(name) if b.value is not None]
    return False


def _is_used(script: Script, total: cst.Name, *methods: str) -> bool:
    uses = (script.parent(name) for name in script.accesses(total))
    return any(isinstance(use, cst.Attribute) and use.attr.value in methods for use in uses)


def _has_methods(script: Script, total: cst.BaseExpression) -> bool:
    """Return whether the sum is used as a tensor: `total.item()`."""
    if not isinstance(total, cst.Name):
        return True
    return _is_used(script, total, "item", "cpu", "detach", "data", "numpy", "backward", "tolist")


def _loss_in(script: Script, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """Return the one number to which `.item()` can be added: the loss, or a factor of it."""
    if isinstance(node, cst.BinaryOperation):
        found = [side for side in (node.left, node.right) if is_loss_tensor(script, side)]
        is_product = isinstance(node.operator, cst.Multiply | cst.Divide)
        return _loss_in(script, found[0]) if len(found) == 1 and is_product else None
    value = script.value(node)
    known = isinstance(value, cst.Call) and bool(loss_name(script, value))
    if known and isinstance(value, cst.Call) and reduction(script, value) in ("mean", "sum"):
        return node
    return None


RULES = (LossSummedAsTensor,)
