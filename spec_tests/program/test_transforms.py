"""P10-P13: the definitions equal torchvision's functions bit for bit."""

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional

from reference.data.image_folders import by_folder, read_image
from reference.data.transforms import compose, normalize, resize, to_pil_image, to_tensor
from spec_tests.paths import INSECTS
from spec_tests.support.images import noise, noise_image, same

MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"]


def test_to_tensor_literal() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(255, 51, 0), (0, 102, 204)])
    expected = [[[1.0, 0.0]], [[0.2, 0.4]], [[0.0, 0.8]]]
    torch.testing.assert_close(to_tensor(image), torch.tensor(expected), rtol=0, atol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(30, 41), (1, 1), (1, 9)])
def test_to_tensor_of_each_mode(mode: str, size: tuple[int, int]) -> None:
    image = noise_image(mode, *size)
    tensor = to_tensor(image)
    assert tensor.shape == (len(image.getbands()), *size)
    assert tensor.is_contiguous()
    assert same(tensor, functional.to_tensor(image))


def test_to_tensor_returns_palette_indices() -> None:
    image = Image.new("P", (1, 1), 2)
    image.putpalette([0, 0, 0, 10, 20, 30, 255, 255, 255])
    assert to_tensor(image).tolist() == [[[np.float32(2 / 255)]]]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_to_tensor_of_arrays(dtype: str, channels: int) -> None:
    pixels = noise(4, 5, channels).astype(dtype)
    for array in (pixels, pixels[:, :, 0], pixels[::2, ::3], np.asfortranarray(pixels)):
        assert same(to_tensor(array), functional.to_tensor(array.copy()))


def test_to_tensor_shares_no_memory() -> None:
    array = np.zeros((2, 3), np.float32)
    tensor = to_tensor(array)
    array[:] = 1
    assert tensor.sum() == 0


def test_to_tensor_keeps_16_bits() -> None:
    """Torchvision reads them as signed: values from 32768 on become negative."""
    image = Image.fromarray(np.array([[0, 255, 32767, 32768, 65535]], np.uint16))
    tensor = to_tensor(image)
    assert tensor.dtype == torch.int32
    assert tensor.tolist() == [[[0, 255, 32767, 32768, 65535]]]
    assert functional.to_tensor(image).tolist() == [[[0, 255, 32767, -32768, -1]]]


def test_to_tensor_follows_the_default_dtype() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert same(to_tensor(noise_image()), functional.to_tensor(noise_image()))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("image", ["a.jpg", None, torch.zeros(3, 2, 2), [[0]]])
def test_to_tensor_refuses_other_types(image: object) -> None:
    with pytest.raises(TypeError, match=f"PIL image or an array, not {type(image).__name__}$"):
        to_tensor(image)


@pytest.mark.parametrize("shape", [(), (3,), (1, 3, 2, 2)])
def test_to_tensor_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have shape \(H, W\) or \(H, W, C\), not \("):
        to_tensor(np.zeros(shape))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_to_pil_image_inverts_to_tensor(mode: str) -> None:
    image = noise_image(mode)
    assert same(to_pil_image(to_tensor(image)), image)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_to_pil_image(channels: int, dtype: str) -> None:
    pixels = noise(4, 5, channels)
    array = pixels if dtype == "uint8" else pixels.astype(dtype) / 256
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    image = to_pil_image(array)
    assert image.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    assert image.size == (5, 4)
    assert same(image, functional.to_pil_image(array))
    assert same(to_pil_image(tensor), functional.to_pil_image(tensor))
    assert same(to_pil_image(array[:, :, 0]), functional.to_pil_image(array[:, :, 0]))
    assert same(to_pil_image(tensor[0]), functional.to_pil_image(tensor[0]))


def test_to_pil_image_of_a_tensor_with_gradient() -> None:
    assert to_pil_image(torch.ones(3, 1, 1, requires_grad=True)).getpixel((0, 0)) == (255,) * 3


def test_to_pil_image_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="a tensor or an array, not Image"):
        to_pil_image(noise_image())
    with pytest.raises(TypeError, match="Cannot handle this data type"):
        to_pil_image(np.zeros((2, 2, 3), np.int64))


@pytest.mark.parametrize("shape", [(6, 4, 4), (1, 3, 4, 4), (4,), (0, 4, 4)])
def test_to_pil_image_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have 1 to 4 channels, not the shape \("):
        to_pil_image(torch.zeros(shape))


def test_normalize_literal() -> None:
    tensor = torch.tensor([[[0.0, 0.5]], [[1.0, 0.25]]])
    expected = torch.tensor([[[-1.0, 0.0]], [[3.0, 0.0]]])
    normalized = normalize(tensor, [0.5, 0.25], [0.5, 0.25])
    torch.testing.assert_close(normalized, expected, rtol=0, atol=0)
    assert tensor[0, 0, 0] == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_normalize(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tensor = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    assert same(normalize(tensor, mean, std), functional.normalize(tensor, mean, std))


@pytest.mark.parametrize(
    ("tensor", "kind"), [(noise_image(), "Image"), (torch.zeros(3, 2, 2).byte(), "torch.uint8")]
)
def test_normalize_refuses_what_is_not_float(tensor: object, kind: str) -> None:
    with pytest.raises(TypeError, match=f"float tensor, not {kind}: use to_tensor first"):
        normalize(tensor, [0.5] * 3, [0.5] * 3)


@pytest.mark.parametrize(("shape", "means"), [((1, 4, 4), 3), ((3, 4, 4), 1), ((3, 4), 3)])
def test_normalize_needs_a_value_for_each_channel(shape: tuple[int, ...], means: int) -> None:
    with pytest.raises(ValueError, match="a value for each channel"):
        normalize(torch.zeros(shape), [0.5] * means, [0.5] * means)


def test_normalize_refuses_to_divide_by_zero() -> None:
    with pytest.raises(ValueError, match="std must not be 0"):
        normalize(torch.zeros(2, 4, 4), [0, 0], [1, 0])


def test_compose_applies_any_callables_in_order() -> None:
    assert compose([len, lambda n: n * 10, str])("abc") == "30"
    assert compose([])("abc") == "abc"


def test_composed_transform_can_be_pickled() -> None:
    transform = compose([partial(resize, size=8), to_tensor])
    loaded = pickle.loads(pickle.dumps(transform))
    assert same(loaded(noise_image()), transform(noise_image()))


def assert_equals_torchvision(image: Image.Image) -> None:
    """Compare every transform that the course applies to a photograph with torchvision's."""
    tensor = to_tensor(image)
    assert same(tensor, functional.to_tensor(image))
    assert same(to_pil_image(tensor), image)
    half = [0.5, 0.5, 0.5]
    assert same(normalize(tensor, half, half), functional.normalize(tensor, half, half))
    for size in (300, (300, 300), (512, 512), (32, 32)):
        assert same(resize(image, size), functional.resize(image, size))
        assert same(resize(tensor, size), functional.resize(tensor, size))


@pytest.mark.parametrize("name", ["ants", "bees"])
def test_drawn_insects(name: str) -> None:
    ((path, _),) = by_folder(INSECTS / name)
    assert_equals_torchvision(read_image(path))


@pytest.mark.data
@pytest.mark.parametrize("name", ["ants", "bees"])
def test_real_insects(real_data: Path, name: str) -> None:
    for path, _ in by_folder(real_data / "hymenoptera_data" / "train" / name)[::25]:
        assert_equals_torchvision(read_image(path))
