"""A real TensorBoard, in a process of its own, and a folder of what the course shows in it."""

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
SECONDS = 60  # for a start or an answer; usually two
URL = re.compile(r"http://[\w.]+:\d+/")
# Everything is loaded before the first answer, in one process, so that a test need not wait.
LOAD_FIRST = ("--load_fast=false", "--reload_task=blocking", "--reload_interval=0")


class Server:
    """A TensorBoard that has loaded its log.

    Args:
        url: of its page, with a slash at the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def read(self, path: str, **query: object) -> bytes:
        """Get a page or a file from the server."""
        address = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        with build_opener(ProxyHandler({})).open(address, timeout=SECONDS) as answer:
            return answer.read()

    def tags(self, plugin: str) -> dict[str, list[str]]:
        """Return the tags of each run, of the plug-in scalars or images."""
        runs = json.loads(self.read(f"data/plugin/{plugin}/tags"))
        return {run: list(tags) for run, tags in runs.items()}

    def scalars(self, tag: str, run: str = ".") -> list[tuple[int, float]]:
        """Return a curve as pairs of step and value."""
        points = json.loads(self.read("data/plugin/scalars/scalars", tag=tag, run=run))
        return [(step, value) for _, step, value in points]

    def images(self, tag: str, run: str = ".") -> list[dict[str, Any]]:
        """Return the pictures behind a slider, each with its `step` and the `query` for it."""
        return json.loads(self.read("data/plugin/images/images", tag=tag, run=run))

    def graph(self, run: str = ".") -> str:
        """Return the graph in the text format of protocol buffers."""
        return self.read("data/plugin/graphs/graph", run=run, conceptual="false").decode()


def command(logdir: Path, *options: str) -> list[str]:
    """Return what starts TensorBoard over a folder."""
    program = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    return [*program, "--host", "127.0.0.1", *LOAD_FIRST, *options]


def environment(temporary: Path) -> dict[str, str]:
    """Return the environment in which TensorBoard writes its notes into a folder of the test."""
    return os.environ | {"TMPDIR": str(temporary), "TMP": str(temporary)}


@contextmanager
def serve(logdir: Path, temporary: Path, *options: str) -> Iterator[Server]:
    """Start TensorBoard, wait until it answers, and end it.

    Args:
        logdir: what it shows.
        temporary: a folder for its output and its notes, made where it is missing.
        options: more of them for the program.
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
        process.wait(SECONDS)


def _wait_for_url(process: subprocess.Popen[bytes], output: Path) -> str:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := URL.search(output.read_text(errors="replace")):
            return found.group()
        time.sleep(0.05)
    raise AssertionError(f"TensorBoard did not start: {output.read_text(errors='replace')}")


def write_course_board(folder: Path, steps: int) -> None:
    """Log what the course looks at: three curves, images under one tag, batches, the network.

    Args:
        folder: a folder without events.
        steps: how many pictures the tags `test` and `test_data` get.
    """
    batch = torch.stack([ToTensor()(Image.open(path)) for path in IMAGES])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(35)  # kernels whose outputs are bright enough to be seen
        layer = torch.nn.Conv2d(3, 6, 3)
    with Board(folder) as board:
        for i in range(100):
            board.add_scalar("y=x", i, i)
            board.add_scalar("y=2x", 2 * i, i)
            board.add_scalar("y=x^2", i * i, i)
        for step in range(steps):
            board.add_image("test", striped(step + 1, steps), step, dataformats="HWC")
            board.add_images("test_data", batch.roll(step, 0), step)
        board.add_images("outputs", feature_maps(layer(batch)))
        board.add_graph(Tudui(), batch)


def striped(done: int, steps: int) -> np.ndarray:
    """Draw how far a slider is: uint8 of shape (64, 96, 3), red from the left, blue beyond."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[..., 2] = 255
    picture[:, : 96 * done // steps] = (255, 0, 0)
    return picture
