"""Claims about image data sets, for the course's class and the reference (P5-P7)."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision.transforms import Compose, Resize, ToTensor

from reference.data.image_folders import LabelledImages, by_folder, by_name, by_text_file
from reference.errors import InputError
from spec_tests.harness.shown_errors import ShowsError
from spec_tests.paths import INSECTS

Sample = tuple[Image.Image, str]


class MyData(Dataset[Sample]):
    """The course's data set of a folder, which opens (and here also closes) images on access."""

    def __init__(self, root_dir: str | Path, label_dir: str) -> None:
        self.root_dir = root_dir
        self.label_dir = label_dir
        self.names = os.listdir(os.path.join(root_dir, label_dir))  # noqa: PTH118, PTH208

    def __getitem__(self, index: int) -> Sample:
        path = os.path.join(self.root_dir, self.label_dir, self.names[index])  # noqa: PTH118
        with Image.open(path) as image:
            image.load()
        return image, self.label_dir

    def __len__(self) -> int:
        return len(self.names)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder of eight ants and three bees; the grey level of each image is its number."""
    for name, count in (("ants", 8), ("bees", 3)):
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in range(count):
            path = tmp_path / "train" / name / f"{number}.png"
            Image.new("RGB", (6, 4), (number, number, number)).save(path)
    return tmp_path / "train"


@pytest.fixture
def photos(real_data: Path) -> Path:
    """Return the folder of the course's photographs."""
    return real_data / "hymenoptera_data" / "train"


@pytest.mark.claim("dataset.three-methods", "dataset.len", "dataset.folder-label")
def test_course_and_reference_give_images_and_labels(root: Path) -> None:
    ants = MyData(root, "ants")
    ours = LabelledImages(by_folder(root / "ants"))
    assert (len(ants), len(ours)) == (8, 8)
    for dataset in (ants, ours):
        image, label = dataset[0]
        assert isinstance(image, Image.Image)
        assert label == "ants"


@pytest.mark.data
@pytest.mark.claim("dataset.len", "dataset.plus", "dataset.folder-label", "dataset.numbers")
def test_real_ants_and_bees(photos: Path) -> None:
    theirs = [MyData(photos, name) for name in ("ants", "bees")]
    ours = [LabelledImages(by_folder(photos / name)) for name in ("ants", "bees")]
    for ants, bees in (theirs, ours):
        both = ants + bees
        assert (len(ants), len(bees), len(both)) == (124, 121, 245)
        assert (both[123][1], both[124][1]) == ("ants", "bees")
        with pytest.raises(IndexError, match="list index out of range"):
            ants[124]


