"""Write scalars, images and graphs for TensorBoard (P8-P9, P15, P18, P22, P27)."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from reference.errors import InputError
from reference.files import new_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

EVENTS = "events.out.tfevents.*"
CHANNELS = {  # that TensorBoard can show: grey, RGB and, in a single image, RGBA
    "CHW": (1, 3, 4),
    "HWC": (1, 3, 4),
    "HW": (1,),
    "NCHW": (1, 3),
    "NHWC": (1, 3),
}
DTYPES = ("uint8", "float16", "bfloat16", "float32", "float64")


class Board:
    """An event file for TensorBoard: torch's SummaryWriter as a context manager.

    Each method flushes, so that the file is complete even if the program is killed later.

    Args:
        log_dir: the folder of one run, created if missing; by default a new runs/DATE-TIME.
        rewrite: whether to delete events that are in the folder, rather than refuse them.

    Raises:
        InputError: the folder contains events, whose curves would be mixed with the new ones.

    Source: P8, P9.
    """

    def __init__(self, log_dir: str | Path | None = None, *, rewrite: bool = False) -> None:
        if log_dir is None:
            log_dir = new_folder(Path("runs", time.strftime("%Y%m%d-%H%M%S")))
        folder = Path(log_dir)
        older = list(folder.glob(EVENTS))
        if older and not rewrite:
            raise InputError(
                f"{folder} contains the events of another run ({older[0].name}): give each run a "
                "separate log_dir, or none for a new one"
            )
        self.writer = SummaryWriter(str(folder))
        for path in older:
            path.unlink()

    @property
    def log_dir(self) -> Path:
        """The folder for `tensorboard --logdir`."""
        return Path(self.writer.log_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def add_scalar(self, tag: str, scalar_value: float | Tensor, global_step: int) -> None:
        """Add a point to a curve.

        Args:
            tag: the chart's title.
            scalar_value: y, a number or a tensor with one element; stored as float32.
            global_step: x.

        Source: P8.
        """
        self.writer.add_scalar(tag, scalar_value, global_step)
        self.writer.flush()

    def add_image(
        self,
        tag: str,
        img_tensor: np.ndarray | Tensor,
        global_step: int = 0,
        dataformats: str = "CHW",
    ) -> None:
        """Add an image; TensorBoard shows the steps of one tag with a slider.

        Args:
            tag: the image's title.
            img_tensor: uint8, or floating point with values from 0 to 1; others are clipped.
            global_step: the position of the slider.
            dataformats: the axes: CHW (a tensor), HWC (an array made from a PIL image), HW,
                NCHW or NHWC (a batch, shown as a grid).

        Raises:
            TypeError: img_tensor is not an array or a tensor, or its dtype is not one of pixels.
            ValueError: its shape does not fit dataformats.

        Source: P8, P10.
        """
        _check_pixels(img_tensor)
        _check_shape(tuple(img_tensor.shape), dataformats)
        self.writer.add_image(tag, img_tensor, global_step, dataformats=dataformats)
        self.writer.flush()

    def add_images(
        self,
        tag: str,
        img_tensor: np.ndarray | Tensor,
        global_step: int = 0,
        dataformats: str = "NCHW",
    ) -> None:
        """Add a batch as one image: a grid of eight columns, without lines in between.

        The arguments and errors are those of `add_image`. For six channels see `feature_maps`.

        Source: P15, P18.
        """
        self.add_image(tag, img_tensor, global_step, dataformats)

    def add_graph(self, model: nn.Module, input_to_model: Tensor) -> None:
        """Add the graph of a network.

        Args:
            model: the network; it is run once, in evaluation mode.
            input_to_model: a batch of inputs for it.

        Raises:
            RuntimeError: raised by torch if the batch does not fit the network.

        Source: P22.
        """
        with warnings.catch_warnings():
            # torch traces the network with torch.jit, which newer versions deprecate.
            warnings.filterwarnings("ignore", message=".*torch.jit.*", category=Warning)
            self.writer.add_graph(model, input_to_model)
        self.writer.flush()


def feature_maps(output: Tensor) -> Tensor:
    """Cut a layer's output into images of three channels, for `Board.add_images`.

    Args:
        output: shape (N, C, H, W), C a multiple of 3.

    Returns:
        Shape (N * C / 3, 3, H, W): the first three channels of the first image, its next three, …

    Raises:
        ValueError: C is not a multiple of 3: channels of two images would be mixed.

    Source: P18.
    """
    shape = tuple(output.shape)
    if len(shape) != len("NCHW") or shape[1] % 3:
        raise ValueError(f"output of shape {shape} must be (N, C, H, W), C a multiple of 3")
    return output.reshape(-1, 3, *shape[2:])  # (N, C, H, W) -> (N * C / 3, 3, H, W)


@contextlib.contextmanager
def quiet_writer_thread() -> Iterator[None]:
    """Keep the thread that writes events from printing its own traceback, as on a full disk.

    It stores the error, which the next call of a method of the writer raises in this thread.
    """
    original = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if type(args.thread).__name__ != "_AsyncWriterThread":
            original(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = original


def open_board(folder: Path, model: nn.Module, images: Tensor) -> Board:
    """Start a run's event file, with some input images and the network's graph.

    Args:
        folder: the run's folder. Older events in it are deleted: a resumed run writes its whole
            log again, so that no step appears twice.
        model: the network.
        images: float of shape (N, 3, H, W), values from 0 to 1, on the network's device.
    """
    board = Board(folder, rewrite=True)
    board.add_images("input", images[:64])
    board.add_graph(model, images[:1])
    return board


def add_record(board: Board, record: dict[str, Any]) -> None:
    """Add a line of metrics.jsonl as scalars with the course's tags and steps.

    The step of train_loss is the training step; that of test_loss and test_accuracy counts the
    tests from 0.
    """
    if "test_loss" in record:
        for tag in ("test_loss", "test_accuracy"):
            board.add_scalar(tag, record[tag], record["epoch"] - 1)
    else:
        board.add_scalar("train_loss", record["train_loss"], record["step"])


def _check_pixels(img_tensor: np.ndarray | Tensor) -> None:
    if not isinstance(img_tensor, np.ndarray | Tensor):
        raise TypeError(
            f"img_tensor must be an array or a tensor, got {type(img_tensor).__name__}: "
            "convert a PIL image with np.array, and give dataformats='HWC'"
        )
    dtype = str(img_tensor.dtype).removeprefix("torch.")
    if dtype not in DTYPES:
        raise TypeError(
            f"img_tensor must be uint8 (0 to 255) or floating point (0 to 1), got {dtype}: "
            "convert it"
        )


def _check_shape(shape: tuple[int, ...], dataformats: str) -> None:
    fitting = [name for name, channels in CHANNELS.items() if _fits(shape, name, channels)]
    if dataformats in fitting:
        return
    if fitting:
        cure = f"give dataformats={fitting[0]!r}"
    elif dataformats in ("NCHW", "NHWC"):
        cure = "an image has 3 channels, or 1: convert a layer's output with feature_maps"
    else:
        cure = "an image has 1, 3 or 4 channels"
    raise ValueError(f"img_tensor of shape {shape} is not {dataformats}: {cure}")


def _fits(shape: tuple[int, ...], dataformats: str, channels: tuple[int, ...]) -> bool:
    sizes = dict(zip(dataformats, shape, strict=False))
    return len(shape) == len(dataformats) and sizes.get("C", 1) in channels
