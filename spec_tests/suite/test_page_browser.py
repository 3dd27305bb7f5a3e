"""The page of the report in a browser; `nox -s browser` runs these tests and keeps screenshots."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spec_tests.support.chromium import open_everything, open_page

if TYPE_CHECKING:  # it may be missing: then the tests are skipped
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def shown_claims(page: "Page") -> list[str]:
    claims = "[...document.querySelectorAll('.claim')].filter(claim => claim.checkVisibility())"
    return page.evaluate(f"{claims}.map(claim => claim.id)")


def matching(results: dict[str, Any], **wanted: str) -> list[str]:
    return [c["id"] for c in results["claims"] if all(c[k] == v for k, v in wanted.items())]


def test_a_new_reader_finds_why_torch_load_fails(page: "Page", address: str) -> None:
    page.goto(address)
    page.locator("#find").fill("torch.load")
    page.locator("#find").press("Enter")
    assert "saveload.whole-model" in shown_claims(page)
    assert len(shown_claims(page)) < 20
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
        "torch.load weights_only 加载整个模型",
    ):
        page.locator("#q").fill(query)
        assert "saveload.whole-model" in shown_claims(page)[:3], query
        assert len(shown_claims(page)) < 30, query
    page.locator("#q").fill("torch")
    assert "No statement is clearly about this" in page.locator("#shown").inner_text()
    assert len(shown_claims(page)) > 30
    page.locator("#q").fill("")
    assert shown_claims(page) == page.evaluate("claims.map(({ node }) => node.id)")


def test_pasted_traceback_keeps_its_lines(browser: "Browser", address: str) -> None:
    lines = ["model = torch.load(path)", "", "UnpicklingError: Weights only load failed"]
    granted = ["clipboard-read", "clipboard-write"]
    for page in open_page(browser, locale="en-US", permissions=granted):
        page.goto(address)
        page.evaluate("text => navigator.clipboard.writeText(text)", "\r\n".join(lines))
        page.locator("#q").press("Control+v")
        assert page.locator("#q").input_value() == " ⏎ ".join(lines)
        found = page.evaluate("text => register.search(text)", "\n".join(lines))
        assert shown_claims(page) == found


def test_url_with_a_query_opens_at_the_results(page: "Page", address: str) -> None:
    page.goto(f"{address}?q=torch.load&lesson=P99&state=bogus")
    assert page.locator("#q").input_value() == page.locator("#find").input_value() == "torch.load"
    assert page.locator("#q").bounding_box()["y"] < page.viewport_size["height"] / 2
    assert page.url == f"{address}?q=torch.load"


def test_filters_combine_and_stay_in_the_url(
    page_results: dict[str, Any], page: "Page", address: str
) -> None:
    page.goto(address)
    everything = len(page_results["claims"])
    assert len(shown_claims(page)) == everything
    page.locator("#lesson").select_option("P26")
    assert shown_claims(page) == matching(page_results, lesson="P26")
    page.locator("#filters [value=erratum]").check()
    assert shown_claims(page) == matching(page_results, lesson="P26", state="erratum")
    page.locator("#q").fill("FOLDER models")
    folders = ["saveload.model-folder", "saveload.models-folder"]
    assert shown_claims(page) == folders
    assert f"2 of {everything} statements shown" in page.locator("#shown").inner_text()
    page.reload()
    assert shown_claims(page) == folders
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


def test_counts_filter_by_state(page_results: dict[str, Any], page: "Page", address: str) -> None:
    page.goto(address)
    page.locator(".figures a.changed").click()
    assert shown_claims(page) == matching(page_results, state="changed")


def test_link_shows_a_claim_that_the_filters_hide(page: "Page", address: str) -> None:
    page.goto(f"{address}?lesson=P1&state=erratum#saveload.whole-model")
    claim = page.locator("[id='saveload.whole-model']")
    assert claim.is_visible()
    assert claim.bounding_box()["y"] < page.viewport_size["height"]
    outlined = claim.evaluate("claim => getComputedStyle(claim).outlineStyle")
    assert outlined == "solid"


@pytest.mark.parametrize("query", ["?lesson=P1", "?q=torch.load"])
def test_link_to_a_lesson_resets_the_filters(
    page_results: dict[str, Any], page: "Page", address: str, query: str
) -> None:
    page.goto(f"{address}{query}")
    page.locator("nav").get_by_role("link", name="P19").click()
    assert len(shown_claims(page)) == len(page_results["claims"])
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
        assert page.locator("#q").get_attribute("placeholder") == "报错信息、一行代码或一个词"
        page.get_by_role("button", name="English").click()
        page.reload()
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.title() == page.locator("h1").inner_text() == "The PyTorch course, checked"
        option = page.locator("#lesson option[value=P26]")
        assert option.text_content() == "P26 Saving and loading"


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
