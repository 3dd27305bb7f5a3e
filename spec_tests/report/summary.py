"""Short forms of the results: a line for the terminal, a page of Markdown, a badge."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spec_tests.report.results import CHECKED, Results, TestOutcome

STATE_LABELS = {
    "holds": "hold",
    "erratum": "errata",
    "changed": "changed",
    "environment": "by environment",
    "failed": "failed",
    "not_implemented": "not implemented",
    "not_run": "not run",
    "not_checkable": "not checkable",
}
OUTCOME_LABELS = {
    "passed": "passed",
    "failed": "failed",
    "known_difference": "known differences",
    "not_implemented": "not implemented",
    "not_run": "not run",
}
MAX_LISTED = 20  # entries per list; results.json has all of them

GREEN, RED, GREY = "#2e7d32", "#c62828", "#616161"  # dark enough for white text
HEIGHT, MARGIN, CHARACTER_WIDTH = 20, 6, 6.6  # in pixels; the character width is an average


def summary_line(results: Results) -> str:
    """Return one line that counts the claims; each claim counts once, so that the counts add up."""
    totals = results["totals"]
    counts = {name: f"{totals[name]} {label}" for name, label in STATE_LABELS.items()}
    checked = f"{totals['checked']} checked ({', '.join(counts[name] for name in CHECKED)})"
    if not totals["not_implemented"]:
        del counts["not_implemented"]
    others = [counts[name] for name in counts if name not in CHECKED]
    partial = f"; partial run: {partial}" if (partial := results["run"]["partial"]) else ""
    return f"claims: {totals['claims']}, of which {', '.join([checked, *others])}{partial}"


def by_operator(title: str, outcomes: Iterable[TestOutcome]) -> list[str]:
    """Return the lines of a table: how many tests of each operator ended how.

    Args:
        title: the implementation that was tested.
        outcomes: of its tests.
    """
    counts: dict[str, Counter[str]] = {}
    for test in outcomes:
        if test.operator:
            counts.setdefault(test.operator, Counter())[test.outcome] += 1
    if not counts:
        return []
    counts = dict(sorted(counts.items())) | {"all": sum(counts.values(), Counter())}
    shown = {name: label for name, label in OUTCOME_LABELS.items() if counts["all"][name]}
    width = max(map(len, ["operator", *counts]))
    lines = [f"{title}:"]
    lines += [f"  {'operator':{width}}  {'  '.join(shown.values())}"]
    for operator, row in counts.items():
        cells = (f"{row[name]:{len(label)}}" for name, label in shown.items())
        lines.append(f"  {operator:{width}}  {'  '.join(cells)}")
    return lines


def _title(results: Results) -> str:
    totals, failed = results["totals"], len(results["failed"])
    title = f"{totals['checked']} of {totals['claims']} checked, {totals['failed']} failed"
    title += f", failed tests: {failed}" if failed else ""
    return title + (", partial run" if results["run"]["partial"] else "")


def markdown(results: Results) -> str:
    """Return a page of Markdown without links, for the job summary of GitHub Actions."""
    run = results["run"]
    packages = [f"{name} {version}" for name, version in run["packages"].items()]
    environment = ", ".join([*packages, f"Python {run['python']}", run["platform"]])
    line = summary_line(results)
    blocks = [
        [f"# Course claims: {_title(results)}"],
        [_escape(line[0].upper() + line[1:]) + "."],
        [f"{_escape(environment)}: {_escape(run['command'])}"],
        _failures(results),
        _columns(results),
        _versions(results),
        _not_run(results),
        _lessons(results),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _failures(results: Results) -> list[str]:
    """List the claims that failed in any column, then the failed tests that check no claim."""
    lines: list[str] = []
    listed: set[str] = set()
    for claim in results["claims"]:
        if tests := _failed_tests(claim):
            says = f"({claim['lesson']}, {claim['status']}): {_escape(claim['says'])}"
            lines.append(f"- **{claim['id']}** {says} {_escape(_failure(tests[0]))}")
            listed.update(test["id"] for test in tests)
    others = (test for test in results["failed"] if test["id"] not in listed)
    lines += [f"- {_escape(_failure(test))}" for test in others]
    return ["## Failed", "", *_truncate(lines)] if lines else []


def _failed_tests(claim: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [
        test
        for column in claim["results"].values()
        for test in column["tests"]
        if test["outcome"] in {"failed", "known_difference"}
    ]


def _failure(test: Mapping[str, str]) -> str:
    """Return a test's ID and the first line of its message."""
    first, *_ = test.get("detail", "").strip().splitlines() or [""]
    return f"{test['id']}: {first}"


