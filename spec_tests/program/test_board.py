"""`Board`: the content of the event file."""

import errno
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.summary.writer.record_writer import RecordWriter
from torch import nn

from reference.errors import InputError
from reference.training import board as module
from reference.training.board import Board, feature_maps, quiet_writer_thread
from spec_tests.support.event_files import logged, shown

PIXELS = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3) * 10  # 2 high, 4 wide


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delay each write to the event file, so that a missing flush shows."""

    def write(self: RecordWriter, data: bytes) -> None:
        time.sleep(0.05)
        fast(self, data)

    fast = RecordWriter.write
    monkeypatch.setattr(RecordWriter, "write", write)


@pytest.mark.usefixtures("slow_disk")
def test_scalars_are_written_at_once(tmp_path: Path) -> None:
    with Board(tmp_path) as board:
        for i in range(3):
            board.add_scalar("y=x^2", i * i, i)
        events = logged(tmp_path)  # read before the board is closed
    points = [(event.step, event.value) for event in events.Scalars("y=x^2")]
    assert points == [(0, 0), (1, 1), (2, 4)]


@pytest.mark.usefixtures("slow_disk")
def test_images_are_written_at_once(tmp_path: Path) -> None:
    with Board(tmp_path) as board:
        board.add_image("test", PIXELS, 3, dataformats="HWC")
        events = logged(tmp_path)  # read before the board is closed
    assert [event.step for event in events.Images("test")] == [3]


@pytest.mark.usefixtures("slow_disk")
def test_graph_is_written_at_once(tmp_path: Path) -> None:
    with Board(tmp_path) as board:
        board.add_graph(nn.Linear(2, 1), torch.ones(1, 2))
        events = logged(tmp_path)  # read before the board is closed
    assert 'name: "Linear/' in str(events.Graph())


def test_closes_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with Board(tmp_path) as board:
            boards.append(board)
            raise KeyboardInterrupt

    boards: list[Board] = []
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert boards[0].writer.all_writers is None  # torch's mark of a closed SummaryWriter


def test_default_folder_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module.time, "strftime", lambda _: "20260131-120000")
    for _ in range(3):
        with Board() as board:
            board.add_scalar("y=x", 1, 1)
    names = ["20260131-120000", "20260131-120000-2", "20260131-120000-3"]
    assert sorted(path.name for path in Path("runs").iterdir()) == names
    assert board.log_dir == Path("runs", names[2])
    assert all(len(list(Path("runs", name).iterdir())) == 1 for name in names)


def test_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    with Board(tmp_path) as board:
        board.add_scalar("y=x", 1, 1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(
        InputError, match=r"contains the events of another run \(events.out.tfevents"
    ):
        Board(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_rewrite_replaces_the_events(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for value in (1, 2):
        with Board(tmp_path, rewrite=True) as board:
            board.add_scalar("y=x", value, 1)
    assert [event.value for event in logged(tmp_path).Scalars("y=x")] == [2]
    assert sum(path.name.startswith("events") for path in tmp_path.iterdir()) == 1
    assert (tmp_path / "config.json").exists()


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("make", [np.ascontiguousarray, torch.tensor])
@pytest.mark.parametrize("dataformats", ["HWC", "CHW"])
def test_image(tmp_path: Path, dataformats: str, make: type, scale: int) -> None:
    image = PIXELS if dataformats == "HWC" else PIXELS.transpose(2, 0, 1)
    if scale == 255:
        image = image.astype(np.float32) / scale
    with Board(tmp_path) as board:
        board.add_image("test", make(image), 1, dataformats=dataformats)
    np.testing.assert_allclose(shown(tmp_path, "test"), PIXELS, rtol=0, atol=scale > 1)


@pytest.mark.parametrize(
    ("shape", "dataformats"), [((2, 4), "HW"), ((1, 2, 4), "CHW"), ((2, 4, 1), "HWC")]
)
def test_grey_image(tmp_path: Path, shape: tuple[int, ...], dataformats: str) -> None:
    grey = PIXELS[..., 0]
    with Board(tmp_path) as board:
        board.add_image("grey", grey.reshape(shape), dataformats=dataformats)
    assert shown(tmp_path, "grey").tolist() == np.stack([grey] * 3, axis=2).tolist()


def test_image_with_an_alpha_channel(tmp_path: Path) -> None:
    image = np.concatenate([PIXELS, PIXELS[..., :1]], axis=2)
    with Board(tmp_path) as board:
        board.add_image("alpha", image, dataformats="HWC")
    assert shown(tmp_path, "alpha").tolist() == image.tolist()


def test_values_out_of_range_are_clipped(tmp_path: Path) -> None:
    image = torch.tensor([-1.0, 0.2, 7.0]).reshape(1, 1, 3)
    with Board(tmp_path) as board:
        board.add_image("clipped", image)
    assert shown(tmp_path, "clipped")[0, :, 0].tolist() == [0, 51, 255]


@pytest.mark.parametrize("dataformats", ["NCHW", "NHWC"])
def test_grid(tmp_path: Path, dataformats: str) -> None:
    batch = torch.full((10, 3, 2, 4), 255, dtype=torch.uint8)
    batch[8] = 100
    with Board(tmp_path) as board:
        moved = batch.permute(0, 2, 3, 1) if dataformats == "NHWC" else batch
        board.add_images("batch", moved, dataformats=dataformats)
    grid = shown(tmp_path, "batch")
    assert grid.shape == (4, 32, 3)  # eight columns, two rows
    assert np.unique(grid[:2]).tolist() == [255]
    assert np.unique(grid[2:, :4]).tolist() == [100]
    assert np.unique(grid[2:, 4:8]).tolist() == [255]
    assert np.unique(grid[2:, 8:]).tolist() == [0]


@pytest.mark.parametrize(
    ("shape", "dataformats", "cure"),
    [
        ((512, 768, 3), "CHW", "give dataformats='HWC'"),
        ((3, 512, 768), "HWC", "give dataformats='CHW'"),
        ((512, 768), "CHW", "give dataformats='HW'"),
        ((4, 3, 8, 8), "CHW", "give dataformats='NCHW'"),
        ((4, 8, 8, 3), "NCHW", "give dataformats='NHWC'"),
        ((3, 8, 8), "NCHW", "give dataformats='CHW'"),
        ((3, 8, 8), "CWH", "give dataformats='CHW'"),
        ((2, 6, 30, 30), "NCHW", "an image has 3 channels, or 1: .* feature_maps"),
        ((6, 30, 30), "CHW", "1, 3 or 4 channels"),
        ((5,), "CHW", "1, 3 or 4 channels"),
    ],
)
def test_image_of_another_shape_is_refused(
    tmp_path: Path, shape: tuple[int, ...], dataformats: str, cure: str
) -> None:
    with Board(tmp_path) as board:
        with pytest.raises(ValueError, match=cure) as caught:
            board.add_image("test", np.zeros(shape, np.uint8), dataformats=dataformats)
        assert f"img_tensor of shape {shape} is not {dataformats}: " in str(caught.value)
    assert logged(tmp_path).Tags()["images"] == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.new("RGB", (4, 2)), r"got Image: .* PIL image with np\.array"),
        ("ants.jpg", "must be an array or a tensor, got str"),
        (PIXELS.astype(np.int64), r"must be uint8 \(0 to 255\) or floating point.*got int64"),
        (torch.zeros(3, 2, 4, dtype=torch.bool), "got bool"),
    ],
)
def test_image_that_is_not_pixels_is_refused(tmp_path: Path, image: object, message: str) -> None:
    with Board(tmp_path) as board, pytest.raises(TypeError, match=message):
        board.add_image("test", image, dataformats="HWC")


def test_feature_maps() -> None:
    output = torch.arange(2 * 6).reshape(2, 6, 1, 1)
    maps = feature_maps(output)
    assert maps.shape == (4, 3, 1, 1)
    assert maps.flatten(1).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_feature_maps_never_mix_two_images() -> None:
    output = torch.zeros(3, 4, 8, 8)
    assert torch.reshape(output, (-1, 3, 8, 8)).shape == (4, 3, 8, 8)  # torch mixes them
    with pytest.raises(ValueError, match=r"shape \(3, 4, 8, 8\) must be .* C a multiple of 3"):
        feature_maps(output)


def test_feature_maps_of_a_single_image() -> None:
    with pytest.raises(ValueError, match=r"shape \(6, 8, 8\) must be \(N, C, H, W\)"):
        feature_maps(torch.zeros(6, 8, 8))


def test_only_the_writer_thread_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard stores the thread's error and raises it again in the next call."""

    def fail(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    uncaught: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: uncaught.append(args.exc_type))
    monkeypatch.setattr(RecordWriter, "write", fail)
    with quiet_writer_thread():
        with pytest.raises(OSError, match="No space left"), Board(tmp_path) as board:
            board.add_scalar("y", 1, 1)
        other = threading.Thread(target=lambda: 1 / 0)
        other.start()
        other.join()
    assert uncaught == [ZeroDivisionError]
