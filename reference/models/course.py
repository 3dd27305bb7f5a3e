"""The course's small modules (P16-P21) and its CIFAR-10 network, in two forms (P22, P27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class AddOne(nn.Module):
    """A module that adds 1 to its input.

    Source: P16.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input plus 1, of the input's shape."""
        return input + 1


class Convolution(nn.Module):
    """One convolution: 6 kernels of 3 x 3 over 3 channels, without padding.

    Source: P18.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3)

    def forward(self, images: Tensor) -> Tensor:
        """Return float of shape (N, 6, H - 2, W - 2) for images, float of shape (N, 3, H, W)."""
        features: Tensor = self.conv1(images)
        return features


class MaxPool(nn.Module):
    """One max pool of 3 x 3 windows that do not overlap.

    Args:
        ceil_mode: whether a window that is only partly inside the input counts.

    Source: P19.
    """

    def __init__(self, *, ceil_mode: bool = False) -> None:
        super().__init__()
        self.maxpool1 = nn.MaxPool2d(3, ceil_mode=ceil_mode)

    def forward(self, images: Tensor) -> Tensor:
        """Return shape (N, C, H / 3, W / 3) for (N, C, H, W), rounded according to `ceil_mode`."""
        features: Tensor = self.maxpool1(images)
        return features


class Rectifier(nn.Module):
    """One ReLU.

    Source: P20.
    """

    def __init__(self) -> None:
        super().__init__()
        self.relu1 = nn.ReLU()

    def forward(self, input: Tensor) -> Tensor:
        """Return max(0, x) for each x of the input, of any shape."""
        rectified: Tensor = self.relu1(input)
        return rectified


class Squash(nn.Module):
    """One Sigmoid.

    Source: P20.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sigmoid1 = nn.Sigmoid()

    def forward(self, input: Tensor) -> Tensor:
        """Return 1 / (1 + exp(-x)) for each x of the input, of any shape."""
        squashed: Tensor = self.sigmoid1(input)
        return squashed


class OneLinear(nn.Module):
    """One linear layer over a whole batch of 64 images, flattened to one row as in the course.

    Source: P21.
    """

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(64 * 3 * 32 * 32, 10)

    def forward(self, input: Tensor) -> Tensor:
        """Return float of shape (…, 10) for float of shape (…, 196608)."""
        output: Tensor = self.linear1(input)
        return output


class Tudui(nn.Module):
    """The CIFAR-10 network: three convolutions, each with a max pool, and two linear layers.

    Its state_dict has the keys of the course's own files, `model.0.weight` to `model.8.bias`.

    Source: P22, P27; Krizhevsky, cuda-convnet, 2011.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(3, 32, 5, padding=2),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 5, padding=2),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 64),
            nn.Linear(64, 10),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, float of shape (N, 10), of images, float of shape (N, 3, 32, 32)."""
        logits: Tensor = self.model(images)
        return logits


class TuduiByLayer(nn.Module):
    """The network of `Tudui` without Sequential: the same weights in the same order.

    Source: P22.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.maxpool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.maxpool2 = nn.MaxPool2d(2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.maxpool3 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.linear1 = nn.Linear(64 * 4 * 4, 64)
        self.linear2 = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, float of shape (N, 10), of images, float of shape (N, 3, 32, 32)."""
        features = self.maxpool1(self.conv1(images))
        features = self.maxpool2(self.conv2(features))
        features = self.maxpool3(self.conv3(features))
        hidden = self.linear1(self.flatten(features))
        logits: Tensor = self.linear2(hidden)
        return logits
