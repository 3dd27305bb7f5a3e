"""Plot images per second of training steps: `python -m benchmarks.plot RESULTS.json PLOT.png`."""

import json
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

mpl.use("Agg")


def draw(results: Path, picture: Path) -> None:
    """Plot the training steps in a JSON file of pytest-benchmark, with one panel per device.

    Nothing is written where no training step was timed.
    """
    benchmarks = json.loads(results.read_text(encoding="utf-8"))["benchmarks"]
    infos = [b["extra_info"] for b in benchmarks if "batch_size" in b["extra_info"]]
    if not infos:
        return
    infos.sort(key=itemgetter("device", "side", "precision", "batch_size"))
    devices = [list(panel) for _, panel in groupby(infos, itemgetter("device"))]
    figure, panels = plt.subplots(1, len(devices), figsize=(6 * len(devices), 4.5), squeeze=False)
    for panel, steps in zip(panels[0], devices, strict=True):
        _draw_device(panel, steps)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=150)


def _draw_device(panel: Axes, steps: list[dict[str, Any]]) -> None:
    for (side, precision), group in groupby(steps, itemgetter("side", "precision")):
        points = list(group)
        sizes = [point["batch_size"] for point in points]
        speeds = [point["images_per_second"] for point in points]
        panel.plot(sizes, speeds, marker="o", label=f"{side}, {precision}")
    panel.set_xscale("log", base=2)
    panel.set_xticks(sizes, list(map(str, sizes)))
    panel.set_ylim(bottom=0)
    panel.set_xlabel("batch size")
    panel.set_ylabel("images per second")
    panel.set_title(f"{steps[0]['name']}, torch {steps[0]['torch']}")
    panel.legend()
    panel.grid(alpha=0.3)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))
