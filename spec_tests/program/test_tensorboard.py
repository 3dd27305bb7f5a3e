"""P8, P9, P15, P22: what a real TensorBoard answers over HTTP."""

import io
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from reference.cli import main
from spec_tests.support.tensorboard_server import (
    SECONDS,
    Server,
    command,
    environment,
    serve,
    striped,
    write_course_board,
)

STEPS = 157  # batches of 64 in the 10,000 test images of CIFAR-10


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory, small_cifar10: Path) -> Path:
    """A folder of three runs: what the course shows, a training, and two runs in one folder."""
    folder = tmp_path_factory.mktemp("logs")
    write_course_board(folder / "course", STEPS)
    options = ["--data", small_cifar10, "--epochs", 2, "--batch-size", 2, "--device", "cpu"]
    assert main(["train", *map(str, options), "--json", "--out", str(folder / "trained")]) == 0
    for slope in (2, 3):
        with SummaryWriter(folder / "twice") as writer:
            for i in range(3):
                writer.add_scalar("y=2x", slope * i, i)
    return folder


@pytest.fixture(scope="module")
def server(logdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TensorBoard as it is by default."""
    with serve(logdir, tmp_path_factory.mktemp("default")) as served:
        yield served


@pytest.fixture(scope="module")
def port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def server_of_all(
    logdir: Path, tmp_path_factory: pytest.TempPathFactory, port: int
) -> Iterator[Server]:
    """TensorBoard on a port of our own, told to keep all images."""
    options = (f"--port={port}", "--samples_per_plugin=images=1000")
    with serve(logdir, tmp_path_factory.mktemp("all"), *options) as served:
        yield served


def picture(server: Server, query: str) -> np.ndarray:
    """Get one picture of a slider: uint8 of shape (H, W, 3)."""
    answer = server.read(f"data/plugin/images/individualImage?{query}")
    return np.array(Image.open(io.BytesIO(answer)))


@pytest.mark.claim("tensorboard.y-is-x", "tensorboard.y-is-2x", "tensorboard.scalar-arguments")
def test_tensorboard_curves(server: Server) -> None:
    assert server.scalars("y=x", "course") == [(i, i) for i in range(100)]
    assert server.scalars("y=2x", "course") == [(i, 2 * i) for i in range(100)]
    assert server.scalars("y=x^2", "course") == [(i, i * i) for i in range(100)]


@pytest.mark.claim("tensorboard.tags-apart", "tensorboard.dashboards")
def test_tensorboard_tags(server: Server) -> None:
    assert server.tags("scalars")["course"] == ["y=x", "y=2x", "y=x^2"]
    assert server.tags("images")["course"] == ["test", "test_data", "outputs"]


@pytest.mark.claim("tensorboard.file-a-run")
def test_tensorboard_mixes_two_runs_in_one_folder(server: Server) -> None:
    points = server.scalars("y=2x", "twice")
    assert sorted(points) == [(0, 0), (0, 0), (1, 2), (1, 3), (2, 4), (2, 6)]


@pytest.mark.claim("tensorboard.samples-by-default")
@pytest.mark.parametrize("tag", ["test", "test_data"])
def test_tensorboard_keeps_ten_images(server: Server, tag: str) -> None:
    steps = [image["step"] for image in server.images(tag, "course")]
    assert steps == [3, 20, 24, 32, 53, 67, 108, 115, 141, 156]


@pytest.mark.claim("tensorboard.samples-per-plugin", "tensorboard.slider")
@pytest.mark.parametrize("tag", ["test", "test_data"])
def test_tensorboard_keeps_all_images_when_told(server_of_all: Server, tag: str) -> None:
    steps = [image["step"] for image in server_of_all.images(tag, "course")]
    assert steps == list(range(157))


@pytest.mark.claim("tensorboard.slider")
def test_tensorboard_serves_each_step_its_image(server: Server) -> None:
    for image in server.images("test", "course"):
        stored = picture(server, image["query"])
        assert stored.tolist() == striped(image["step"] + 1, STEPS).tolist()


@pytest.mark.claim("tensorboard.grid")
def test_tensorboard_serves_a_batch_as_a_grid(server: Server) -> None:
    (batch, *_), (maps,) = (server.images(tag, "course") for tag in ("test_data", "outputs"))
    assert picture(server, batch["query"]).shape == (64, 256, 3)  # 10 images of 32x32
    assert picture(server, maps["query"]).shape == (90, 240, 3)  # 20 of 30x30


@pytest.mark.claim("tensorboard.graph", "tensorboard.graph-needs-no-output")
def test_tensorboard_graph(server: Server) -> None:
    graph = server.graph("course")
    layers = set(re.findall(r'name: "Tudui/Sequential\[model\]/(\w+\[\d\])', graph))
    assert layers == {
        "Conv2d[0]", "MaxPool2d[1]", "Conv2d[2]", "MaxPool2d[3]", "Conv2d[4]", "MaxPool2d[5]",
        "Flatten[6]", "Linear[7]", "Linear[8]",
    }  # fmt: skip
    assert 'name: "input/images"' in graph


def test_tensorboard_shows_what_a_run_logged(server: Server, logdir: Path) -> None:
    lines = (logdir / "trained" / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    tests = [record for record in records if "test_loss" in record]
    logged = {
        "train_loss": [(r["step"], r["train_loss"]) for r in records if "test_loss" not in r],
        "test_loss": list(enumerate(r["test_loss"] for r in tests)),
        "test_accuracy": list(enumerate(r["test_accuracy"] for r in tests)),
    }
    assert {tag: len(points) for tag, points in logged.items()} == {
        "train_loss": 2,
        "test_loss": 2,
        "test_accuracy": 2,
    }
    assert set(server.tags("scalars")["trained"]) == set(logged)
    for tag, points in logged.items():
        steps, values = zip(*points, strict=True)
        as_float32 = torch.tensor(values, dtype=torch.float32).tolist()
        assert server.scalars(tag, "trained") == list(zip(steps, as_float32, strict=True)), tag
    assert server.tags("images")["trained"] == ["input"]
    assert "Tudui/" in server.graph("trained")


@pytest.mark.claim("tensorboard.port")
def test_tensorboard_port(server_of_all: Server, port: int) -> None:
    assert server_of_all.url == f"http://127.0.0.1:{port}/"
    assert b"<title>TensorBoard</title>" in server_of_all.read("")


@pytest.mark.claim("tensorboard.port-taken")
@pytest.mark.usefixtures("server_of_all")
def test_tensorboard_port_taken(tmp_path: Path, port: int) -> None:
    done = subprocess.run(
        command(tmp_path, f"--port={port}"),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert f"could not bind to port {port}, it was already in use" in done.stderr


@pytest.mark.claim("tensorboard.port-6006")
def test_tensorboard_default_port(server: Server) -> None:
    port = int(server.url.removesuffix("/").rpartition(":")[2])
    with socket.socket() as client:
        taken = client.connect_ex(("127.0.0.1", 6006)) == 0
    assert port == 6006 or (taken and 6006 < port < 6016)  # the next free one, then
