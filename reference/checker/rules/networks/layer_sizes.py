"""Layers that do not fit their input: channels, features, windows (P17 to P22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reference.checker.finding import Text
from reference.checker.rule import Bad, Match, Rule
from reference.checker.shapes.mismatches import mismatches

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst as cst

    from reference.checker.script import Script
    from reference.checker.shapes.infer import LayerMismatchError


class _Mismatch(Rule):
    """A layer that does not fit its input, of one kind."""

    severity = "error"
    kind: ClassVar[str]

    def check(self, script: Script) -> Iterator[Match]:
        """Yield the layers of this kind of mismatch, or the calls of networks that contain them."""
        for error in mismatches(script):
            if error.reason.kind == self.kind:
                yield Match(node=_place(script, error), fields=fields_of(error))


class LinearSize(_Mismatch):
    """A linear layer whose `in_features` is not the size of its input."""

    name = "linear-size-mismatch"
    claims = ("linear.sizes-must-match", "seq.conv3-channels", "seq.wrong-layer")
    kind = "features"
    message = Text(
        en="This Linear expects {expected} values, but its input has {given} (shape {shape}): make "
        "in_features {given}, or correct the layers before it.",
        zh="这个 Linear 要求输入 {expected} 个数，而实际的输入有 {given} 个（形状 {shape}）："
        "把 in_features 改为 {given}，或者改正它前面的层。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn

        net = nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 16 * 16, 10),
        )
        print(net(torch.ones(64, 3, 32, 32)).shape)
        """,
        """
        import torch
        from torch import nn

        net = nn.Sequential(
            nn.Conv2d(3, 8, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)
        )
        output = net(torch.rand(1, 3, 99, 99))
        """,
        """
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, size):
                super().__init__()
                self.linear = nn.Linear(size, 10)

            def forward(self, x):
                for _ in range(3):
                    x = x.flatten(1)
                return self.linear(x)

        print(Net(3072)(torch.ones(64, 3, 32, 32)))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn
            from torch.nn import Conv2d, Flatten, Linear, MaxPool2d, Sequential

            class Myseq(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.model1 = Sequential(
                        Conv2d(3, 32, 5, padding=2), MaxPool2d(2),
                        Conv2d(32, 32, 5, padding=2), MaxPool2d(2),
                        Conv2d(32, 32, 5, padding=2), MaxPool2d(2),
                        Flatten(),
                        Linear(1024, 64),  # finding
                        Linear(64, 10),
                    )

                def forward(self, x):
                    x = self.model1(x)
                    return x

            net = Myseq()
            print(net(torch.ones((64, 3, 32, 32))).shape)
            """
        ),
        Bad(
            """
            from torch import nn
            import torch.nn.functional as F

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc1 = nn.Linear(784, 128)
                    self.fc2 = nn.Linear(64, 10)  # finding

                def forward(self, x):
                    x = x.view(-1, 784)
                    x = F.relu(self.fc1(x))
                    return self.fc2(x)
            """
        ),
        Bad(
            """
            import torchvision
            from torch import nn
            from torch.utils.data import DataLoader

            data = torchvision.datasets.MNIST("data", transform=torchvision.transforms.ToTensor())
            loader = DataLoader(data, batch_size=64)
            net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))  # finding
            for imgs, targets in loader:
                output = net(imgs)
            """
        ),
    )


class ConvChannels(_Mismatch):
    """A convolution whose `in_channels` is not the number of channels of its input."""

    name = "conv-channels-mismatch"
    claims = ("conv.rgb-channels",)
    kind = "channels"
    message = Text(
        en="This layer expects {expected} channels, but its input has {given}: each layer's input "
        "channels are the output channels of the layer before.",
        zh="这一层要求输入 {expected} 个通道，而实际的输入有 {given} 个："
        "每一层的输入通道数必须等于前一层的输出通道数。",
    )
    write = """
    self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
    self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
    """
    valid = (
        """
        from torch import nn

        net = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.BatchNorm2d(6), nn.Conv2d(6, 16, 5))
        """,
    )
    invalid = (
        Bad(
            """
            from torch import nn

            net = nn.Sequential(
                nn.Conv2d(3, 32, 5),
                nn.MaxPool2d(2),
                nn.Conv2d(64, 64, 5),  # finding
            )
            """
        ),
        Bad(
            """
            import torch
            from torch import nn

            conv1 = nn.Conv2d(in_channels=1, out_channels=6, kernel_size=3)  # finding
            output = conv1(torch.ones(64, 3, 32, 32))
            """
        ),
    )


class WindowSize(_Mismatch):
    """A kernel or pooling window that is larger than its input."""

    name = "window-too-large"
    claims = ("conv.kernel-larger", "maxpool.output-too-small")
    kind = "window"
    message = Text(
        en="This window of size {expected} is larger than its input (shape {shape}), even with the "
        "padding: the layers before have made the image too small.",
        zh="这个窗口的边长是 {expected}，即使加上 padding 也大于输入（形状 {shape}）："
        "前面的层已经把图片缩得太小了。",
    )
    write = ""
    valid = (
        """
        import torch
        from torch import nn

        net = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Conv2d(1, 4, 7, padding=3))
        output = net(torch.ones(1, 1, 28, 28))
        """,
    )
    invalid = (
        Bad(
            """
            import torch
            from torch import nn

            net = nn.Sequential(
                nn.Conv2d(1, 4, 3, stride=2),
                nn.MaxPool2d(4),
                nn.Conv2d(4, 8, 5),  # finding
            )
            output = net(torch.ones(1, 1, 28, 28))
            """
        ),
    )


def _place(script: Script, error: LayerMismatchError) -> cst.CSTNode:
    """Return the layer if the script has it, otherwise the call of the network."""
    if error.script is script:
        return error.layer
    return next(call for at, call in error.calls if at is script)


def fields_of(error: LayerMismatchError) -> dict[str, str]:
    """Return the numbers of a mismatch, as messages show them."""
    sizes = ["?" if size is None else str(size) for size in error.reason.shape]
    shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
    reason = error.reason
    return {"expected": str(reason.expected), "given": str(reason.given), "shape": shape}


RULES = (LinearSize, ConvChannels, WindowSize)
