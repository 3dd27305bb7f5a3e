"""P32: images of any mode are classified."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import Compose, Resize, ToTensor

from reference.cli import main
from reference.data import image_process
from reference.errors import InputError, RunError
from reference.inference import load_image, load_images, predict
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


def test_one_process_reads_all_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = image_process._start  # noqa: SLF001
    monkeypatch.setattr(image_process, "_start", lambda: started.append(start()) or started[-1])
    path = save(tmp_path / "image.png", "RGB")
    first, second, third = load_images([path, tmp_path / "none.png", path])
    assert torch.equal(first, third)
    assert isinstance(second, InputError)
    (process,) = started
    assert process.returncode is not None  # it has ended


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


def test_many_images_are_classified_in_parts() -> None:
    seen = []

    class Recorded(Fixed):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(len(images))
            return super().forward(images)

    answers = predict(Recorded(*map(float, range(10))), [torch.zeros(3, 32, 32)] * 130)
    assert len(answers) == 130
    assert seen == [64, 64, 2]


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_output_that_is_not_finite_is_an_error(value: float) -> None:
    with pytest.raises(RunError, match="the network's output is not finite"):
        predict(Fixed(*[0.0] * 9, value), [torch.zeros(3, 32, 32)])


def test_unreadable_images_are_reported_and_the_others_classified(
    checkpoint: Path, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, text = tmp_path / "none.png", tmp_path / "text\n\x1b[2J.png"
    text.write_text("text")
    command = ["predict", str(missing), str(image), str(text), str(image)]
    options = ["--checkpoint", str(checkpoint), "--device", "cpu"]
    assert main([*command, *options]) == 1
    printed = capsys.readouterr()
    assert [line.rpartition(" (")[0] for line in printed.out.splitlines()] == [
        f"{image}: {printed.out.split()[1]}"
    ] * 2
    first, second = printed.err.splitlines()
    assert first == f"course: {missing}: no such file"
    assert second.endswith("text\\n\\x1b[2J.png is not an image: give a PNG or JPEG file")

    assert main([*command, *options, "--json"]) == 1
    printed = capsys.readouterr()
    answers = json.loads(printed.out)
    assert [answer["image"] for answer in answers] == command[1:]
    assert [sorted(answer) for answer in answers] == [
        ["error", "image"],
        ["class", "image", "index", "probability"],
    ] * 2
    assert answers[0]["error"] == f"{missing}: no such file"
    assert len(printed.err.splitlines()) == 2


def test_name_of_a_classified_image_is_escaped(
    checkpoint: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = image.rename(image.with_name("a\nb\x1b[2J.png"))
    assert main(["predict", str(path), "--checkpoint", str(checkpoint)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{path.parent}/a\\nb\\x1b[2J.png: ")


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_image_is_readable(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    paths = [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert main(["predict", *paths, "--checkpoint", str(checkpoint), *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [f"course: {path}: no such file" for path in paths]


def test_image_library_prints_no_lines_of_its_own(
    checkpoint: Path, image: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the process, libtiff prints to standard error what is damaged."""
    path = tmp_path / "image.tif"
    with Image.open(image) as picture:
        picture.save(path, compression="tiff_adobe_deflate")
    with Image.open(path) as picture:
        start, length = picture.tag_v2[273][0], picture.tag_v2[279][0]
    content = path.read_bytes()
    path.write_bytes(content[:start] + b"\xff" * length + content[start + length :])
    assert main(["predict", str(path), "--checkpoint", str(checkpoint)]) == 2
    printed = capfd.readouterr()
    assert printed.err.startswith(f"course: {path} cannot be read as an image: ")
    assert (printed.out, printed.err.count("\n")) == ("", 1)
