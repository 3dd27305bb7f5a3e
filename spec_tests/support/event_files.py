"""Read TensorBoard's event files without a server."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def logged(folder: str | Path) -> EventAccumulator:
    """Return the content of a folder's event files, with every step."""
    return EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0}).Reload()


def shown(folder: str | Path, tag: str) -> np.ndarray:
    """Return the last image of a tag, uint8 of shape (H, W, C)."""
    stored = logged(folder).Images(tag)[-1].encoded_image_string
    return np.array(Image.open(io.BytesIO(stored)))
