"""The page of the report as text: its content, and the escaping of markup in texts."""

import copy
import json
import re
import string
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from spec_tests import paths
from spec_tests.report.page import (
    STRINGS,
    code_spans,
    drawing,
    format_call,
    format_matrix,
    format_tensor,
    render,
)
from spec_tests.support.results_schema import SCHEMA
from spec_tests.support.sample_results import sample_results

VOID = {"meta", "link", "input"}
HOSTILE = "</script><b onclick='alert(1)'>\"&amp;</style>]]>\u2028{{ 1 }}${1}"
FREE_TEXT = {
    *("says", "zh", "now", "now_zh", "since", "write", "untestable", "untestable_zh", "why"),
    *("command", "partial", "platform", "detail", "reason", "title", "device"),
}
SOURCES = sorted(path for path in paths.TEMPLATES.iterdir() if path.suffix in {".j2", ".js"})

Results = dict[str, Any]


class Outline(HTMLParser):
    """The elements and texts of a page; parsing fails if an end tag does not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open = ["html"]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> does not match a start tag, at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1], []).append(data)

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        """The elements with the names of their attributes, without values."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    @property
    def shown(self) -> str:
        """The text that a reader sees or can expand."""
        return " ".join(
            " ".join(texts) for tag, texts in self.texts.items() if tag not in {"script", "style"}
        )


@pytest.fixture
def results() -> Results:
    """A run in one column that passes: two claims, a case that is drawn, and one that is not."""
    whole = sample_results("torch")
    names = ("saveload.whole-model", "conv.stride-1")
    cases = {("conv2d", "mode-reflect"), ("relu", "course")}
    return whole | {
        "claims": [claim for claim in whole["claims"] if claim["id"] in names],
        "vectors": [v for v in whole["vectors"] if (v["operator"], v["case"]["name"]) in cases],
        "not_run": [{"reason": "needs a GPU", "tests": ["spec_tests/test_a.py::test_a"]}],
    }


def claim_of(results: Results, name: str) -> dict[str, Any]:
    return next(claim for claim in results["claims"] if claim["id"] == name)


def replace_texts(value: Any, text: str) -> Any:  # noqa: ANN401 - any JSON
    """Replace every free text of a document."""
    if isinstance(value, list):
        return [replace_texts(part, text) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        name: text if name in FREE_TEXT and part else replace_texts(part, text)
        for name, part in value.items()
    }


def five_versions(results: Results) -> Results:
    names = ["torch-2.6.0", "torch-2.8.0", "torch-2.10.0", "torch-2.12.0", "torch-2.15.0"]
    changed = results | {"columns": [{"id": n, "title": n, "device": "cpu"} for n in names]}
    for claim in changed["claims"]:
        (result,) = claim["results"].values()
        claim["results"] = {name: copy.deepcopy(result) for name in names}
        claim |= {"first": "2.6.0", "last": "2.10.0"}
    return changed


def failing(results: Results) -> Results:
    claim = results["claims"][0]
    claim["state"] = claim["results"]["torch"]["state"] = "failed"
    claim["results"]["torch"]["tests"][0] |= {"outcome": "failed", "detail": "4 is not 3"}
    return results | {"failed": [{"id": "spec_tests/test_b.py::test_b", "detail": "no file"}]}


def partial(results: Results) -> Results:
    return results | {"run": results["run"] | {"partial": "-k conv"}}


def empty(results: Results) -> Results:
    return results | {"claims": [], "vectors": [], "not_run": []}


def test_sample_follows_the_schema(results: Results) -> None:
    for document in (sample_results("torch", "reference"), five_versions(results), empty(results)):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize("change", [dict, five_versions, failing, partial, empty])
def test_is_well_formed(results: Results, change: Any) -> None:  # noqa: ANN401
    page = Outline(render(change(results)))
    assert page.open == ["html"]
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {a["href"] for tag, a in page.elements if tag == "a" and a["href"].startswith("#")}
    claims = {f"#{name}" for vector in results["vectors"] for name in vector["case"]["claims"]}
    assert {t for t in targets if t[1:] not in names} <= claims