def _columns(results: Results) -> list[str]:
    """Count the states of the claims per column, if there are several columns."""
    if len(results["columns"]) < 2:
        return []
    rows = []
    for column in results["columns"]:
        claims = [claim["results"].get(column["id"]) for claim in results["claims"]]
        states = (claim["state"] for claim in claims if claim)
        rows.append([_escape(column["title"]), *_counts(states)])
    return ["## By implementation and version", "", *_table(["", *STATE_LABELS.values()], rows)]


def _versions(results: Results) -> list[str]:
    """List the claims whose state differs between versions of torch, in a report of several."""
    columns = {column["id"]: _escape(column["title"]) for column in results["columns"]}
    rows = []
    for claim in results["claims"]:
        states = {name: claim["results"].get(name, {}).get("state", "") for name in columns}
        if "first" in claim and len(set(states.values()) & set(CHECKED)) > 1:
            says = f"**{claim['id']}** ({claim['lesson']}): {_escape(claim['says'])}"
            rows.append([says, *(STATE_LABELS.get(state, "") for state in states.values())])
    head = ["claim", *columns.values()]
    return ["## What differs between the versions", "", *_table(head, rows)] if rows else []


def _not_run(results: Results) -> list[str]:
    rows = [[_escape(group["reason"]), str(len(group["tests"]))] for group in results["not_run"]]
    claims = [
        f"- {claim['id']} ({claim['lesson']}): {_escape(claim['says'])}"
        for claim in results["claims"]
        if claim["state"] == "not_run" and claim["results"]
    ]
    table = ["## Not run", "", *_table(["reason", "tests"], rows[:MAX_LISTED])] if rows else []
    if not claims:
        return table
    return [*table, "", "Claims whose tests did not run:", "", *_truncate(claims)]


def _lessons(results: Results) -> list[str]:
    rows = []
    for lesson in results["lessons"]:
        claims = (claim for claim in results["claims"] if claim["lesson"] == lesson["id"])
        states = [claim["state"] for claim in claims]
        if states:
            title = f"{lesson['id']} {_escape(lesson['title'])}"
            rows.append([title, str(len(states)), *_counts(states)])
    return ["## By lesson", "", *_table(["lesson", "claims", *STATE_LABELS.values()], rows)]


def _counts(states: Iterable[str]) -> list[str]:
    counts = Counter(states)
    return [str(counts[name] or "") for name in STATE_LABELS]


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    rule = [":---", *["---:"] * (len(head) - 1)]
    return (f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _truncate(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_LISTED
    return [*lines[:MAX_LISTED], *([f"- … and {more} more, in results.json"] if more > 0 else [])]


def _escape(text: str) -> str:
    """Escape a text for Markdown, and put it on one line."""
    line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", line)


def badge(results: Results) -> str:
    """Return an SVG badge: green, red if something failed, grey for a partial run."""
    label, message = "course claims", _title(results)
    failed = results["totals"]["failed"] or results["failed"]
    complete = results["totals"]["checked"] and not results["run"]["partial"]
    colour = RED if failed else GREEN if complete else GREY
    left, right = (2 * MARGIN + round(CHARACTER_WIDTH * len(text)) for text in (label, message))
    title = html.escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}"'
        f' role="img" aria-label="{title}">\n'
        f"<title>{title}</title>\n"
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="#424242"/>\n'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" rx="3" fill="{colour}"/>\n'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f"{_svg_text(label, MARGIN, left)}\n{_svg_text(message, left + MARGIN, right)}\n"
        "</g>\n</svg>\n"
    )


def _svg_text(text: str, x: int, width: int) -> str:
    # textLength: the reader's font may be wider or narrower than the one assumed here.
    return f'<text x="{x}" y="14" textLength="{width - 2 * MARGIN}">{html.escape(text)}</text>'
