"""P6-P7: images are labelled by folder, by text file and by name, and opened one by one."""

import os
import pickle
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset

from reference.data.image_folders import (
    LabelledImages,
    by_folder,
    by_name,
    by_text_file,
    read_image,
)
from reference.data.transforms import compose, resize, to_tensor
from reference.errors import InputError

SHADES = {"d.jpg": 200, "a.PNG": 50, "c.Jpeg": 150, "b.gif": 100}
START_METHODS = [
    pytest.param("fork", marks=pytest.mark.skipif(os.name == "nt", reason="Windows cannot fork")),
    pytest.param("spawn", marks=pytest.mark.claim("dataloader.windows")),
]


@pytest.fixture
def ants(tmp_path: Path) -> Path:
    """Four grey images, each of another format and shade, among files that are not images."""
    folder = tmp_path / "train" / "ants"
    folder.mkdir(parents=True)
    for name, shade in SHADES.items():
        Image.new("L", (6, 4), shade).save(folder / name)
    for name in ("Thumbs.db", "readme.txt", "e.jpg.part", "._d.jpg", "jpg"):
        (folder / name).write_text("not an image")
    (folder / "folder.jpg").mkdir()
    return folder


@pytest.fixture
def texts(ants: Path) -> Path:
    """A label file for each image, created in an order that is not that of the names."""
    folder = ants.with_name("ants_label")
    folder.mkdir()
    for name in ("c", "a", "d", "b"):
        (folder / f"{name}.txt").write_text(f"ant {name}\n")
    return folder


def shades(dataset: LabelledImages) -> list[int]:
    return [image.getpixel((0, 0))[0] for image, _ in dataset]


def test_folder_name_is_the_label(ants: Path) -> None:
    dataset = LabelledImages(by_folder(ants))
    assert len(dataset) == 4
    assert [path.name for path, _ in dataset.samples] == ["a.PNG", "b.gif", "c.Jpeg", "d.jpg"]
    assert [label for _, label in dataset] == ["ants"] * 4
    assert shades(dataset) == [50, 100, 150, 200]


def test_folder_may_be_the_working_directory(ants: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ants)
    assert by_folder(".")[0] == (Path("a.PNG"), "ants")


def test_text_file_of_the_same_stem_has_the_label(ants: Path, texts: Path) -> None:
    dataset = LabelledImages(by_text_file(ants, texts))
    assert [(path.name, label) for path, label in dataset.samples] == [
        ("a.PNG", "ant a"),
        ("b.gif", "ant b"),
        ("c.Jpeg", "ant c"),
        ("d.jpg", "ant d"),
    ]


def test_label_is_read_from_the_name(ants: Path) -> None:
    samples = by_name(ants, lambda name: name.rpartition(".")[2].lower())
    assert [label for _, label in samples] == ["png", "gif", "jpeg", "jpg"]


def test_name_without_a_label_is_named(ants: Path) -> None:
    message = r"a\.PNG: cannot get a label from its name: invalid literal"
    with pytest.raises(InputError, match=message):
        by_name(ants, int)


def test_images_without_a_label_file_are_named(ants: Path, texts: Path) -> None:
    (texts / "a.txt").unlink()
    (texts / "c.txt").unlink()
    with pytest.raises(InputError, match=r"^no label file a\.txt, c\.txt in .*ants_label: write"):
        by_text_file(ants, texts)


def test_label_files_without_an_image_are_named(ants: Path, texts: Path) -> None:
    for number in range(7):
        (texts / f"x{number}.txt").write_text("ant")
    names = r"x0\.txt, x1\.txt, x2\.txt, x3\.txt, x4\.txt and 2 more"
    with pytest.raises(InputError, match=rf"^no image for {names} in .*ants: add one"):
        by_text_file(ants, texts)


def test_two_images_of_one_label_file_are_named(ants: Path, texts: Path) -> None:
    shutil.copy(ants / "d.jpg", ants / "d.bmp")
    with pytest.raises(InputError, match=r"d\.bmp and d\.jpg share one label"):
        by_text_file(ants, texts)


@pytest.mark.parametrize("index", [0, 3, -1, -4, np.int64(2), torch.tensor(2)])
def test_index(ants: Path, index: object) -> None:
    image, label = LabelledImages(by_folder(ants))[index]
    assert image.getpixel((0, 0)) == ([50, 100, 150, 200][int(index)],) * 3
    assert label == "ants"


@pytest.mark.parametrize("index", [4, -5])
def test_index_out_of_range(ants: Path, index: int) -> None:
    with pytest.raises(IndexError, match="list index out of range"):
        LabelledImages(by_folder(ants))[index]


@pytest.mark.parametrize("index", [slice(2), "0", 1.0, [0, 1]])
def test_slice_is_refused_and_subset_suggested(ants: Path, index: object) -> None:
    with pytest.raises(TypeError, match=r"for a slice use torch\.utils\.data\.Subset"):
        LabelledImages(by_folder(ants))[index]