def test_markup_in_texts_is_escaped(results: Results) -> None:
    results = partial(failing(results))
    reflecting = next(v for v in results["vectors"] if v["operator"] == "conv2d")
    reflecting["case"]["parameters"]["padding_mode"] = HOSTILE
    tame = Outline(render(replace_texts(results, "tame")))
    hostile = Outline(render(replace_texts(results, HOSTILE)))
    assert hostile.shape == tame.shape
    assert hostile.shown.count(HOSTILE) == tame.shown.count("tame")
    attributes = [value for _, names in hostile.elements for value in names.values()]
    assert any(HOSTILE in value for value in attributes if value)
    drawings = json.loads(next(t for t in hostile.texts["script"] if "mode-reflect" in t))
    assert drawings["conv2d/mode-reflect"]["parameters"]["padding_mode"] == HOSTILE
    assert not any("\u2028" in script for script in hostile.texts["script"])


def test_partial_run_says_why(results: Results) -> None:
    assert "banner" not in render(results).split("</style>")[1].split("<script")[0]
    assert "Not all tests were run: " in (page := Outline(render(partial(results)))).shown
    assert "-k conv" in page.shown


def test_failures_are_at_the_top(results: Results) -> None:
    page = render(failing(results))
    banner = page[page.index('<div class="banner failed">') : page.index('class="verdict"')]
    assert '<a href="#conv.stride-1">' in banner
    assert "spec_tests/test_b.py::test_b" in banner
    assert "no file" in banner
    assert "4 is not 3" in page


def test_a_run_without_claims_or_vectors(results: Results) -> None:
    page = Outline(render(empty(results))).shown
    assert "This run contains no operator cases." in page
    assert "All tests of this run were executed." in page


def test_matrix_lists_the_versions_on_which_the_course_is_right(results: Results) -> None:
    changed = five_versions(results)
    claim = claim_of(changed, "conv.stride-1")
    claim["state"] = claim["results"]["torch-2.15.0"]["state"] = "failed"
    never = claim_of(changed, "saveload.whole-model")
    never |= {"first": "", "last": ""}
    page = re.sub(r"\s+", " ", Outline(render(changed)).shown)
    assert "torch-2.6.0, torch-2.8.0, torch-2.10.0, torch-2.12.0" in page
    assert "with torch 2.6.0 to 2.10.0" in page
    assert "with none of these versions" in page
    assert "on all 5" in page


def test_loads_no_other_resource(results: Results) -> None:
    page = Outline(render(results))
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        for name in ("href", "action"):
            assert re.match(r"#|\?|data:,$", attributes.get(name) or "#"), (tag, attributes)
    assert not re.search(r"url\(|@import", "".join(page.texts["style"]))
    assert not re.search(r"fetch\(|import\(|https?:", "".join(page.texts["script"]))


def test_errata_with_code_to_write_come_first(results: Results) -> None:
    claim_of(results, "saveload.whole-model")["write"] = "torch.load(path, weights_only=False)"
    page = render(results)
    errata = page[page.index('<section id="errata">') : page.index('<section id="claims">')]
    assert errata.count('<details class="group" open>') == 1
    assert '<a href="#saveload.whole-model">P26</a>' in errata
    assert "<code>torch.load(path, weights_only=False)</code>" in errata


def test_errata_counts_agree_and_mention_what_was_not_tested(results: Results) -> None:
    claim = claim_of(results, "saveload.whole-model")
    claim["state"] = claim["results"]["torch"]["state"] = "not_run"
    page = render(results)
    text = re.sub(r"\s+", " ", Outline(page).shown)
    assert "1 are false or out of date (1 not tested in this run)" in text
    assert "Errata 勘误 1 " in text
    errata = page[page.index('<section id="errata">') : page.index('<section id="claims">')]
    assert '<span class="badge not_run">' in errata


