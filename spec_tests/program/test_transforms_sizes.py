"""P10, P13: resized and cropped pictures equal torchvision's bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional
from torchvision.transforms.transforms import RandomCrop

from reference.data.transforms import center_crop, random_crop, resize, to_tensor
from spec_tests.support.images import noise_image, same

SIZES = [1, 7, 20, 64, (1, 1), (20, 64), (64, 20), (30, 41), (90, 7)]


@pytest.mark.parametrize(
    ("image", "size", "expected"),
    [
        ((512, 768), 300, (300, 450)),
        ((768, 512), 300, (450, 300)),
        ((333, 500), 300, (300, 450)),
        ((500, 333), 300, (450, 300)),
        ((7, 7), 3, (3, 3)),
        ((30, 41), 7, (7, 9)),  # 9.57 is truncated, not rounded
        ((512, 768), (300, 300), (300, 300)),
        ((10, 20), (5, 7), (5, 7)),
    ],
)
def test_resize_sizes(
    image: tuple[int, int], size: int | tuple[int, int], expected: tuple[int, int]
) -> None:
    assert resize(Image.new("L", image[::-1]), size).size == expected[::-1]
    assert resize(torch.zeros(1, *image), size).shape == (1, *expected)


def test_resize_literal() -> None:
    """Halving weighs four pixels by 1, 3, 3, 1, or at an edge the three that exist."""
    row = torch.tensor([[[0.0, 0.0, 8.0, 8.0]]])
    expected = torch.tensor([[[(3 * 0 + 3 * 0 + 8) / 7, (0 + 3 * 8 + 3 * 8) / 7]]])
    torch.testing.assert_close(resize(row, (1, 2)), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "F"])
@pytest.mark.parametrize("size", SIZES)
def test_resize_of_images(mode: str, size: int | tuple[int, int]) -> None:
    image = noise_image(mode)
    assert same(resize(image, size), functional.resize(image, size))


@pytest.mark.parametrize("shape", [(3, 30, 41), (2, 3, 30, 41), (41, 30)])
@pytest.mark.parametrize("size", SIZES)
def test_resize_of_tensors(shape: tuple[int, ...], size: int | tuple[int, int]) -> None:
    tensor = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    padded = tensor if tensor.ndim > 2 else tensor[None]
    assert same(resize(tensor, size).reshape(-1), functional.resize(padded, size).reshape(-1))


@pytest.mark.parametrize("image", [np.zeros((4, 4)), torch.zeros(3, 4, 4, dtype=torch.uint8)])
def test_resize_refuses_other_types(image: object) -> None:
    with pytest.raises(
        TypeError, match=r"a PIL image or a (float )?tensor, not (ndarray|torch\.uint8)$"
    ):
        resize(image, 2)


@pytest.mark.parametrize("size", [1, 2, 7, 29, 30, (30, 41), (3, 40), (30, 1)])
def test_center_crop(size: int | tuple[int, int]) -> None:
    for image in (noise_image(), to_tensor(noise_image())):
        assert same(center_crop(image, size), functional.center_crop(image, size))


def test_center_crop_literal() -> None:
    tensor = torch.arange(20).reshape(1, 4, 5)
    assert center_crop(tensor, 2).tolist() == [[[7, 8], [12, 13]]]


@pytest.mark.parametrize("size", [1, 30, (30, 41), (3, 40), (30, 1)])
def test_random_crop_uses_torchs_generator(size: int | tuple[int, int]) -> None:
    for image in (noise_image(), to_tensor(noise_image())):
        torch.manual_seed(3)
        theirs = RandomCrop(size)(image)
        torch.manual_seed(3)
        assert same(random_crop(image, size), theirs)


def test_random_crop_with_a_given_generator() -> None:
    image, generator = noise_image(), torch.Generator()
    before = torch.get_rng_state()
    pieces = [random_crop(image, 5, generator.manual_seed(1)).tobytes() for _ in range(2)]
    assert pieces[0] == pieces[1]
    assert torch.equal(torch.get_rng_state(), before)
    assert random_crop(image, 5, generator).tobytes() != pieces[0]


def test_random_crop_positions_are_equally_likely() -> None:
    tensor = torch.arange(6).reshape(1, 2, 3)
    generator = torch.Generator().manual_seed(0)
    corners = [int(random_crop(tensor, (2, 2), generator)[0, 0, 0]) for _ in range(400)]
    assert set(corners) == {0, 1}
    assert 150 < corners.count(0) < 250


@pytest.mark.parametrize("crop", [center_crop, random_crop])
@pytest.mark.parametrize("size", [31, (31, 41), (30, 42)])
def test_crop_larger_than_the_image(crop: Callable[..., Any], size: int | tuple[int, int]) -> None:
    height, width = size if isinstance(size, tuple) else (size, size)
    message = f"a crop of {height} x {width} is larger than the image of 30 x 41: resize it first"
    for image in (noise_image(), to_tensor(noise_image())):
        with pytest.raises(ValueError, match=message):
            crop(image, size)