@pytest.mark.claim("dataset.index-five", "dataset.numbers")
def test_index_five_is_the_sixth(root: Path) -> None:
    dataset = LabelledImages(by_folder(root / "ants"))
    assert dataset[5][0].getpixel((0, 0)) == (5, 5, 5)
    assert [image.getpixel((0, 0))[0] for image, _ in dataset] == [0, 1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(IndexError):
        dataset[8]


@pytest.mark.data
@pytest.mark.claim("dataset.index-five")
def test_index_five_of_the_real_ants(photos: Path) -> None:
    path, _ = by_folder(photos / "ants")[5]
    assert path.name == "1225872729_6f0856588f.jpg"


@pytest.mark.claim("dataset.image-is-name")
def test_sample_is_an_image_not_a_file_name(root: Path) -> None:
    image, _ = MyData(root, "ants")[0]
    assert not isinstance(image, str)
    assert type(image).__name__ == "PngImageFile"


@pytest.mark.claim("dataset.image-open")
def test_image_open() -> None:
    with Image.open(INSECTS / "ants" / "drawn-ant.png") as image:
        assert "image mode=RGB size=768x512 at 0x" in str(image)
        assert (image.size, image.width, image.height) == ((768, 512), 768, 512)


@pytest.mark.data
@pytest.mark.claim("dataset.image-open")
def test_image_open_of_the_real_ant(photos: Path) -> None:
    with Image.open(photos / "ants" / "0013035.jpg") as image:
        assert str(image).startswith("<PIL.JpegImagePlugin.JpegImageFile image mode=RGB size=768x")
        assert np.array(image).shape == (512, 768, 3)


@pytest.fixture
def labelled(root: Path) -> tuple[Path, Path]:
    """Return a folder of images and one of label files, created in another order than by name."""
    folders = root / "ants", root / "ants_label"
    folders[1].mkdir()
    for number in (5, 2, 7, 0, 3, 6, 1, 4):
        (folders[1] / f"{number}.txt").write_text(f"ant {number}\n")
    return folders


@pytest.mark.claim("dataset.sorted", "dataset.text-label")
def test_text_labels_match_their_images(labelled: tuple[Path, Path]) -> None:
    dataset = LabelledImages(by_text_file(*labelled))
    pairs = [(image.getpixel((0, 0))[0], label) for image, label in dataset]
    assert pairs == [(number, f"ant {number}") for number in range(8)]


@pytest.mark.claim("dataset.plus")
def test_plus_concatenates(root: Path) -> None:
    for both in (
        MyData(root, "ants") + MyData(root, "bees"),
        LabelledImages(by_folder(root / "ants")) + LabelledImages(by_folder(root / "bees")),
    ):
        assert isinstance(both, ConcatDataset)
        assert [label for _, label in both] == ["ants"] * 8 + ["bees"] * 3


@pytest.mark.data
@pytest.mark.claim("dataset.bees-folder")
def test_bees_of_the_listing_are_ants(photos: Path) -> None:
    ants, bees = (MyData(photos.parent, folder) for folder in ("train/ants", "train/ants"))
    assert (len(ants), len(bees), len(ants + bees)) == (124, 124, 248)
    assert {label for _, label in bees} == {"train/ants"}
    assert len(MyData(photos.parent, "train/bees")) == 121


@pytest.mark.skipif(os.sep == "\\", reason="Windows accepts the backslash")
@pytest.mark.claim("dataset.backslash")
@pytest.mark.shows("dataset.backslash")
def test_backslash_is_not_a_separator(root: Path, shows_error: ShowsError) -> None:
    with shows_error("dataset.backslash"):
        MyData(root.parent, r"train\ants")
    with pytest.raises(InputError, match=r"train\\ants: no such folder \(write / between"):
        by_folder(root.parent / r"train\ants")


@pytest.mark.claim("dataset.label-with-split")
def test_label_is_the_whole_label_dir(root: Path) -> None:
    assert MyData(root.parent, "train/ants")[0][1] == "train/ants"
    assert LabelledImages(by_folder(root.parent / "train/ants"))[0][1] == "ants"


@pytest.mark.claim("dataset.name-label", "dataset.two-layouts")
def test_three_ways_to_label(labelled: tuple[Path, Path]) -> None:
    images, texts = labelled
    ways = (
        by_folder(images),
        by_text_file(images, texts),
        by_name(images, lambda name: f"ant number {name.removesuffix('.png')}"),
    )
    labels = [LabelledImages(samples)[2][1] for samples in ways]
    assert labels == ["ants", "ant 2", "ant number 2"]


@pytest.mark.claim("dataset.sample-dict")
def test_dict_samples_are_collated() -> None:
    transform = Compose([Resize((256, 256)), ToTensor()])
    dataset = LabelledImages(by_folder(INSECTS / "ants"), transform)
    samples = [{"img": image, "label": label} for image, label in dataset]
    (batch,) = DataLoader(samples, batch_size=1)
    assert batch["img"].shape == (1, 3, 256, 256)
    assert batch["label"] == ["ants"]


@pytest.mark.claim("dataset.positional")
def test_arguments_by_position(root: Path) -> None:
    any_name, other_name = root, "bees"
    dataset = MyData(any_name, other_name)
    assert (dataset.root_dir, dataset.label_dir) == (root, "bees")


@pytest.mark.claim("dataset.image-files")
def test_only_image_files_are_listed(root: Path) -> None:
    folder = root / "ants"
    for name in ("a.jpg", "b.JPEG", "c.gif"):
        Image.new("L", (6, 4)).save(folder / name)
    (folder / "notes.txt").touch()
    names = [path.name for path, _ in by_folder(folder)]
    assert names[-3:] == ["a.jpg", "b.JPEG", "c.gif"]
    assert len(names) == 11


@pytest.mark.data
@pytest.mark.claim("dataset.image-files")
def test_real_ants_are_not_all_jpg(photos: Path) -> None:
    names = [path.name for path, _ in by_folder(photos / "ants")]
    assert [n for n in names if not n.endswith(".jpg")] == ["formica.jpeg", "imageNotFound.gif"]
    dataset = LabelledImages(by_folder(photos / "ants"), keep_mode=True)
    assert dataset[names.index("imageNotFound.gif")][0].mode == "P"


@pytest.mark.claim("dataset.opencv-array", "dataset.opencv-for-pillow")
@pytest.mark.parametrize("name", ["ants/drawn-ant.png", "bees/drawn-bee.png"])
def test_opencv_reads_blue_green_red(name: str) -> None:
    cv = pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")
    array = cv.imread(str(INSECTS / name), 1)
    with Image.open(INSECTS / name) as image:
        rgb = np.array(image)
    assert cv.IMREAD_COLOR == 1
    assert (array.dtype, array.shape) == (np.uint8, rgb.shape)
    assert not np.array_equal(array, rgb)
    assert np.array_equal(array[:, :, ::-1], rgb)


@pytest.mark.data
@pytest.mark.claim("dataset.folder-names")
def test_folder_names_of_the_archive(photos: Path) -> None:
    assert sorted(path.name for path in photos.iterdir()) == ["ants", "bees"]
    assert not (photos / "ants_image").exists()


@pytest.mark.claim("dataset.opencv-window")
@pytest.mark.shows("dataset.opencv-window")
def test_headless_opencv_has_no_windows(shows_error: ShowsError) -> None:
    cv = pytest.importorskip("cv2", reason="needs OpenCV: pip install opencv-python-headless")
    if not re.search(r"GUI:\s+NONE", cv.getBuildInformation()):
        pytest.skip("this OpenCV has windows: needs opencv-python-headless")
    for call in (lambda: cv.imshow("img", np.zeros((4, 6, 3), np.uint8)), lambda: cv.waitKey(0)):
        with shows_error("dataset.opencv-window"):
            call()


@pytest.mark.claim("dataset.names-once")
def test_names_are_listed_once_and_images_opened_on_access(root: Path) -> None:
    datasets = MyData(root, "ants"), LabelledImages(by_folder(root / "ants"))
    Image.new("RGB", (6, 4)).save(root / "ants" / "9.png")
    assert [len(dataset) for dataset in datasets] == [8, 8]
    for path in (root / "ants").iterdir():
        path.unlink()
    assert [len(dataset) for dataset in datasets] == [8, 8]
    with pytest.raises(FileNotFoundError):
        datasets[0][0]
    with pytest.raises(InputError, match=r"0\.png: no such file"):
        datasets[1][0]


@pytest.mark.claim("dataset.image-open-reads")
@pytest.mark.shows("dataset.image-open-reads")
def test_image_open_reads_no_pixels(tmp_path: Path, shows_error: ShowsError) -> None:
    path = tmp_path / "ant.png"
    whole = (INSECTS / "ants" / "drawn-ant.png").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with Image.open(path) as image:
        assert image.size == (768, 512)
        with shows_error("dataset.image-open-reads"):
            image.load()
    with pytest.raises(InputError, match=r"ant\.png cannot be read as an image: "):
        LabelledImages([(path, "ants")])[0]


@pytest.mark.claim("dataset.sorted-guarantee")
def test_missing_label_shifts_the_sorted_pairs(labelled: tuple[Path, Path]) -> None:
    images, texts = labelled
    (texts / "3.txt").unlink()
    image_list, label_list = sorted(images.iterdir()), sorted(texts.iterdir())
    pairs = [(image_list[i].stem, label_list[i].stem) for i in range(6)]
    assert pairs == [("0", "0"), ("1", "1"), ("2", "2"), ("3", "4"), ("4", "5"), ("5", "6")]
    with pytest.raises(InputError, match=r"no label file 3\.txt in "):
        by_text_file(images, texts)


@pytest.mark.claim("dataset.readline-label")
def test_readline_keeps_the_newline(labelled: tuple[Path, Path]) -> None:
    images, texts = labelled
    with (texts / "5.txt").open(encoding="utf-8") as f:
        assert f.readline() == "ant 5\n"
    assert LabelledImages(by_text_file(images, texts))[5][1] == "ant 5"
