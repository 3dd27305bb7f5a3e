"""P14: CIFAR-10 is read as torchvision reads it, and errors name the file and the damage."""

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torchvision

from reference.data.cifar10 import CIFAR10, CLASSES, OFFICIAL
from reference.errors import InputError

FOLDER = "cifar-10-batches-py"


@pytest.fixture
def copy(small_cifar10: Path, tmp_path: Path) -> Path:
    """A copy of the small CIFAR-10 that a test may damage."""
    shutil.copytree(small_cifar10, tmp_path / "copy")
    return tmp_path / "copy"


def rewrite_checksums(root: Path) -> None:
    """Update the list of checksums, so that only the content of a file can be wrong."""
    folder = root / FOLDER
    names = [line.split()[1] for line in (folder / "md5sums").read_text().splitlines()]
    sums = (f"{hashlib.md5((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "md5sums").write_text("".join(sums))


def test_images_and_labels_are_read(small_cifar10: Path) -> None:
    train, test = CIFAR10(small_cifar10), CIFAR10(small_cifar10, train=False)
    assert (len(train), len(test)) == (250, 100)
    assert train.classes == list(CLASSES)
    assert train.class_to_idx["cat"] == 3
    image, target = train[0]
    assert (image.mode, image.size) == ("RGB", (32, 32))
    assert isinstance(target, int)


def test_rows_are_planes_of_red_green_and_blue(small_cifar10: Path) -> None:
    content = pickle.loads((small_cifar10 / FOLDER / "test_batch").read_bytes())
    image, _ = CIFAR10(small_cifar10, train=False)[0]
    red_of_second_pixel, green_of_first_row_down = content["data"][0][1], content["data"][0][1056]
    assert image.getpixel((1, 0))[0] == red_of_second_pixel
    assert image.getpixel((0, 1))[1] == green_of_first_row_down


def test_official_checksums_are_the_default(copy: Path) -> None:
    (copy / FOLDER / "md5sums").unlink()
    with pytest.raises(InputError, match=r"data_batch_1 is damaged \(wrong MD5 checksum\)"):
        CIFAR10(copy)


def test_official_checksums_are_those_of_torchvision(copy: Path) -> None:
    CIFAR10(copy)
    official = torchvision.datasets.CIFAR10
    assert official.test_list == [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {official.meta["filename"]: official.meta["md5"]}
    assert dict(official.train_list + official.test_list) | meta == OFFICIAL
    for name in ("base_folder", "filename"):
        assert getattr(CIFAR10, name) == getattr(official, name)


def test_data_set_equals_that_of_torchvision(
    small_cifar10: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, official = CIFAR10(small_cifar10), torchvision.datasets.CIFAR10
    for name in ("train_list", "test_list", "meta"):
        monkeypatch.setattr(official, name, getattr(ours, name))
    theirs = official(small_cifar10)
    assert np.array_equal(ours.data, theirs.data)
    assert ours.targets == theirs.targets
    assert (ours.classes, ours.class_to_idx) == (theirs.classes, theirs.class_to_idx)
    assert ours[-1][0].tobytes() == theirs[-1][0].tobytes()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        CIFAR10(tmp_path / "nowhere")
    with pytest.raises(InputError, match=f"has no {FOLDER}/: unpack cifar-10-python.tar.gz"):
        CIFAR10(tmp_path)


def test_near_misses_are_recognized(small_cifar10: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"give the folder that contains it: {small_cifar10}"):
        CIFAR10(small_cifar10 / FOLDER)
    (tmp_path / "cifar-10-python.tar.gz").touch()
    with pytest.raises(InputError, match="is not unpacked: run: tar -xzf"):
        CIFAR10(tmp_path)


@pytest.mark.parametrize("name", ["data_batch_4", "batches.meta"])
def test_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / FOLDER / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing: delete .* unpack or draw it again"):
        CIFAR10(copy)


def test_only_the_files_of_the_split_are_needed(copy: Path) -> None:
    (copy / FOLDER / "data_batch_4").unlink()
    assert len(CIFAR10(copy, train=False)) == 100


def flip(data: bytes) -> bytes:
    return data[:2000] + bytes([data[2000] ^ 1]) + data[2001:]


def cut(data: bytes) -> bytes:
    return data[:-1]


def empty(_data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [flip, cut, empty])
def test_damaged_file_is_named(copy: Path, damage: Callable[[bytes], bytes]) -> None:
    path = copy / FOLDER / "data_batch_3"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"data_batch_3 is damaged \(wrong MD5 checksum\)"):
        CIFAR10(copy)


def test_unlisted_file_is_named(copy: Path) -> None:
    sums = copy / FOLDER / "md5sums"
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if "batch_2" not in line))
    with pytest.raises(InputError, match="data_batch_2 is not listed in md5sums"):
        CIFAR10(copy)
    sums.write_text("rubbish\n")
    with pytest.raises(InputError, match="md5sums is not md5sum's output"):
        CIFAR10(copy)


