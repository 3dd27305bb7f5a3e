"""Integers where layers and losses need floating-point numbers, and the reverse (P17 to P23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from reference.checker.finding import Text
from reference.checker.networks import first_step
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.dtypes import numbers_in
from reference.checker.training.loops import TARGETS, batch_part
from reference.checker.training.losses import loss_calls, operands, reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference.checker.script import Script

FLOAT_ONLY = ("Conv2d", "Conv1d", "Linear", "BatchNorm2d", "ConvTranspose2d")
DISTANCES = ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")


class IntegersInLoss(Rule):
    """L1Loss or MSELoss of two tensors of integers."""

    name = "integers-in-loss"
    claims = ("loss.long-rejected", "loss.long-message")
    severity = "error"
    message = Text(
        en="Both tensors have integers, and {loss} needs floating-point numbers: create them with "
        "dtype=torch.float32, or with 1.0 in place of 1.",
        zh="两个张量都是整数，而 {loss} 需要浮点数：创建时写 dtype=torch.float32，或者把 1 写成 "
        "1.0。",
    )
    valid = (
        """
        import torch
        from torch.nn import L1Loss

        inputs = torch.tensor([1, 2, 3], dtype=torch.float32)
        targets = torch.tensor([1, 2, 5], dtype=torch.float32)
        result = L1Loss()(torch.reshape(inputs, (1, 1, 1, 3)), torch.reshape(targets, (1, 1, 1, 3)))
        """,
        """
        import torch
        from torch import nn

        a, b = torch.tensor([1, 2, 3]), torch.tensor([1, 2, 5])
        print(nn.L1Loss(reduction="sum")(a, b), nn.MSELoss()(a.float(), b))
        print(nn.MSELoss()(torch.tensor([1.0, 2, 3]), b))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch.nn import L1Loss, MSELoss

            inputs = torch.tensor([1, 2, 3])
            targets = torch.tensor([1, 2, 5])
            inputs = torch.reshape(inputs, (1, 1, 1, 3))
            loss = L1Loss()
            result = loss(inputs, targets)  # finding
            result_mse = MSELoss(reduction="sum")(inputs, targets)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of these losses with integers on both sides."""
        for call, name in loss_calls(script, *DISTANCES):
            pair = operands(call)
            if pair is None or any(numbers_in(script, node) != "int" for node in pair):
                continue
            if name != "L1Loss" or reduction(script, call) == "mean":
                yield Match(node=call, fields={"loss": name})


class IntegersInLayer(Rule):
    """Integers that are given to a network which begins with a layer that has weights."""

    name = "integers-in-layer"
    claims = ("conv.layer-rejects-integers", "seq.input-by-randint")
    severity = "error"
    message = Text(
        en="This input has integers, and the weights of {layer} are float32, which fails: add "
        ".float(), or create the input with dtype=torch.float32.",
        zh="这里的输入是整数，而 {layer} 的权重是 float32，会报错：加上 .float()，"
        "或者创建输入时写 dtype=torch.float32。",
    )
    valid = (
        """
        import torch
        import torch.nn.functional as F
        from torch import nn

        conv = nn.Conv2d(3, 6, 3)
        output = conv(torch.randint(0, 10, (64, 3, 32, 32)).float())
        pooled = nn.MaxPool2d(2)(torch.tensor([[[1, 2], [3, 4]]]))
        embedded = nn.Embedding(10, 4)(torch.randint(0, 10, (8,)))
        summed = F.conv2d(torch.tensor([[[[1]]]]), torch.tensor([[[[1]]]]))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.Sequential(nn.Conv2d(3, 32, 5), nn.MaxPool2d(2))

                def forward(self, x):
                    x = self.model1(x)
                    return x

            net = Net()
            input = torch.randint(1, 10, (64, 3, 32, 32))
            output = net(input)  # finding
            output = nn.Linear(2, 1)(torch.tensor([1, 2]))  # finding
            """,
            fixed="""
            import torch
            from torch import nn

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = nn.Sequential(nn.Conv2d(3, 32, 5), nn.MaxPool2d(2))

                def forward(self, x):
                    x = self.model1(x)
                    return x

            net = Net()
            input = torch.randint(1, 10, (64, 3, 32, 32))
            output = net(input.float())
            output = nn.Linear(2, 1)(torch.tensor([1, 2]).float())
            """,
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of networks and layers with integers."""
        for call, first, layer in _integer_inputs(script):
            if layer in FLOAT_ONLY:
                fixed = cst.Call(cst.Attribute(first, cst.Name("float")))
                yield Match(node=call, fields={"layer": layer}, fix={first: fixed})


class IntegersInMaxPool(Rule):
    """Integers that are given to max pooling, which works on the CPU only."""

    name = "integers-in-max-pool"
    claims = ("maxpool.long-rejected",)
    severity = "advice"
    message = Text(
        en="Max pooling accepts integers only on the CPU and only since torch 2.1: create the "
        "input "
        "with dtype=torch.float32.",
        zh="最大池化只有在 CPU 上、从 torch 2.1 起才接受整数：创建输入时写 dtype=torch.float32。",
    )
    write = "input = torch.tensor([[1, 2], [0, 1]], dtype=torch.float32)"
    valid = (
        """
        import torch
        from torch.nn import MaxPool2d

        input = torch.tensor([[[1, 2], [0, 1]]], dtype=torch.float32)
        output = MaxPool2d(kernel_size=2, ceil_mode=True)(input)
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch.nn import MaxPool2d

            input = torch.reshape(torch.tensor([[1, 2], [0, 1]]), (-1, 1, 2, 2))
            pool = MaxPool2d(kernel_size=2, ceil_mode=True)
            output = pool(input)  # finding
            """
        ),
    )

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the calls of networks that begin with max pooling, with integers."""
        for call, _, layer in _integer_inputs(script):
            if layer == "MaxPool2d":
                yield Match(node=call)


def _integer_inputs(script: Script) -> Iterator[tuple[cst.Call, cst.BaseExpression, str]]:
    """Yield the calls of networks with integers, the input, and the name of the first layer."""
    for call in script.nodes(cst.Call):
        is_network = len(call.args) == 1 and script.types.is_module(call.func)
        if not is_network or batch_part(script, call.args[0].value) == TARGETS:
            continue  # that targets are given to a network is another rule's mistake
        if numbers_in(script, call.args[0].value) != "int":
            continue
        first = first_step(script, call.func)
        if first is not None:
            at, layer = first
            yield call, call.args[0].value, at.types.of(layer).rpartition(".")[2]


RULES = (IntegersInLoss, IntegersInLayer, IntegersInMaxPool)
