"""Results, summaries and badges built from hand-written outcomes."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from spec_tests.harness.claims import Claim
from spec_tests.report import results, summary
from spec_tests.report.results import Results, TestOutcome
from spec_tests.support.results_schema import problems

RUN = {"command": "pytest", "partial": "", "python": "3.11", "platform": "here", "packages": {}}
LESSONS = [
    {"id": "P9", "title": "Nine", "zh": "九", "modules": []},
    {"id": "P20", "title": "Twenty", "zh": "二十", "modules": ["functional"]},
]


def make_claim(name: str, lesson: str = "P20", **fields: Any) -> Claim:
    """Return a claim with default texts; `fields` overrides them."""
    defaults = {"says": f"It is {name}.", "zh": "是", "kind": "value", "oracle": "derived"}
    defaults |= {"source": ("004 19",), "status": "holds", "now": "Otherwise.", "since": "torch 2"}
    defaults |= {"now_zh": "并非如此。"}
    if "untestable" in fields:
        defaults["untestable_zh"] = "看法不同。"
    return Claim(id=f"relu.{name}", lesson=lesson, **defaults | fields)


def make_outcome(outcome: str, *claims: Claim, column: str = "torch", **fields: Any) -> TestOutcome:
    """Return the outcome of a test that checks the claims."""
    names = tuple(each.id for each in claims)
    return TestOutcome(
        test=f"a.py::{outcome}", column=column, outcome=outcome, claims=names, **fields
    )


def build_results(claims: list[Claim], tests: list[TestOutcome], **run: str) -> Results:
    """Build results.json from claims and outcomes; `run` overrides the run's description."""
    columns = dict.fromkeys(test.column for test in tests)
    return results.collect(
        tests,
        register={each.id: each for each in claims},
        lessons=LESSONS,
        vectors={"relu": [{"name": "course"}, {"name": "large"}]},
        columns=[{"id": name, "title": f"title {name}", "device": "cpu"} for name in columns],
        run=RUN | run,
        created="2026-01-02T03:04:05+00:00",
    )


def states(document: Results) -> dict[str, str]:
    """Return the state of each claim, by the second part of its ID."""
    return {each["id"].removeprefix("relu."): each["state"] for each in document["claims"]}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed"], "erratum"),
        (["passed", "not_run", "not_implemented"], "erratum"),
        (["passed", "failed"], "failed"),
        (["known_difference", "passed"], "failed"),
        (["not_implemented", "not_run"], "not_implemented"),
        (["not_run"], "not_run"),
        ([], "not_run"),
    ],
)
def test_state_of_a_claim(outcomes: list[str], expected: str) -> None:
    erratum = make_claim("zero", status="erratum")
    assert results.state(erratum, [make_outcome(outcome) for outcome in outcomes]) == expected


def test_untestable_claim_is_not_checkable() -> None:
    assert results.state(make_claim("nice", untestable="a matter of taste"), []) == "not_checkable"


@pytest.mark.parametrize("deciding", ["torch", "torch-cuda", "torch-2.6.0", "reference"])
def test_another_library_does_not_decide_the_state(deciding: str) -> None:
    zero = make_claim("zero")
    document = build_results(
        [zero],
        [make_outcome("failed", zero, column="jax"), make_outcome("passed", zero, column=deciding)],
    )
    assert states(document) == {"zero": "holds"}
    by_column = document["claims"][0]["results"]
    assert {column: result["state"] for column, result in by_column.items()} == {
        deciding: "holds",
        "jax": "failed",
    }
    assert [column["id"] for column in document["columns"]] == [deciding, "jax"]


def test_another_library_decides_if_it_ran_alone() -> None:
    zero = make_claim("zero")
    tests = [make_outcome("known_difference", zero, column="torch.compile"), make_outcome("passed")]
    assert states(build_results([zero], tests)) == {"zero": "failed"}


def test_each_claim_counts_once() -> None:
    claims = {
        **{status: make_claim(status, status=status) for status in results.STATUSES},
        "failed": make_claim("failed"),
        "not_run": make_claim("not-run"),
        "not_implemented": make_claim("not-implemented"),
        "not_checkable": make_claim("not-checkable", untestable="a matter of taste"),
    }
    outcomes = dict.fromkeys(results.STATUSES, "passed") | {"not_checkable": "passed"}
    tests = [make_outcome(outcomes.get(name, name), each) for name, each in claims.items()]
    document = build_results(list(claims.values()), [*tests, *tests])
    assert document["totals"] == dict.fromkeys(claims, 1) | {"claims": 8, "checked": 5}
    assert sorted(states(document).values()) == sorted(claims)


def test_document_follows_the_schema() -> None:
    zero, one = make_claim("zero", write="relu(x)"), make_claim("one", "P9", untestable="taste")
    tests = [
        make_outcome("passed", zero, vector=("relu", "course")),
        make_outcome(
            "known_difference", zero, column="jax", detail="differs", vector=("relu", "course")
        ),
        make_outcome("not_implemented", zero, column="onnx", detail="lacks it"),
        make_outcome("not_run", detail="no GPU"),
        make_outcome("not_run", zero, detail="no GPU"),
        make_outcome("failed", detail="1 is not 2"),
    ]
    document = build_results([zero, one], tests)
    assert problems(document) == []
    assert [each["id"] for each in document["claims"]] == ["relu.one", "relu.zero"]
    assert document["not_run"] == [{"reason": "no GPU", "tests": ["a.py::not_run"] * 2}]
    assert document["failed"] == [{"id": "a.py::failed", "detail": "1 is not 2"}]
    course, large = document["vectors"]
    assert course["results"] == {
        "torch": {"outcome": "passed"},
        "jax": {"outcome": "known_difference", "detail": "differs"},
    }
    assert large == {"operator": "relu", "case": {"name": "large"}, "results": {}}


