"""P8, P9, P15, P22: the responses of a real TensorBoard over HTTP."""

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
from spec_tests.harness.shown_errors import PrintsError
from spec_tests.support.tensorboard_server import (
    TIMEOUT,
    Server,
    command,
    environment,
    progress_image,
    serve,
    write_course_board,
)

STEPS = 157  # batches of 64 in the 10,000 test images of CIFAR-10


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory, small_cifar10: Path) -> Path:
    """Return a folder of three runs: the course's board, a training run, two runs in one folder."""
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
    """Yield a TensorBoard with its default options."""
    with serve(logdir, tmp_path_factory.mktemp("default")) as served:
        yield served


@pytest.fixture(scope="module")
def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def server_with_all_images(
    logdir: Path, tmp_path_factory: pytest.TempPathFactory, port: int
) -> Iterator[Server]:
    """Yield a TensorBoard on a chosen port that keeps all images."""
    options = (f"--port={port}", "--samples_per_plugin=images=1000")
    with serve(logdir, tmp_path_factory.mktemp("all"), *options) as served:
        yield served


def image_of(server: Server, query: str) -> np.ndarray:
    """Return one image of a slider: uint8 of shape (H, W, 3)."""
    response = server.read(f"data/plugin/images/individualImage?{query}")
    return np.array(Image.open(io.BytesIO(response)))


@pytest.mark.claim("tensorboard.y-is-x", "tensorboard.y-is-2x", "tensorboard.scalar-arguments")
def test_curves(server: Server) -> None:
    assert server.scalars("y=x", "course") == [(i, i) for i in range(100)]
    assert server.scalars("y=2x", "course") == [(i, 2 * i) for i in range(100)]
    assert server.scalars("y=x^2", "course") == [(i, i * i) for i in range(100)]


@pytest.mark.claim("tensorboard.tags-apart", "tensorboard.dashboards")
def test_tags(server: Server) -> None:
    assert server.tags("scalars")["course"] == ["y=x", "y=2x", "y=x^2"]
    assert server.tags("images")["course"] == ["test", "test_data", "outputs"]


@pytest.mark.claim("tensorboard.file-a-run")
def test_two_runs_in_one_folder_are_mixed(server: Server) -> None:
    points = server.scalars("y=2x", "twice")
    assert sorted(points) == [(0, 0), (0, 0), (1, 2), (1, 3), (2, 4), (2, 6)]


@pytest.mark.claim("tensorboard.samples-by-default")
@pytest.mark.parametrize("tag", ["test", "test_data"])
def test_ten_images_are_kept_by_default(server: Server, tag: str) -> None:
    steps = [image["step"] for image in server.images(tag, "course")]
    assert steps == [3, 20, 24, 32, 53, 67, 108, 115, 141, 156]


@pytest.mark.claim("tensorboard.samples-per-plugin", "tensorboard.slider")
@pytest.mark.parametrize("tag", ["test", "test_data"])
def test_all_images_are_kept_on_request(server_with_all_images: Server, tag: str) -> None:
    steps = [image["step"] for image in server_with_all_images.images(tag, "course")]
    assert steps == list(range(157))


@pytest.mark.claim("tensorboard.slider")
def test_each_step_has_its_image(server: Server) -> None:
    for image in server.images("test", "course"):
        stored = image_of(server, image["query"])
        assert stored.tolist() == progress_image(image["step"] + 1, STEPS).tolist()


@pytest.mark.claim("tensorboard.grid")
def test_batch_is_a_grid(server: Server) -> None:
    (batch, *_), (maps,) = (server.images(tag, "course") for tag in ("test_data", "outputs"))
    assert image_of(server, batch["query"]).shape == (64, 256, 3)  # 10 images of 32x32
    assert image_of(server, maps["query"]).shape == (90, 240, 3)  # 20 of 30x30


@pytest.mark.claim("tensorboard.graph", "tensorboard.graph-needs-no-output")
def test_graph(server: Server) -> None:
    graph = server.graph("course")
    layers = set(re.findall(r'name: "Tudui/Sequential\[model\]/(\w+\[\d\])', graph))
    assert layers == {
        "Conv2d[0]", "MaxPool2d[1]", "Conv2d[2]", "MaxPool2d[3]", "Conv2d[4]", "MaxPool2d[5]",
        "Flatten[6]", "Linear[7]", "Linear[8]",
    }  # fmt: skip
    assert 'name: "input/images"' in graph


def test_run_is_shown_as_logged(server: Server, logdir: Path) -> None:
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
def test_port(server_with_all_images: Server, port: int) -> None:
    assert server_with_all_images.url == f"http://127.0.0.1:{port}/"
    assert b"<title>TensorBoard</title>" in server_with_all_images.read("")


@pytest.mark.claim("tensorboard.port-taken")
@pytest.mark.usefixtures("server_with_all_images")
@pytest.mark.shows("tensorboard.port-taken")
def test_used_port_is_refused(tmp_path: Path, port: int, prints_error: PrintsError) -> None:
    done = subprocess.run(
        command(tmp_path, f"--port={port}"),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode != 0
    assert f"could not bind to port {port}, it was already in use" in done.stderr
    prints_error("tensorboard.port-taken", done.stderr)


@pytest.mark.claim("tensorboard.port-6006")
def test_default_port(server: Server) -> None:
    port = int(server.url.removesuffix("/").rpartition(":")[2])
    with socket.socket() as client:
        in_use = client.connect_ex(("127.0.0.1", 6006)) == 0
    # If 6006 is in use, TensorBoard tries the next ports.
    assert port == 6006 or (in_use and 6006 < port < 6016)