@pytest.mark.parametrize(
    "content",
    [
        b"no pickle",
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8)}),
        pickle.dumps({"data": np.zeros((2, 3071), np.uint8), "labels": [0, 9]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.float32), "labels": [0, 9]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": np.array([[0], [9]])}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0.0, 9.0]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [True, False]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": {0: 0, 1: 1}}),
        pickle.dumps({"data": np.zeros((0, 3072), np.uint8), "labels": []}),
        pickle.dumps([1, 2, 3]),
    ],
    ids=[
        "rubbish",
        "no labels",
        "width",
        "dtype",
        "label 10",
        "one label",
        "column of labels",
        "float labels",
        "bool labels",
        "dict labels",
        "no images",
        "list",
    ],
)
def test_wrong_content_is_named(copy: Path, content: bytes) -> None:
    (copy / FOLDER / "test_batch").write_bytes(content)
    rewrite_checksums(copy)
    with pytest.raises(InputError, match=r"test_batch (is not a file of|does not have) CIFAR-10"):
        CIFAR10(copy, train=False)


@pytest.mark.parametrize(
    "form", ["{md5}  {name}", "{md5} *{name}", "{md5}  ./{name}", "{MD5}  {name}"]
)
def test_list_is_read_in_the_forms_of_md5sum(copy: Path, form: str) -> None:
    sums = copy / FOLDER / "md5sums"
    pairs = [line.split() for line in sums.read_text().splitlines()]
    lines = [form.format(md5=md5, MD5=md5.upper(), name=name) for md5, name in pairs]
    sums.write_text("\ufeff" + "\r\n".join([*lines, ""]), encoding="utf-8")
    assert len(CIFAR10(copy)) == 250


class Touch:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_code_in_a_batch_is_not_run(copy: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    malicious = pickle.dumps({"data": Touch(canary), "labels": []})
    pickle.loads(malicious)  # proves that the file does create the canary
    canary.unlink()
    (copy / FOLDER / "test_batch").write_bytes(malicious)
    rewrite_checksums(copy)
    with pytest.raises(InputError, match="test_batch is not a file of CIFAR-10"):
        CIFAR10(copy, train=False)
    assert not canary.exists()


@pytest.mark.data
def test_real_files_have_the_sizes_of_the_course(real_data: Path) -> None:
    train, test = CIFAR10(real_data), CIFAR10(real_data, train=False)
    assert (len(train), len(test)) == (50_000, 10_000)
    assert test.classes[test[0][1]] == "cat"


@pytest.mark.parametrize("name", ["md5sums", "test_batch"])
def test_an_enormous_file_is_refused_before_it_is_read(copy: Path, name: str) -> None:
    with (copy / FOLDER / name).open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match=f"{name} has {2**40} bytes, more than"):
        CIFAR10(copy, train=False)