def test_counts_add_up() -> None:
    claims = [
        make_claim("zero"),
        make_claim("one", status="changed"),
        make_claim("nice", untestable="taste"),
    ]
    assert summary.summary_line(build_results(claims, [make_outcome("passed", *claims[:2])])) == (
        "claims: 3, of which 2 checked (1 hold, 0 errata, 1 changed, 0 by environment, 0 failed), "
        "0 not run, 1 not checkable"
    )
    lacking = build_results(claims, [make_outcome("not_implemented", claims[0])], partial="-k zero")
    assert summary.summary_line(lacking) == (
        "claims: 3, of which 0 checked (0 hold, 0 errata, 0 changed, 0 by environment, 0 failed), "
        "1 not implemented, 1 not run, 1 not checkable; partial run: -k zero"
    )


def test_markdown_escapes_the_text_of_a_claim() -> None:
    odd = make_claim("odd", says="a | b\n\n# <b>x</b> *y* [z](w) `c` $d$ & 中文")
    lines = summary.markdown(
        build_results([odd], [make_outcome("failed", odd, detail="first\nsecond")])
    ).split("\n")
    says = r"a \| b \# &lt;b&gt;x&lt;/b&gt; \*y\* \[z\](w) \`c\` \$d\$ &amp; 中文"
    assert f"- **relu.odd** (P20, holds): {says} a.py::failed: first" in lines
    assert "second" not in lines


def test_markdown_lists_failures_and_tests_not_run() -> None:
    zero, one = make_claim("zero"), make_claim("one", "P9")
    tests = [
        make_outcome("not_run", one, detail="no GPU"),
        make_outcome("passed", zero),
        make_outcome("failed", zero, column="jax", detail="differs"),
        make_outcome("failed", detail="of no claim"),
    ]
    text = summary.markdown(build_results([zero, one], tests))
    assert text.startswith(
        "# Course claims: 1 of 2 checked, 0 failed, failed tests: 2\n\nClaims: 2,"
    )
    assert "- **relu.zero** (P20, holds): It is zero. a.py::failed: differs\n" in text
    assert "| title jax |  |  |  |  | 1 |  |  |  |\n" in text
    assert "| no GPU | 1 |\n" in text
    assert "- relu.one (P9): It is one.\n" in text
    assert "| P9 Nine | 1 |  |  |  |  |  |  | 1 |  |\n| P20 Twenty | 1 | 1 |" in text


def test_markdown_stays_short() -> None:
    claims = [make_claim(f"n{number}") for number in range(200)]
    tests = [make_outcome("failed", each) for each in claims[:100]] + [
        make_outcome("not_run", each, detail=f"reason {each.id}") for each in claims[100:]
    ]
    text = summary.markdown(build_results(claims, tests))
    assert text.count("\n") < 100
    assert "- … and 80 more, in results.json\n" in text


@pytest.mark.parametrize(
    ("outcome", "partial", "colour", "message"),
    [
        ("passed", "", summary.GREEN, "1 of 1 checked, 0 failed"),
        ("passed", "-k 'a<b>&c'", summary.GREY, "1 of 1 checked, 0 failed, partial run"),
        ("failed", "", summary.RED, "1 of 1 checked, 1 failed, failed tests: 1"),
        ("not_run", "", summary.GREY, "0 of 1 checked, 0 failed"),
    ],
)
def test_badge(outcome: str, partial: str, colour: str, message: str) -> None:
    zero = make_claim("zero")
    svg = summary.badge(build_results([zero], [make_outcome(outcome, zero)], partial=partial))
    picture = ET.fromstring(svg)  # noqa: S314 - our own text, which must be XML
    title, _, background, texts = picture
    assert title.text == picture.get("aria-label") == f"course claims: {message}"
    assert background.get("fill") == colour
    assert [text.text for text in texts] == ["course claims", message]


def test_badge_escapes_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "_title", lambda _: 'a < "b" & 中文')
    picture = ET.fromstring(summary.badge(build_results([], [])))  # noqa: S314 - as above
    assert picture[0].text == 'course claims: a < "b" & 中文'


def test_operators_are_counted_by_outcome() -> None:
    outcomes = [
        ("relu", "passed"),
        ("relu", "failed"),
        ("conv2d", "not_implemented"),
        ("", "passed"),
    ]
    tests = [make_outcome(outcome, operator=operator) for operator, outcome in outcomes]
    assert summary.by_operator("mine 1", tests) == [
        "mine 1:",
        "  operator  passed  failed  not implemented",
        "  conv2d         0       0                1",
        "  relu           1       1                0",
        "  all            1       1                1",
    ]
    assert summary.by_operator("mine 1", tests[3:]) == []
