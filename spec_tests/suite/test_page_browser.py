"""The page of the report in a browser; `nox -s browser` runs these tests and keeps screenshots."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spec_tests.report.page import DRAWN_OPERATORS, case_id, render
from spec_tests.support.chromium import OPTIONS
from spec_tests.support.sample_results import sample_results

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


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """The results of a run over the whole register, in two columns."""
    return sample_results("torch", "reference")


@pytest.fixture(scope="module")
def drawn_vectors(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The vectors that are drawn."""
    return [
        v
        for v in results["vectors"]
        if v["operator"] in DRAWN_OPERATORS and "expected" in v["case"]
    ]


@pytest.fixture(scope="module")
def address(results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the page."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(render(results), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page for an English reader; any message on its console fails the test."""
    yield from open_page(browser, locale="en-US")


def open_page(browser: "Browser", **options: Any) -> Iterator["Page"]:
    context = browser.new_context(**options)
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    yield page
    assert messages == []
    context.close()


def shown_claims(page: "Page") -> list[str]:
    claims = "[...document.querySelectorAll('.claim')].filter(claim => claim.checkVisibility())"
    return page.evaluate(f"{claims}.map(claim => claim.id)")


def matching(results: dict[str, Any], **wanted: str) -> list[str]:
    return [c["id"] for c in results["claims"] if all(c[k] == v for k, v in wanted.items())]


def open_everything(page: "Page", cases: int) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.wait_for_function(f"document.querySelectorAll('.formula').length == {cases}")


def test_a_new_reader_finds_why_torch_load_fails(page: "Page", address: str) -> None:
    page.goto(address)
    page.locator("#find").fill("torch.load")
    page.locator("#find").press("Enter")
    assert "saveload.whole-model" in shown_claims(page)
    assert len(shown_claims(page)) < 15
    claim = page.locator("[id='saveload.whole-model']")
    assert "weights_only=False" in claim.inner_text()
    assert claim.bounding_box()["y"] < 2 * page.viewport_size["height"]
    page.keyboard.type("s")
    assert page.locator("#q").input_value() == page.locator("#find").input_value() == "torch.loads"
    assert page.locator("#q").bounding_box()["y"] < page.viewport_size["height"] / 2
    assert not page.locator("#find").evaluate("box => box === document.activeElement")


def test_pasted_code_and_errors_are_found_by_their_words(page: "Page", address: str) -> None:
    page.goto(address)
    for query in (
        'model = torch.load("tudui_0.pth")',
        "torch.load('tudui_0.pth')",
        "torch.load fails",
        "_pickle.UnpicklingError: Weights only load failed. This file can still be loaded",
        "加载模型",
        "Saving and loading",
        "模型的保存与读取",
    ):
        page.locator("#q").fill(query)
        assert "saveload.whole-model" in shown_claims(page)[:3], query
        assert len(shown_claims(page)) < 30, query
    page.locator("#q").fill("torch.load xyzzy")
    assert "No statement contains all these words" in page.locator("#shown").inner_text()
    page.locator("#q").fill("")
    assert shown_claims(page) == page.evaluate("claims.map(({ node }) => node.id)")


def test_url_with_a_query_opens_at_the_results(page: "Page", address: str) -> None:
    page.goto(f"{address}?q=torch.load&lesson=P99&state=bogus")
    assert page.locator("#q").input_value() == page.locator("#find").input_value() == "torch.load"
    assert page.locator("#q").bounding_box()["y"] < page.viewport_size["height"] / 2
    assert page.url == f"{address}?q=torch.load"


def test_filters_combine_and_stay_in_the_url(
    results: dict[str, Any], page: "Page", address: str
) -> None:
    page.goto(address)
    everything = len(results["claims"])
    assert len(shown_claims(page)) == everything
    page.locator("#lesson").select_option("P26")
    assert shown_claims(page) == matching(results, lesson="P26")
    page.locator("#filters [value=erratum]").check()
    assert shown_claims(page) == matching(results, lesson="P26", state="erratum")
    page.locator("#q").fill("FOLDER models")
    assert shown_claims(page) == ["saveload.models-folder"]
    assert f"1 of {everything} statements shown" in page.locator("#shown").inner_text()
    page.reload()
    assert shown_claims(page) == ["saveload.models-folder"]
    page.locator("#q").fill("xyzzy")
    assert "No statement matches" in page.locator("#shown").inner_text()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function(
        f"document.querySelectorAll('.claim:not([hidden])').length == {everything}"
    )
    assert page.url == address


def test_search_finds_chinese(page: "Page", address: str) -> None:
    page.goto(f"{address}?q=整个网络")
    assert "saveload.whole-model" in shown_claims(page)


def test_counts_filter_by_state(results: dict[str, Any], page: "Page", address: str) -> None:
    page.goto(address)
    page.locator(".figures a.changed").click()
    assert shown_claims(page) == matching(results, state="changed")


def test_link_shows_a_claim_that_the_filters_hide(page: "Page", address: str) -> None:
    page.goto(f"{address}?lesson=P1&state=erratum#saveload.whole-model")
    claim = page.locator("[id='saveload.whole-model']")
    assert claim.is_visible()
    assert claim.bounding_box()["y"] < page.viewport_size["height"]
    outlined = claim.evaluate("claim => getComputedStyle(claim).outlineStyle")
    assert outlined == "solid"


@pytest.mark.parametrize("query", ["?lesson=P1", "?q=torch.load"])
def test_link_to_a_lesson_resets_the_filters(
    results: dict[str, Any], page: "Page", address: str, query: str
) -> None:
    page.goto(f"{address}{query}")
    page.locator("nav").get_by_role("link", name="P19").click()
    assert len(shown_claims(page)) == len(results["claims"])
    top = "document.getElementById('P19').getBoundingClientRect().top"
    page.wait_for_function(f"Math.abs({top}) < innerHeight / 2")
    assert page.url == f"{address}#P19"
    page.go_back()
    page.wait_for_function("document.querySelectorAll('.claim[hidden]').length > 0")
    assert page.url == f"{address}{query}"


def test_links_and_code_are_copied(browser: "Browser", address: str) -> None:
    granted = ["clipboard-read", "clipboard-write"]
    for page in open_page(browser, locale="en-US", permissions=granted):
        page.goto(f"{address}#saveload.state-dict-type")
        claim = page.locator("[id='saveload.whole-model']")
        claim.get_by_role("button", name="Copy link").click()
        claim.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"{address}#saveload.whole-model"
        claim.locator("summary").click()
        claim.locator(".test").get_by_role("button", name="Copy").click()
        claim.locator(".test").get_by_role("button", name="Copied").wait_for()
        node = "spec_tests/course/test_topic.py::test[saveload.whole-model]"
        assert page.evaluate("navigator.clipboard.readText()") == f'pytest "{node}"'


def test_language_follows_the_browser_and_is_remembered(browser: "Browser", address: str) -> None:
    for page in open_page(browser, locale="zh-TW"):
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        assert page.locator("h1").inner_text() == "PyTorch 入门课逐条核对"
        assert page.locator("#q").get_attribute("placeholder") == "例如 torch.load"
        page.get_by_role("button", name="English").click()
        page.reload()
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.title() == page.locator("h1").inner_text() == "The PyTorch course, checked"
        option = page.locator("#lesson option[value=P26]")
        assert option.text_content() == "P26 Saving and loading"


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


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways(
    drawn_vectors: list[dict[str, Any]], browser: "Browser", address: str, width: int
) -> None:
    for page in open_page(browser, viewport={"width": width, "height": 800}, locale="zh-CN"):
        page.goto(address)
        page.add_style_tag(content=".lesson { content-visibility: visible !important; }")
        open_everything(page, len(drawn_vectors))
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if width < 640:
            code = "[...document.querySelectorAll('.code pre')]"
            assert page.evaluate(f"{code}.filter(e => e.scrollWidth > e.clientWidth).length") == 0


def test_loads_within_a_second(page: "Page", address: str) -> None:
    page.goto(address)
    timing = json.loads(page.evaluate("JSON.stringify(performance.timing)"))
    assert timing["domContentLoadedEventEnd"] - timing["responseEnd"] < 1000


@pytest.mark.parametrize(
    "look",
    [
        {"color_scheme": "light", "locale": "en-US", "viewport": {"width": 1280, "height": 900}},
        {"color_scheme": "dark", "locale": "en-US", "viewport": {"width": 1280, "height": 900}},
        {"color_scheme": "light", "locale": "zh-CN", "viewport": {"width": 360, "height": 800}},
    ],
    ids=["light", "dark", "phone"],
)
def test_screenshots(
    browser: "Browser",
    address: str,
    screenshots: Path,
    look: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    for page in open_page(browser, **look):
        for name, place in (
            ("summary", ""),
            ("errata", "#errata"),
            ("claim", "#saveload.whole-model"),
            ("grid", "#vector/conv2d/stride-2-padding-1"),
        ):
            page.goto(f"{address}{place}")
            page.screenshot(path=screenshots / f"report-{name}-{request.node.callspec.id}.png")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", background)))
        assert (brightness > 600) == (look["color_scheme"] == "light")
