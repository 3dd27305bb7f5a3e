"""What a run found, told in short: a line for the terminal, a page of Markdown, a badge."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spec_tests.report.results import CHECKED, Results

WORDS = {
    "holds": "hold",
    "erratum": "errata",
    "changed": "changed",
    "environment": "by environment",
    "failed": "failed",
    "not_implemented": "not implemented",
    "not_run": "not run",
    "not_checkable": "not checkable",
}
LONGEST = 20  # entries of a list: results.json has them all

GREEN, RED, GREY = "#2e7d32", "#c62828", "#616161"  # white on each is easy to read
HEIGHT, MARGIN, CHARACTER = 20, 6, 6.6  # in pixels; the width of a character on average


def summary_line(results: Results) -> str:
    """Return the claims in figures, which add up: each claim counts once."""
    totals = results["totals"]
    counts = {name: f"{totals[name]} {words}" for name, words in WORDS.items()}
    checked = f"{totals['checked']} checked ({', '.join(counts[name] for name in CHECKED)})"
    if not totals["not_implemented"]:
        del counts["not_implemented"]
    others = [counts[name] for name in counts if name not in CHECKED]
    partial = f"; partial run: {partial}" if (partial := results["run"]["partial"]) else ""
    return f"claims: {totals['claims']}, of which {', '.join([checked, *others])}{partial}"


def _headline(results: Results) -> str:
    totals, failed = results["totals"], len(results["failed"])
    told = f"{totals['checked']} of {totals['claims']} checked, {totals['failed']} failed"
    told += f", failed tests: {failed}" if failed else ""
    return told + (", partial run" if results["run"]["partial"] else "")


def markdown(results: Results) -> str:
    """Return a page of Markdown without links, as GitHub shows it beside a job."""
    run = results["run"]
    packages = [f"{name} {version}" for name, version in run["packages"].items()]
    where = ", ".join([*packages, f"Python {run['python']}", run["platform"]])
    blocks = [
        [f"# Course claims: {_headline(results)}"],
        [_escaped(summary_line(results)[0].upper() + summary_line(results)[1:]) + "."],
        [f"{_escaped(where)}: {_escaped(run['command'])}"],
        _failures(results),
        _columns(results),
        _versions(results),
        _not_run(results),
        _lessons(results),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _failures(results: Results) -> list[str]:
    """List the claims that failed, for whatever was tested, and then the tests of no claim."""
    lines, told = [], set()
    for claim in results["claims"]:
        if tests := _failed_tests(claim):
            says = f"({claim['lesson']}, {claim['status']}): {_escaped(claim['says'])}"
            lines.append(f"- **{claim['id']}** {says} {_escaped(_told(tests[0]))}")
            told.update(test["id"] for test in tests)
    lines += [f"- {_escaped(_told(test))}" for test in results["failed"] if test["id"] not in told]
    return ["## Failed", "", *_shortened(lines)] if lines else []


def _failed_tests(claim: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [
        test
        for column in claim["results"].values()
        for test in column["tests"]
        if test["outcome"] in {"failed", "known_difference"}
    ]


def _told(test: Mapping[str, str]) -> str:
    first, *_ = test.get("detail", "").strip().splitlines() or [""]
    return f"{test['id']}: {first}"


def _columns(results: Results) -> list[str]:
    """Compare what was held against the claims, where there was more than one."""
    if len(results["columns"]) < 2:
        return []
    rows = []
    for column in results["columns"]:
        found = [claim["results"].get(column["id"]) for claim in results["claims"]]
        rows.append([_escaped(column["title"]), *_counts(each["state"] for each in found if each)])
    return ["## By what was tested", "", *_table(["", *WORDS.values()], rows)]


def _versions(results: Results) -> list[str]:
    """List the claims of a matrix whose state differs from version to version of torch."""
    columns = {column["id"]: _escaped(column["title"]) for column in results["columns"]}
    rows = []
    for claim in results["claims"]:
        states = {name: claim["results"].get(name, {}).get("state", "") for name in columns}
        if "first" in claim and len(set(states.values()) & set(CHECKED)) > 1:
            says = f"**{claim['id']}** ({claim['lesson']}): {_escaped(claim['says'])}"
            rows.append([says, *(WORDS.get(state, "") for state in states.values())])
    head = ["claim", *columns.values()]
    return ["## What differs between the versions", "", *_table(head, rows)] if rows else []


def _not_run(results: Results) -> list[str]:
    rows = [[_escaped(each["reason"]), str(len(each["tests"]))] for each in results["not_run"]]
    claims = [
        f"- {claim['id']} ({claim['lesson']}): {_escaped(claim['says'])}"
        for claim in results["claims"]
        if claim["state"] == "not_run" and claim["results"]
    ]
    table = ["## Not run", "", *_table(["reason", "tests"], rows[:LONGEST])] if rows else []
    return (
        [*table, "", "Claims whose tests did not run:", "", *_shortened(claims)]
        if claims
        else table
    )


def _lessons(results: Results) -> list[str]:
    rows = []
    for lesson in results["lessons"]:
        states = [c["state"] for c in results["claims"] if c["lesson"] == lesson["id"]]
        if states:
            title = f"{lesson['id']} {_escaped(lesson['title'])}"
            rows.append([title, str(len(states)), *_counts(states)])
    return ["## By lesson", "", *_table(["lesson", "claims", *WORDS.values()], rows)]


def _counts(states: Iterable[str]) -> list[str]:
    counts = Counter(states)
    return [str(counts[name] or "") for name in WORDS]


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    rule = [":---", *["---:"] * (len(head) - 1)]
    return (f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - LONGEST
    return [*lines[:LONGEST], *([f"- … and {more} more, in results.json"] if more > 0 else [])]


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, in one line."""
    line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", line)


def badge(results: Results) -> str:
    """Return a badge as an SVG picture: green, red where something failed, grey for a part."""
    label, told = "course claims", _headline(results)
    failed = results["totals"]["failed"] or results["failed"]
    whole = results["totals"]["checked"] and not results["run"]["partial"]
    colour = RED if failed else GREEN if whole else GREY
    left, right = (2 * MARGIN + round(CHARACTER * len(text)) for text in (label, told))
    title = html.escape(f"{label}: {told}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}"'
        f' role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n"
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="#424242"/>\n'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" rx="3" fill="{colour}"/>\n'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f"{_text(label, MARGIN, left)}\n{_text(told, left + MARGIN, right)}\n"
        "</g>\n</svg>\n"
    )


def _text(text: str, x: int, width: int) -> str:
    # Fonts differ from reader to reader: the text takes the width that it was given.
    return f'<text x="{x}" y="14" textLength="{width - 2 * MARGIN}">{html.escape(text)}</text>'
