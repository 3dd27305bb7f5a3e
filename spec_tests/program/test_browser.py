"""P8, P9, P22: TensorBoard in a browser; `nox -s browser` runs these and keeps screenshots."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from spec_tests.support.chromium import OPTIONS
from spec_tests.support.tensorboard_server import TIMEOUT, Server, serve, write_course_board

if TYPE_CHECKING:  # without playwright these tests are skipped
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

STEPS = 24
RED, BLUE, CURVE = (255, 0, 0), (0, 0, 255), (255, 112, 67)  # TensorBoard's colour of a first run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    logs = tmp_path_factory.mktemp("logs")
    write_course_board(logs, STEPS)
    options = ("--port=0", "--samples_per_plugin=images=1000")
    with serve(logs, tmp_path_factory.mktemp("output"), *options) as served:
        yield served


@pytest.fixture
def page(chromium: str) -> Iterator["Page"]:
    """Yield a new page of a headless browser, high enough to show all of TensorBoard."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        opened = browser.new_page(viewport={"width": 1280, "height": 1300})
        opened.set_default_timeout(1000 * TIMEOUT)
        yield opened
        browser.close()


def settled(target: "Page | Locator") -> np.ndarray:
    """Return a screenshot, taken until two in a row are equal: uint8 of shape (H, W, 3)."""
    before, end = b"", time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        screenshot = target.screenshot()
        if screenshot == before:
            return np.array(Image.open(io.BytesIO(screenshot)).convert("RGB"))
        before = screenshot
        time.sleep(0.5)
    raise AssertionError(f"the page was still changing after {TIMEOUT} s")


def save_screenshot(page: "Page", path: Path) -> None:
    """Save a screenshot of the whole page."""
    Image.fromarray(settled(page)).save(path)


def share(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Return the share of an image's pixels that have about this colour."""
    return float(near(image, colour).mean())


def near(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels have about this colour: bool of shape (H, W)."""
    return (abs(image.astype(int) - colour) < 40).all(axis=2)


def height_at_middle(chart: np.ndarray) -> float:
    """Return the height of a curve at its middle, from 0 at its left end to 1 at its right."""
    drawn = near(chart, CURVE)  # (H, W, 3) -> (H, W)
    columns = np.flatnonzero(drawn.any(axis=0))
    left, right = columns[[0, -1]]
    assert right - left > 200, "the curve is not drawn over the width of the chart"
    height = [np.flatnonzero(drawn[:, x]).mean() for x in (left, (left + right) // 2, right)]
    return float((height[0] - height[1]) / (height[0] - height[2]))


def test_scalar_charts(server: Server, page: "Page", screenshots: Path) -> None:
    page.goto(f"{server.url}#scalars&_smoothingWeight=0")
    for heading in ("y=2x", "y=x", "y=x^2"):
        page.get_by_role("button", name=heading, exact=True).wait_for()
    page.get_by_role("button", name="y=x^2").click()  # only the first two are open at first
    save_screenshot(page, screenshots / "scalars.png")
    charts = [settled(card) for card in page.locator("tf-scalar-card").all()]
    assert [round(height_at_middle(chart), 1) for chart in charts[:2]] == [0.5, 0.5]
    assert height_at_middle(charts[2]) == pytest.approx(0.25, abs=0.05)


@pytest.mark.claim("tensorboard.slider", "tensorboard.tags-apart")
def test_image_slider(server: Server, page: "Page", screenshots: Path) -> None:
    page.goto(f"{server.url}#images")
    page.get_by_role("button", name="test_data").click()
    cards = page.locator("tf-image-loader")
    cards.nth(2).locator("img").wait_for()
    assert cards.count() == 3
    card = cards.nth(1)
    for key, step in (("Home", 0), ("ArrowRight", 1), ("End", STEPS - 1)):
        card.locator("paper-slider").focus()
        page.keyboard.press(key)
        card.get_by_text(re.compile(rf"^\s*step\s+{step}\s*$")).wait_for()
        save_screenshot(page, screenshots / f"images-step-{step}.png")
        image = settled(card.locator("img"))
        done = (step + 1) / STEPS
        assert share(image, RED) == pytest.approx(done, abs=0.02)
        assert share(image, BLUE) == pytest.approx(1 - done, abs=0.02)


@pytest.mark.claim("tensorboard.graph-double-click", "tensorboard.graph")
def test_graph_opens_with_double_clicks(server: Server, page: "Page", screenshots: Path) -> None:
    page.goto(server.url)
    page.get_by_role("tab", name="Graphs").click()
    network, sequence = "Tudui", "Tudui/Sequential[model]"
    page.locator(f'g.node[data-name="{network}"]').wait_for()
    save_screenshot(page, screenshots / "graph.png")
    for name in (network, sequence):
        settled(page)
        page.locator(f'g.node[data-name="{name}"]').dblclick()
    page.locator(f'g.node[data-name^="{sequence}/Linear[8]"]').wait_for()
    page.get_by_text("Fit to screen").click()
    save_screenshot(page, screenshots / "graph-opened.png")
    nodes = page.locator(f'g.node[data-name^="{sequence}/"]').all()
    assert [node.get_attribute("data-name").removeprefix(f"{sequence}/") for node in nodes] == [
        "Conv2d[0]", "MaxPool2d[1]", "Conv2d[2]", "MaxPool2d[3]", "Conv2d[4]", "MaxPool2d[5]",
        "Flatten[6]", "Linear[7]", "Linear[8]",
    ]  # fmt: skip
    assert all(node.is_visible() for node in nodes)
