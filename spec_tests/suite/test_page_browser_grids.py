"""The grids of the report's page in a browser: each cell of the output shows its window."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from spec_tests.report.page import case_id
from spec_tests.support.chromium import open_everything, open_page

if TYPE_CHECKING:  # it may be missing: then the tests are skipped
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# Select each cell of the output in turn; return the highlighted cells of the input, the kernel and
# the bias, row by row, and the text below.
SELECT_EACH = """() => {
    const seen = {}, hover = {bubbles: true, pointerType: "mouse"};
    for (const details of document.querySelectorAll("details[data-key]")) {
        const all = selector => [...details.querySelectorAll(selector)];
        const texts = selector => all(selector).map(cell => cell.textContent);
        seen[details.dataset.key] = all(".selectable td").map(cell => {
            cell.dispatchEvent(new PointerEvent("pointerover", hover));
            return {
                printed: cell.textContent,
                window: texts("td.window"),
                best: texts("td.best"),
                used: texts("table.used td"),
                bias: texts("td.used"),
                formula: texts(".formula")[0],
                index: texts(".index")[0],
            };
        });
    }
    return seen;
}"""


def test_each_highlighted_window_gives_its_output(
    drawn_vectors: list[dict[str, Any]], page: "Page", address: str
) -> None:
    page.goto(address)
    open_everything(page, len(drawn_vectors))
    seen = page.evaluate(SELECT_EACH)
    assert seen.keys() == {case_id(vector) for vector in drawn_vectors}
    for vector in drawn_vectors:
        operator, case, name = vector["operator"], vector["case"], case_id(vector)
        cells = seen[name]
        expected = pytest.approx(flatten(case["expected"]["output"]["data"]), rel=1e-6)
        assert [parse_number(cell["printed"]) for cell in cells] == expected, name
        assert [computed_from(operator, case, cell) for cell in cells] == expected, name
        for cell in cells:
            assert re.search(rf"[=≈] {re.escape(cell['printed'])}$", cell["formula"]), name
        if operator == "max_pool2d":
            assert [cell["best"] for cell in cells] == [[cell["printed"]] for cell in cells], name
        if "indices" in case["expected"]:
            indices = [int(cell["index"].split("= ")[-1]) for cell in cells]
            assert indices == flatten(case["expected"]["indices"]["data"]), name


def computed_from(operator: str, case: dict[str, Any], cell: dict[str, Any]) -> float:
    """Compute the value of an output cell from the highlighted cells."""
    window = [parse_number(text) for text in cell["window"] if text]
    if operator == "conv2d":
        products = zip(window, map(parse_number, cell["used"]), strict=True)
        return sum(a * b for a, b in products) + sum(map(parse_number, cell["bias"]))
    if operator == "max_pool2d":
        return max(window)
    return sum(window) / case["parameters"].get("divisor_override", len(window))


def parse_number(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf"))


def flatten(data: Any) -> list[float]:  # noqa: ANN401 - lists in lists, of any depth
    return [n for part in data for n in flatten(part)] if isinstance(data, list) else [float(data)]


def test_formula_of_the_course_example(page: "Page", address: str) -> None:
    page.goto(f"{address}#vector/conv2d/stride-1-padding-1")
    drawing = page.locator("[id='vector/conv2d/stride-1-padding-1'] .drawing")
    drawing.locator("[data-at='0,0,0,1']").click()
    terms = "0·1 + 0·2 + 0·1 + 1·0 + 2·1 + 0·0 + 0·2 + 1·1 + 2·0 = 3"
    assert drawing.locator(".words").inner_text() == f"row 0, column 1: {terms}"
    assert drawing.locator("td.padding").count() == 24
    assert drawing.locator("td.padding.window").count() == 3


def test_cells_are_selected_with_mouse_and_keyboard(page: "Page", address: str) -> None:
    page.goto(f"{address}#vector/conv2d/stride-1")
    drawing = page.locator("[id='vector/conv2d/stride-1'] .drawing")
    drawing.locator("[data-at='0,0,1,1']").hover()
    assert "row 1, column 1" in drawing.locator(".words").inner_text()
    assert drawing.locator("[tabindex='0']").count() == 1
    drawing.locator("[tabindex='0']").focus()
    for arrow, where in (("ArrowDown", "row 2, column 1"), ("ArrowRight", "row 2, column 2")):
        page.keyboard.press(arrow)
        assert where in drawing.locator(".words").inner_text()
    assert drawing.locator(":focus").get_attribute("data-at") == "0,0,2,2"


def test_cells_are_selected_by_touch(browser: "Browser", address: str) -> None:
    for page in open_page(browser, locale="en-US", has_touch=True):
        page.goto(f"{address}#vector/max_pool2d/ceil-true")
        drawing = page.locator("[id='vector/max_pool2d/ceil-true'] .drawing")
        drawing.locator("[data-at='0,0,1,0']").tap()
        assert "row 1, column 0: max(" in drawing.locator(".words").inner_text()


def test_error_cases_show_the_error(page: "Page", address: str) -> None:
    page.goto(f"{address}#vector/conv2d/error-channels")
    text = page.locator("[id='vector/conv2d/error-channels']").inner_text()
    assert "Must raise RuntimeError / ValueError" in text
    assert "channels" in text