def test_subset_does_what_a_slice_would(ants: Path) -> None:
    assert shades(Subset(LabelledImages(by_folder(ants)), range(1, 3))) == [100, 150]


def test_plus_concatenates(ants: Path) -> None:
    bees = shutil.copytree(ants, ants.with_name("bees"))
    both = LabelledImages(by_folder(ants)) + LabelledImages(by_folder(bees))
    assert isinstance(both, ConcatDataset)
    assert [label for _, label in both] == ["ants"] * 4 + ["bees"] * 4
    assert both[-1][1] == "bees"


def test_transforms_are_applied(ants: Path) -> None:
    dataset = LabelledImages(by_folder(ants), to_tensor, {"ants": 0, "bees": 1}.get)
    image, label = dataset[1]
    assert image.shape == (3, 4, 6)
    assert torch.equal(image, torch.full((3, 4, 6), 100).div(255))
    assert label == 0


@pytest.mark.parametrize(
    ("mode", "colour", "as_rgb"),
    [
        ("1", 255, (255, 255, 255)),
        ("L", 70, (70, 70, 70)),
        ("LA", (70, 0), (70, 70, 70)),
        ("P", (9, 8, 7), (9, 8, 7)),
        ("RGB", (9, 8, 7), (9, 8, 7)),
        ("RGBA", (9, 8, 7, 0), (9, 8, 7)),
        ("I;16", 70 * 257, (70, 70, 70)),
    ],
)
def test_rgb_by_default_and_the_mode_of_the_file_on_request(
    tmp_path: Path, mode: str, colour: object, as_rgb: tuple[int, int, int]
) -> None:
    Image.new(mode, (3, 2), colour).save(tmp_path / "image.tif")
    samples = by_folder(tmp_path)
    image, _ = LabelledImages(samples)[0]
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == as_rgb
    image, _ = LabelledImages(samples, keep_mode=True)[0]
    assert image.mode == mode
    assert image.size == (3, 2)


def test_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    image = Image.new("P", (2, 2), (9, 8, 7))
    image.save(tmp_path / "image.png", transparency=b"\x00\x80")
    assert read_image(tmp_path / "image.png").getpixel((0, 0)) == (9, 8, 7)


def test_32_bit_values_beyond_16_bits_are_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[65536 * 3, -1]], np.int32)).save(tmp_path / "image.tif")
    image = read_image(tmp_path / "image.tif")
    assert [image.getpixel((x, 0))[0] for x in (0, 1)] == [255, 0]


def test_images_are_opened_when_indexed(ants: Path) -> None:
    dataset = LabelledImages(by_folder(ants))
    (ants / "b.gif").unlink()
    assert dataset[0][0].size == (6, 4)
    with pytest.raises(InputError, match=r"b\.gif: no such file"):
        dataset[1]


def test_no_file_stays_open(ants: Path) -> None:
    image, _ = LabelledImages(by_folder(ants), keep_mode=True)[0]
    shutil.rmtree(ants)
    assert image.getpixel((5, 3)) == 50


@pytest.mark.parametrize("list_samples", [by_folder, partial(by_name, label_of=len)])
def test_missing_folder_is_named(tmp_path: Path, list_samples: Callable[[Path], Any]) -> None:
    with pytest.raises(InputError, match=r"none: no such folder \(write / between the names\)"):
        list_samples(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file cannot be listed: Not a directory"):
        list_samples(tmp_path / "file")
    (tmp_path / "train" / "ants").mkdir(parents=True)
    with pytest.raises(InputError, match="train has no images: give the folder that directly"):
        list_samples(tmp_path / "train")


@pytest.mark.parametrize("method", START_METHODS)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_data_set_in_workers(ants: Path, method: str) -> None:
    transform = compose([partial(resize, size=(2, 2)), to_tensor])
    dataset = pickle.loads(pickle.dumps(LabelledImages(by_folder(ants), transform)))
    loader = DataLoader(dataset, 3, num_workers=1, multiprocessing_context=method, timeout=60)
    batches = [(images[:, 0, 0, 0].mul(255).tolist(), labels) for images, labels in loader]
    assert batches == [([50, 100, 150], ("ants",) * 3), ([200], ("ants",))]


@pytest.mark.data
def test_real_ants_and_bees(real_data: Path) -> None:
    train = real_data / "hymenoptera_data" / "train"
    ants, bees = (LabelledImages(by_folder(train / name)) for name in ("ants", "bees"))
    both = ants + bees
    assert (len(ants), len(bees), len(both)) == (124, 121, 245)
    assert [both[i][1] for i in (0, 123, 124, 244)] == ["ants", "ants", "bees", "bees"]
    for image, _ in both:
        assert image.mode == "RGB"
