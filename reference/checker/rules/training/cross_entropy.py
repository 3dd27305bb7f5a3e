"""What CrossEntropyLoss and other losses are given: outputs first, and not probabilities (P23)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.networks import last_step
from reference.checker.rule import Bad, Match, Rule
from reference.checker.training.loops import TARGETS, batch_part, is_network, is_output
from reference.checker.training.losses import loss_calls, operands
from reference.checker.tree import argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

CLASSES = ("CrossEntropyLoss",)
SYMMETRIC = ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
_NORMALISED = re.compile(r"torch(\.nn(\.functional)?)?\.(softmax|Softmax|sigmoid|Sigmoid)$")
_METHODS = ("softmax", "sigmoid")

NET = """
from torch import nn

net = nn.Sequential(
    nn.Flatten(),
    nn.Linear(3072, 10),
    {last}
)
loss_fn = nn.CrossEntropyLoss()
loss = loss_fn(net(imgs), targets)
"""


class SoftmaxBeforeCrossEntropy(Rule):
    """Softmax or sigmoid of the outputs before CrossEntropyLoss, which computes softmax itself."""

    name = "softmax-before-cross-entropy"
    claims = ("loss.softmax-inside", "loss.classes-start-at-0")
    severity = "warning"
    message = Text(
        en="CrossEntropyLoss computes softmax itself; after another {function} its gradients are "
        "small and the network learns slowly. Give it the outputs of the last Linear as they are.",
        zh="CrossEntropyLoss 内部已经做了 softmax；前面再加一次 {function}，梯度会变小，"
        "网络学得很慢。把最后一个 Linear 的输出直接交给它即可。",
    )
    valid = (
        NET.format(last="nn.ReLU(),"),
        NET.format(last="nn.LogSoftmax(dim=1),"),
        """
        import torch
        from torch import nn

        net = nn.Linear(3072, 10)
        loss_fn = nn.CrossEntropyLoss()
        outputs = net(imgs)
        loss = loss_fn(outputs, targets)
        print(torch.softmax(outputs, dim=1))
        """,
        """
        import torch
        from torch import nn

        net = nn.Sequential(nn.Linear(8, 1), nn.Sigmoid())
        loss = nn.BCELoss()(net(imgs), targets)
        """,
    )
    invalid = (
        Bad(NET.format(last="nn.Softmax(dim=1),  # finding")),
        Bad(
            """
            import torch.nn.functional as F
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(8, 10)

                def forward(self, x):
                    x = self.fc(x)
                    return F.softmax(x, dim=1)  # finding

            net = Net()
            criterion = nn.CrossEntropyLoss()
            for imgs, targets in loader:
                outputs = net(imgs)
                loss = criterion(outputs, targets)
            """
        ),
        Bad(
            """
            import torch
            from torch import nn

            net = nn.Linear(8, 10)
            outputs = torch.softmax(net(imgs), dim=1)  # finding
            loss = nn.CrossEntropyLoss()(outputs, targets)
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the layers and calls that normalise what CrossEntropyLoss gets."""
        seen: set[cst.CSTNode] = set()
        for call, _ in loss_calls(script, *CLASSES):
            pair = operands(call)
            found = _normalised(script, pair[0]) if pair else None
            if found is None:
                continue
            where, node, function = found
            place = node if where is script else call
            if place not in seen:
                seen.add(place)
                yield Match(node=place, fields={"function": function.lower()})


def _normalised(script: Script, outputs: cst.BaseExpression) -> tuple[Script, cst.Call, str] | None:
    """Return the softmax or sigmoid that gave outputs; None if there is none."""
    call = script.value(outputs)
    if not isinstance(call, cst.Call):
        return None
    if is_network(script, call.func) and (last := last_step(script, call.func)) is not None:
        script, node = last
        call = node if isinstance(node, cst.Call) else call
    match = _NORMALISED.match(script.types.of(call)) or _NORMALISED.match(script.name(call.func))
    if match:
        return script, call, match[3]
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    is_method = method in _METHODS and not script.name(call.func)
    return (script, call, method) if is_method else None


class LossArgumentsSwapped(Rule):
    """The targets before the outputs."""

    name = "loss-arguments-swapped"
    claims = ("loss.outputs-first",)
    severity = "error"
    message = Text(
        en="A loss takes the outputs of the network first and the targets second: here they are "
        "the "
        "other way round.",
        zh="损失函数的第一个参数是网络的输出，第二个才是目标：这里写反了。",
    )
    valid = (
        """
        from torch import nn

        net, loss_fn = nn.Linear(8, 10), nn.CrossEntropyLoss()
        for imgs, targets in loader:
            loss = loss_fn(net(imgs), targets)
        """,
        """
        from torch import nn

        net, loss_fn = nn.Linear(8, 10), nn.MSELoss()
        for imgs, targets in loader:
            loss = loss_fn(targets, net(imgs))
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            net = nn.Linear(8, 10)
            loss_fn = nn.CrossEntropyLoss()
            for data in loader:
                imgs, targets = data
                targets = targets.to("cpu")
                outputs = net(imgs)
                loss = loss_fn(targets, outputs)  # finding
            """,
            fixed="""
            from torch import nn

            net = nn.Linear(8, 10)
            loss_fn = nn.CrossEntropyLoss()
            for data in loader:
                imgs, targets = data
                targets = targets.to("cpu")
                outputs = net(imgs)
                loss = loss_fn(outputs, targets)
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of losses with targets of a batch first and outputs second."""
        for call, name in loss_calls(script):
            pair = operands(call)
            if name in SYMMETRIC or pair is None:
                continue
            first, second = pair
            if batch_part(script, first) == TARGETS and is_output(script, second):
                yield Match(node=call, fix={first: second, second: first})


class LossReduction(Rule):
    """A `reduction` that losses do not have."""

    name = "loss-reduction"
    claims = ("loss.reduction-choices",)
    severity = "error"
    message = Text(
        en="{value} is not a reduction: write 'mean', 'sum' or 'none'.",
        zh="reduction 不能是 {value}：只能写 'mean'、'sum' 或 'none'。",
    )
    valid = (
        """
        from torch import nn

        loss = nn.L1Loss(reduction="sum")
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn
            import torch.nn.functional as F

            loss = nn.L1Loss(reduction="avg")  # finding
            value = F.mse_loss(a, b, reduction="Mean")  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the values of `reduction` that are none of the three."""
        for call in script.nodes(cst.Call):
            node = argument(call, None, "reduction")
            value = script.literal(node) if node is not None else ...
            is_loss = script.name(call.func).startswith("torch.nn.")
            is_other = isinstance(value, str) and value not in ("mean", "sum", "none", "batchmean")
            if node and is_loss and is_other:
                yield Match(node=node, fields={"value": repr(value)})


RULES = (SoftmaxBeforeCrossEntropy, LossArgumentsSwapped, LossReduction)
