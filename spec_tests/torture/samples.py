"""The sound files that attempts start from: a small data set, runs, networks and images."""

from __future__ import annotations

import functools
import json
import pickle
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spec_tests import paths
from spec_tests.torture import process
from spec_tests.torture.compare import RunState, read_run

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {f"data_batch_{number}": 8 for number in range(1, 6)} | {"test_batch": 8}
BATCHES = "cifar-10-batches-py"
RUN = ("--epochs=2", "--batch-size=8", "--shuffle", "--seed=3", "--device=cpu", "--lang=en")


@dataclass(frozen=True, eq=False)  # so that it can be a key of caches
class Samples:
    """Paths of the sound files, in one folder.

    Attributes:
        root: the folder.
        data: a data set of 40 training and 8 test images.
        whole: a finished run of two epochs with the options `RUN`.
        half: the same run, interrupted after its first epoch.
        files: checkpoints by name: of a run, a state_dict and a whole network, each as a zip and
            in the format of torch before 1.6.
        batches: files of a data set by name, each also as Python's pickle writes it.
        images: images of each format.
        state: of the finished run, which every interrupted one must reach.
    """

    root: Path
    data: Path
    whole: Path
    half: Path
    files: dict[str, Path]
    batches: dict[str, Path]
    images: dict[str, Path]
    state: RunState

    def train(self, folder: Path | str, *options: str) -> tuple[str, ...]:
        """Return the arguments that train the run of the samples in a folder."""
        return ("train", *RUN, "--data", str(self.data), "--out", str(folder), *options)

    def resume(self, folder: Path | str, *options: str) -> tuple[str, ...]:
        """Return the arguments that continue it."""
        return self.train(folder, "--resume", *options)

    @functools.cached_property
    def malicious(self) -> dict[str, bytes]:
        """The malicious checkpoints of the tests, by name; what they run makes `canary`."""
        from spec_tests.support.malicious_files import files  # noqa: PLC0415 - imports torch

        return process.call(lambda: files(str(self.canary)))

    @property
    def canary(self) -> Path:
        """A file that exists only if a checkpoint's code was run."""
        return self.root / "canary"


def make(root: Path) -> Samples:
    """Make the sound files in an empty folder."""
    data, whole, half = root / "data", root / "whole", root / "half"
    process.call(lambda: _write_files(root, data))
    arguments = ("train", *RUN, "--data", data, "--out", whole)
    done = process.run(*arguments, folder=root)
    if done.code:
        raise RuntimeError(f"course train fails: {done.err}")
    _fix_times(whole / "metrics.jsonl")
    _interrupt(whole, half)
    files = {path.stem: path for path in sorted((root / "files").iterdir())}
    files["run-zip"] = whole / "checkpoints" / "epoch-002.pt"
    batches = {path.stem: path for path in sorted((root / "batches").iterdir())}
    images = {path.name: path for path in sorted((root / "images").iterdir())}
    return Samples(root, data, whole, half, files, batches, images, read_run(whole))


def _write_files(root: Path, data: Path) -> None:
    """Write everything but the runs; torch computes here, in a process that ends then."""
    import torch  # noqa: PLC0415 - in this process only
    from PIL import Image  # noqa: PLC0415 - as above

    from reference.data import synthetic_cifar10  # noqa: PLC0415 - as above
    from reference.models.course import Tudui  # noqa: PLC0415 - as above
    from spec_tests.support.pickle_builder import saved  # noqa: PLC0415 - as above

    synthetic_cifar10.write(data, images_per_file=SIZES)
    torch.manual_seed(0)
    network = Tudui()
    (root / "files").mkdir()
    for name, zipped in {"zip": True, "legacy": False}.items():
        for part, content in {"weights": network.state_dict(), "network": network}.items():
            file = saved(content, zipped=zipped)
            file = file if zipped else _with_fixed_keys(file)
            (root / "files" / f"{part}-{name}.pth").write_bytes(file)
    (root / "batches").mkdir()
    for name in ("data_batch_1", "batches.meta"):
        content = (data / BATCHES / name).read_bytes()
        (root / "batches" / f"{name}-drawn.pickle").write_bytes(content)
        pickled = pickle.dumps(pickle.loads(content), protocol=2)
        (root / "batches" / f"{name}-numpy.pickle").write_bytes(pickled)
    (root / "images").mkdir()
    for suffix in ("bmp", "gif", "jpg", "png", "ppm", "tiff", "webp"):
        with Image.open(paths.IMAGES / "cat.png") as image:
            image.convert("RGB").save(root / "images" / f"cat.{suffix}")


def _with_fixed_keys(data: bytes) -> bytes:
    """Replace the names of storages, which were their addresses before torch 1.6."""
    for number, key in enumerate(sorted(set(re.findall(rb"\d{12,}", data)))):
        data = data.replace(key, b"%0*d" % (len(key), number))
    return data


def _fix_times(metrics: Path) -> None:
    """Give each session the same files: a log has the seconds that its epochs took."""
    text = re.sub(r'"seconds": [\d.]+', '"seconds": 0.1', metrics.read_text(encoding="utf-8"))
    metrics.write_text(text, encoding="utf-8")


def _interrupt(whole: Path, half: Path) -> None:
    """Copy a run as it was after its first epoch."""
    shutil.copytree(whole, half)
    (half / "checkpoints" / "epoch-002.pt").unlink()
    lines = (whole / "metrics.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    first = [line for line in lines if json.loads(line)["epoch"] == 1]
    (half / "metrics.jsonl").write_text("".join(first), encoding="utf-8")


def copy_run(folder: Path, target: Path) -> Path:
    """Copy a run without its events, and return its folder."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("events.*", ".lock"))
    return target
