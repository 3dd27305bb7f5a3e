"""Run TensorBoard in a separate process, and log what the course shows in it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import ToTensor

from reference.models.course import Tudui
from reference.training.board import Board, feature_maps
from spec_tests import paths

IMAGES = sorted(paths.IMAGES.glob("*.png"))
TIMEOUT = 60  # seconds, for the start and for each response; usually 2
URL = re.compile(r"http://[\w.]+:\d+/")
# Load the log once, in one process, before the first response: tests need not wait for data.
LOAD_FIRST = ("--load_fast=false", "--reload_task=blocking", "--reload_interval=0")


class Server:
    """A TensorBoard that has loaded its log.

    Args:
        url: the address of its page, with a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def read(self, path: str, **query: object) -> bytes:
        """Return the response to a GET request."""
        address = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        with build_opener(ProxyHandler({})).open(address, timeout=TIMEOUT) as response:
            return response.read()

    def tags(self, plugin: str) -> dict[str, list[str]]:
        """Return the tags of each run in a plug-in, "scalars" or "images"."""
        runs = json.loads(self.read(f"data/plugin/{plugin}/tags"))
        return {run: list(tags) for run, tags in runs.items()}

    def scalars(self, tag: str, run: str = ".") -> list[tuple[int, float]]:
        """Return a curve as pairs (step, value)."""
        points = json.loads(self.read("data/plugin/scalars/scalars", tag=tag, run=run))
        return [(step, value) for _, step, value in points]

    def images(self, tag: str, run: str = ".") -> list[dict[str, Any]]:
        """Return the images of a tag, each with its `step` and the `query` that gets it."""
        return json.loads(self.read("data/plugin/images/images", tag=tag, run=run))

    def graph(self, run: str = ".") -> str:
        """Return the graph in the text format of protocol buffers."""
        return self.read("data/plugin/graphs/graph", run=run, conceptual="false").decode()


def command(logdir: Path, *options: str) -> list[str]:
    """Return the command line that starts TensorBoard on a folder."""
    program = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    return [*program, "--host", "127.0.0.1", *LOAD_FIRST, *options]


def environment(temporary: Path) -> dict[str, str]:
    """Return an environment in which TensorBoard writes its info files to a folder of the test."""
    return os.environ | {"TMPDIR": str(temporary), "TMP": str(temporary)}


@contextmanager
def serve(logdir: Path, temporary: Path, *options: str) -> Iterator[Server]:
    """Start TensorBoard, wait until it serves, yield it, and kill it.

    Args:
        logdir: the folder of the event files.
        temporary: a folder for its output and its info files, created if it is missing.
        options: more command-line options.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    output = temporary / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command(logdir, *options),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(temporary),
        )
    try:
        yield Server(_wait_for_url(process, output))
    finally:
        process.kill()
        process.wait(TIMEOUT)


def _wait_for_url(process: subprocess.Popen[bytes], output: Path) -> str:
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        if url := URL.search(output.read_text(errors="replace")):
            return url.group()
        time.sleep(0.05)
    raise AssertionError(f"TensorBoard did not start: {output.read_text(errors='replace')}")


def write_course_board(folder: Path, steps: int) -> None:
    """Log what the course shows: three curves, images under one tag, batches, the network.

    Args:
        folder: a folder without event files.
        steps: the number of images under each of the tags `test` and `test_data`.
    """
    batch = torch.stack([ToTensor()(Image.open(path)) for path in IMAGES])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(35)  # a seed whose kernels give visibly bright outputs
        layer = torch.nn.Conv2d(3, 6, 3)
    with Board(folder) as board:
        for i in range(100):
            board.add_scalar("y=x", i, i)
            board.add_scalar("y=2x", 2 * i, i)
            board.add_scalar("y=x^2", i * i, i)
        for step in range(steps):
            board.add_image("test", progress_image(step + 1, steps), step, dataformats="HWC")
            board.add_images("test_data", batch.roll(step, 0), step)
        board.add_images("outputs", feature_maps(layer(batch)))
        board.add_graph(Tudui(), batch)


def progress_image(done: int, steps: int) -> np.ndarray:
    """Return an image of a slider's position: red up to done / steps, blue from there on.

    It is uint8 of shape (64, 96, 3).
    """
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[..., 2] = 255
    picture[:, : 96 * done // steps] = (255, 0, 0)
    return picture
