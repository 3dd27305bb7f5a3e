"""The stand-in: the same bytes everywhere, balanced classes that differ in shape, not in colour."""

import multiprocessing
import random
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from reference.data import synthetic_cifar10
from reference.data.cifar10 import CIFAR10, CLASSES
from reference.errors import InputError

FOLDER = "cifar-10-batches-py"
SIZES = dict.fromkeys(synthetic_cifar10.IMAGES_PER_FILE, 20)
MD5SUMS = [  # as drawn with Pillow 13.0 and NumPy 2.4, seed 0
    "9bf519a9433fdfd48cedc79f505f7992  data_batch_1",
    "9921b8b78227aaadf04b6fd00e11d87e  data_batch_2",
    "fcdb3c4e4d4af58cf0b0195050d5a142  data_batch_3",
    "6031317667bc326588677f7871e59c2b  data_batch_4",
    "321be75eab9c929617edde052a5d5b5f  data_batch_5",
    "03a5e0d484d659d1d5aecd3d4385b07f  test_batch",
    "fea23ba078ca001cd5e3d8807e9d1f95  batches.meta",
]


def test_bytes_are_the_same_on_every_machine(small_cifar10: Path) -> None:
    sums = (small_cifar10 / FOLDER / "md5sums").read_text().splitlines()
    assert sums == MD5SUMS


def test_seed_changes_the_images(small_cifar10: Path, tmp_path: Path) -> None:
    synthetic_cifar10.write(tmp_path, seed=1, images_per_file={"data_batch_1": 50})
    first, second = (root / FOLDER / "data_batch_1" for root in (small_cifar10, tmp_path))
    assert first.stat().st_size == second.stat().st_size
    assert first.read_bytes() != second.read_bytes()


def test_classes_are_equally_frequent(small_cifar10: Path) -> None:
    for train, per_class in ((True, 25), (False, 10)):
        counts = np.bincount(CIFAR10(small_cifar10, train=train).targets)
        assert counts.tolist() == [per_class] * 10


def test_default_size() -> None:
    sizes = dict(synthetic_cifar10.IMAGES_PER_FILE)
    assert sizes.pop("test_batch") >= 1_000
    assert sum(sizes.values()) >= 5_000


def test_mean_colour_does_not_identify_the_class() -> None:
    rng = random.Random(7)
    train, test = (
        np.array(
            [
                [synthetic_cifar10.draw(name, rng).mean((0, 1)) for name in CLASSES]
                for _ in range(200)
            ]
        )
        for _ in range(2)
    )
    centroids = train.mean(0)
    distances = np.linalg.norm(test[:, :, None] - centroids, axis=-1)
    accuracy = (distances.argmin(-1) == np.arange(10)).mean()
    assert accuracy < 0.15  # 0.1 is chance; its deviation over 2,000 images is 0.007


def test_shape_identifies_the_class() -> None:
    """Without noise, in one position and size, the ten silhouettes differ from each other."""
    shapes = set()
    for name in CLASSES:
        image = synthetic_cifar10.draw(name, random.Random(3)).astype(int)
        shapes.add((np.abs(image - image[0, 0]).sum(-1) > 160).tobytes())
    assert len(shapes) == 10


def test_nothing_is_overwritten(small_cifar10: Path) -> None:
    before = (small_cifar10 / FOLDER / "md5sums").stat()
    with pytest.raises(InputError, match="exists already: nothing written"):
        synthetic_cifar10.write(small_cifar10)
    assert (small_cifar10 / FOLDER / "md5sums").stat() == before


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthetic_cifar10, "_write_files", full_disk)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        synthetic_cifar10.write(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_root_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        synthetic_cifar10.write(tmp_path / "file")


def ensure_slowly(root: Path, name: str) -> None:
    """Ensure the stand-in in a process; write its name to a file if it has drawn it."""
    write_files = synthetic_cifar10._write_files  # noqa: SLF001 - to see who draws

    def note(*args: object) -> None:
        (root.parent / name).touch()
        time.sleep(0.2)
        write_files(*args)

    synthetic_cifar10._write_files = note  # noqa: SLF001 - as above
    synthetic_cifar10.ensure(root, images_per_file=SIZES)


def test_two_first_uses_draw_once(tmp_path: Path) -> None:
    root, context = tmp_path / "root", multiprocessing.get_context("fork")
    names = ["first", "second"]
    processes = [context.Process(target=ensure_slowly, args=(root, name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sum((tmp_path / name).exists() for name in names) == 1
    assert len(CIFAR10(root)) == 100


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{synthetic_cifar10.TEMPORARY}0123456789abcdef"
    left.mkdir()
    (left / "data_batch_1").write_bytes(b"half")
    synthetic_cifar10.ensure(tmp_path, images_per_file=SIZES)
    assert [path.name for path in tmp_path.iterdir()] == [CIFAR10.base_folder]


@pytest.mark.parametrize("exists", [False, True])
def test_files_of_the_user_are_kept(tmp_path: Path, *, exists: bool) -> None:
    if exists:
        synthetic_cifar10.ensure(tmp_path, images_per_file=SIZES)
    files = {
        tmp_path / name: name
        for name in (
            ".lock",
            ".standin-notes",
            ".standin-0123456789abcdee",
            ".standin-0123456789abcdef/notes.txt",
            ".standin-pictures/data_batch_1",
            *([synthetic_cifar10.LOCK] if exists else []),
        )
    }
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    if exists:
        with pytest.raises(InputError, match="nothing written"):
            synthetic_cifar10.write(tmp_path, images_per_file=SIZES)
    else:
        synthetic_cifar10.write(tmp_path, images_per_file=SIZES)
    assert {path: path.read_text() for path in files} == files


def test_file_in_the_place_of_the_lock_is_kept(tmp_path: Path) -> None:
    path = tmp_path / synthetic_cifar10.LOCK
    path.write_text("mine")
    with pytest.raises(InputError, match=rf"{path.name} is in the way.*: move it away"):
        synthetic_cifar10.write(tmp_path, images_per_file=SIZES)
    assert path.read_text() == "mine"


def test_waiting_is_announced_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(synthetic_cifar10, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(synthetic_cifar10, "MAX_SECONDS", 0.3)
    path = tmp_path / synthetic_cifar10.LOCK
    with FileLock(path), pytest.raises(InputError, match=r"has held .* for 0\.3 s: end that"):
        synthetic_cifar10.write(tmp_path, images_per_file=SIZES)
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: waiting for another process, which is drawing the stand-in"
    ]
    assert path.exists()
    synthetic_cifar10.write(tmp_path, images_per_file=SIZES)
    assert not path.exists()
