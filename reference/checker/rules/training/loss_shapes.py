"""Outputs and targets whose shapes do not fit together (P23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.infer import LayerMismatchError, shapes_of
from reference.checker.training.loops import TARGETS, batch_part, is_output
from reference.checker.training.losses import loss_calls, operands

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst as cst

    from reference.checker.script import Script
    from reference.checker.shapes.layers import Shape

CLASSES = ("CrossEntropyLoss", "NLLLoss")
DISTANCES = ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")
TENSORS = """
import torch
from torch import nn

outputs = torch.rand({outputs})
targets = torch.{targets}
loss = nn.{loss}()(outputs, targets){mark}
"""


def _tensors(outputs: str, targets: str, loss: str = "CrossEntropyLoss", mark: str = "") -> str:
    return TENSORS.format(outputs=outputs, targets=targets, loss=loss, mark=mark)


class ClassLossShapes(Rule):
    """Outputs and targets of another number of samples, or outputs that are no table of classes."""

    name = "class-loss-shapes"
    claims = (
        "loss.cross-entropy-shapes",
        "loss.same-first-dimension",
        "loss.cross-entropy-2d-only",
    )
    severity = "error"
    message = Text(
        en="{loss} needs outputs of shape (N, classes) and targets of shape (N); here they are "
        "{outputs} and {targets}. Flatten the images with nn.Flatten(), which keeps N, and make "
        "targets of shape (N, 1) flat with targets.squeeze(1).",
        zh="{loss} 要求输出的形状是 (N, 类别数)，目标的形状是 (N)；这里分别是 {outputs} 和 "
        "{targets}。"
        "展平图片要用 nn.Flatten()，它会保留 N；"
        "目标的形状是 (N, 1) 时，用 targets.squeeze(1) 去掉第二维。",
    )
    write = """
inputs = torch.reshape(torch.tensor([0.1, 0.2, 0.3]), (1, 3))
targets = torch.tensor([1])
print(nn.CrossEntropyLoss()(inputs, targets))
"""
    valid = (
        _tensors("64, 10", "randint(10, (64,))"),
        _tensors("64, 10", "rand(64, 10)"),
        _tensors("10", "tensor(1)"),
        _tensors("4, 10, 8, 8", "randint(10, (4, 8, 8))"),
        _tensors("4, 1", "rand(4, 1)"),
        """
        import torch
        import torchvision
        from torch import nn
        from torch.utils.data import DataLoader

        data = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
        net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))
        loss_fn = nn.CrossEntropyLoss()
        for imgs, targets in DataLoader(data, batch_size=64):
            loss = loss_fn(net(imgs), targets)
            swapped = loss_fn(targets, net(imgs))
        """,
    )
    invalid = (
        Bad(_tensors("64, 10", "randint(10, (64, 1))", mark="  # finding")),
        Bad(_tensors("32, 10", "randint(10, (64,))", mark="  # finding")),
        Bad(_tensors("10", "randint(10, (64,))", mark="  # finding")),
        Bad(_tensors("64, 10, 1, 1", "randint(10, (64,))", mark="  # finding")),
        Bad(
            """
            import torchvision
            from torch import nn
            from torch.utils.data import DataLoader

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
                    self.linear1 = nn.Linear(1024, 10)

                def forward(self, x):
                    x = self.conv1(x)
                    x = x.view(-1, 1024)
                    return self.linear1(x)

            data = torchvision.datasets.CIFAR10("data", transform=torchvision.transforms.ToTensor())
            net = Net()
            for imgs, targets in DataLoader(data, batch_size=64):
                loss = nn.CrossEntropyLoss()(net(imgs), targets)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of losses of classes with shapes that they reject."""
        for call, name, outputs, targets in _shapes(script, *CLASSES):
            if _rejected(script, outputs, targets):
                fields = {"loss": name, "outputs": _text(outputs), "targets": _text(targets)}
                yield Match(node=call, fields=fields)


def _rejected(script: Script, outputs: Shape, targets: Shape) -> bool:
    """Return whether CrossEntropyLoss rejects these shapes; unknown sizes fit."""
    if len(outputs) == 1:
        if targets == (1,):  # accepted from torch 2.9 on
            return script.torch.release < (2, 9)
        return bool(targets) and None not in targets and targets != outputs
    if len(outputs) == 2 == len(targets):  # noqa: PLR2004 - N and classes
        return None not in (*outputs, *targets) and outputs != targets
    if len(targets) == 1:
        differ = None not in (outputs[0], targets[0]) and outputs[0] != targets[0]
        return differ or len(outputs) > 2  # noqa: PLR2004 - N and classes
    return False


class DistanceLossShapes(Rule):
    """Outputs and targets of different shapes in L1Loss and MSELoss, which broadcast them."""

    name = "distance-loss-shapes"
    claims = ("loss.same-first-dimension",)
    severity = "warning"
    message = Text(
        en="The two shapes differ, {outputs} and {targets}: {loss} then compares each number with "
        "others than its own, or fails. Give both the same shape.",
        zh="两者的形状不同，分别是 {outputs} 和 {targets}：{loss} 会拿不对应的数互相比较，"
        "或者直接报错。"
        "应当让两者形状相同。",
    )
    write = "loss = loss_fn(outputs, torch.reshape(targets, (4, 1)))"
    valid = (
        _tensors("4, 1", "rand(4, 1)", "MSELoss"),
        _tensors("1, 1, 1, 3", "rand(1, 1, 1, 3)", "L1Loss"),
    )
    invalid = (Bad(_tensors("4, 1", "rand(4)", "MSELoss", mark="  # finding")),)

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of distances with two known shapes that differ."""
        for call, name, outputs, targets in _shapes(script, *DISTANCES):
            if None not in (*outputs, *targets) and outputs != targets:
                fields = {"loss": name, "outputs": _text(outputs), "targets": _text(targets)}
                yield Match(node=call, fields=fields)


def _shapes(script: Script, *names: str) -> Iterator[tuple[cst.Call, str, Shape, Shape]]:
    """Yield the calls of losses whose two shapes are known, with their names."""
    shapes = shapes_of(script)
    for call, name in loss_calls(script, *names):
        pair = operands(call)
        if pair and batch_part(script, pair[0]) == TARGETS and is_output(script, pair[1]):
            continue  # loss-arguments-swapped finds these
        try:
            found = [shapes.of(node) for node in pair or ()]
        except LayerMismatchError:
            continue
        if len(found) == 2 and found[0] is not None and found[1] is not None:  # noqa: PLR2004
            yield call, name, found[0], found[1]


def _text(shape: Shape) -> str:
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


RULES = (ClassLossShapes, DistanceLossShapes)
