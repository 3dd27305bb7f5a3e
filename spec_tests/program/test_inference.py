"""P32: images of any mode are classified."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import Compose, Resize, ToTensor

from reference.errors import InputError
from reference.inference import load_image, predict
from reference.models.course import Tudui

# A ramp from dark to light, wider than high.
RAMP = np.linspace(0, 255, 40 * 50).reshape(40, 50).astype(np.uint8)


def save(path: Path, mode: str) -> Path:
    Image.fromarray(RAMP).convert(mode).save(path)
    return path


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_image_of_any_mode_equals_that_of_the_course(tmp_path: Path, mode: str) -> None:
    path = save(tmp_path / "image.png", mode)
    with Image.open(path) as image:
        course = Compose([Resize((32, 32)), ToTensor()])(image.convert("RGB"))
    loaded = load_image(path)
    assert loaded.shape == (3, 32, 32)
    torch.testing.assert_close(loaded, course, rtol=0, atol=0)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg(tmp_path: Path, mode: str) -> None:
    loaded = load_image(save(tmp_path / "image.jpg", mode))
    assert loaded.shape == (3, 32, 32)
    assert loaded[:, 0, 0].max() < 0.1
    assert loaded[:, -1, -1].min() > 0.9


def test_16_bit_image_is_scaled_and_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(RAMP).save(tmp_path / "flat.png")
    torch.testing.assert_close(
        load_image(tmp_path / "deep.png"), load_image(tmp_path / "flat.png"), rtol=0, atol=0
    )


def test_transparency_is_dropped_as_in_the_course(tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_image(tmp_path / "clear.png")[:, 5, 5].tolist() == [1, 0, 0]


def test_file_that_is_not_an_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.png: no such file"):
        load_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(InputError, match=r"text\.png is not an image: give a PNG or JPEG"):
        load_image(tmp_path / "text.png")
    data = save(tmp_path / "cut.png", "RGB").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"cut\.png cannot be read as an image"):
        load_image(tmp_path / "cut.png")


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(tmp_path / "bomb.png")
    with pytest.raises(InputError, match=r"bomb\.png cannot be read as an image: .*pixels"):
        load_image(tmp_path / "bomb.png")


class Fixed(nn.Module):
    """A module that returns the same logits for each image."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), -1)


def test_class_and_probability() -> None:
    logits = [0.0] * 10
    logits[5] = 2.0
    image = torch.zeros(3, 32, 32)
    answers = predict(Fixed(*logits), [image, image])
    assert [(a["index"], a["class"]) for a in answers] == [(5, "dog"), (5, "dog")]
    # softmax: e^2 / (e^2 + 9 e^0)
    assert answers[0]["probability"] == pytest.approx(0.4508531, rel=1e-6, abs=0)


def test_answers_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    model = Tudui()
    images = list(torch.rand(3, 3, 32, 32))
    batched = predict(model, images)
    single = [predict(model, [image])[0] for image in images]
    assert [a["index"] for a in batched] == [a["index"] for a in single]


def test_network_is_put_into_evaluation_mode() -> None:
    model = nn.Sequential(nn.Dropout(0.5), Fixed(*map(float, range(10))))
    predict(model, [torch.zeros(3, 32, 32)])
    assert not model.training