def test_lesson_without_a_claim_is_not_a_link(results: Results) -> None:
    page = Outline(render(results))
    links = {a["href"] for tag, a in page.elements if tag == "a"}
    options = {a["value"] for tag, a in page.elements if tag == "option"}
    assert {"#P26", "#P33"} & links == {"#P26"}
    assert {"P26", "P33"} & options == {"P26"}


def test_chinese_has_chinese_punctuation() -> None:
    two = render(sample_results("torch", "reference"))
    assert "由程序在 torch、reference 上逐条检查。" in two
    assert "本项目的参考实现" in two
    assert "本项目的参考实现" not in render(sample_results("torch"))
    assert not re.search(r"。 *</span>\s*<span lang=\"en\">[^<]*</span><span lang=\"zh-CN\">", two)


def test_text_without_chinese_appears_in_english(results: Results) -> None:
    claim = claim_of(results, "saveload.whole-model")
    claim |= {"now": "An error.", "now_zh": ""}
    assert '<span class="only" lang="en">An error.</span>' in render(results)
    claim["now_zh"] = "出错。"
    pair = '<span lang="en">An error.</span><span lang="zh-CN">出错。</span>'
    assert pair in render(results)


def test_backticks_become_code() -> None:
    assert code_spans("`a < b` is not `c") == "<code>a &lt; b</code> is not `c"


@pytest.mark.parametrize("name", STRINGS)
def test_each_text_has_both_languages(name: str) -> None:
    assert STRINGS[name].keys() == {"en", "zh"}
    assert all(STRINGS[name].values())
    fields = [
        {field for _, field, _, _ in string.Formatter().parse(text) if field}
        for text in STRINGS[name].values()
    ]
    assert fields[0] == fields[1]


def test_each_text_is_used() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    quoted = set(re.findall(r'"([a-z_-]+)"', source))
    prefixes = tuple(p for p in re.findall(r'["`]([a-z]+-)(?:"|\$\{)', source))
    unused = [name for name in STRINGS if name not in quoted and not name.startswith(prefixes)]
    assert unused == []


def test_each_state_and_outcome_has_a_text() -> None:
    for kind in ("state", "outcome"):
        assert {f"{kind}-{name}" for name in SCHEMA["$defs"][kind]["enum"]} <= STRINGS.keys()


def test_whole_register_stays_small() -> None:
    assert len(render(sample_results("torch", "reference")).encode()) < 3_000_000


def test_matrix_is_formatted_row_by_row() -> None:
    assert format_matrix([[[1, 2], [3, "nan"]]]) == "[[[1, 2],\n  [3, nan]]]"
    assert format_matrix([]) == "[]"


def test_tensor_is_formatted_with_its_fill_its_layout_and_what_it_shares() -> None:
    filled = {"fill": 1, "except": [[[0, 2], "nan"]], "layout": "strided"}
    assert format_tensor(filled) == "1\nexcept (0, 2): nan\nlayout: strided"
    assert format_tensor({"data": [3], "shares": "input"}) == "[3]\nshares: input"


@pytest.mark.parametrize("tensor", [{"fill": 1}, {"data": ["inf"]}, {"data": [2**53]}], ids=str)
def test_only_numbers_that_are_written_in_full_are_drawn(tensor: dict[str, Any]) -> None:
    case = {"inputs": {"input": {"data": [[1]]}}, "parameters": {}, "expected": {"output": tensor}}
    assert drawing({"operator": "conv2d", "case": case}) == {}
    case["expected"] = {"output": {"data": [2**53 - 1]}}
    assert drawing({"operator": "conv2d", "case": case})["expected"] == case["expected"]


def test_parameters_are_formatted_as_python() -> None:
    parameters = {"stride": [2, 1], "padding": "same", "ceil_mode": True}
    assert format_call(parameters) == "stride=(2, 1), padding='same', ceil_mode=True"
