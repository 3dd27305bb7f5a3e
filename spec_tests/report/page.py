"""The report as a page: index.html, from what results.json holds.

The page is one file that needs no network. Its template, style and scripts lie in `page/`, what it
says in both languages in `page/strings.toml`; a text that has no Chinese yet stands in English.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from spec_tests import paths
from spec_tests.report.results import STATES

STRINGS = tomllib.loads((paths.TEMPLATES / "strings.toml").read_text(encoding="utf-8"))

JOINTS = {"en": ", ", "zh": "、"}
DRAWN = ("conv2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d")

Claim = Mapping[str, Any]
Vector = Mapping[str, Any]


def render(results: Mapping[str, Any]) -> str:
    """Return the text of index.html.

    Args:
        results: what a run found, as fixtures/results.schema.json describes it.
    """
    claims, vectors = results["claims"], results["vectors"]
    template = _environment().get_template("index.html.j2")
    return template.render(
        results,
        states=STATES,
        errata=errata(claims),
        not_checkable=[claim for claim in claims if claim["untestable"]],
        failed_claims=[claim for claim in claims if claim["state"] == "failed"],
        operators=sorted({vector["operator"] for vector in vectors}, key=operator_order),
        drawn={case_id(v): drawing(v) for v in vectors if drawing(v)},
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(paths.TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"strings": STRINGS, "t": t, "bilingual": bilingual}
    environment.globals |= {"inlined": inlined, "listed": listed}
    filters = (agreeing, case_id, cases, format_call, in_column, layout, tally, tests_by_column)
    environment.filters |= {function.__name__: function for function in filters}
    return environment


def inlined(name: str) -> Markup:
    """Return a style sheet or a script of ours, to stand in the page as it is."""
    return Markup((paths.TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def bilingual(english: str, chinese: str) -> Markup:
    """Return a text in both languages, of which the page shows one; English alone where need be."""
    if not chinese:
        return Markup('<span class="only" lang="en">{}</span>').format(marked(english))
    return Markup('<span lang="en">{}</span><span lang="zh-CN">{}</span>').format(
        marked(english), marked(chinese)
    )


def marked(plain: str) -> Markup:
    """Return a text as HTML; what stands between backticks is code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(plain))))  # noqa: S704 - escaped


def t(name: str, **values: object) -> Markup:
    """Return a text of strings.toml in both languages, filled in with values; a list is joined."""
    texts = []
    for language, joint in JOINTS.items():
        filled = {k: joint.join(v) if isinstance(v, list) else v for k, v in values.items()}
        texts.append(STRINGS[name][language].format(**filled))
    return bilingual(*texts)


def listed(names: Iterable[str]) -> Markup:
    """Return names in a row, in both languages."""
    return bilingual(*(joint.join(names) for joint in JOINTS.values()))


def errata(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    """Return what is false or out of date, in groups: first what there is code to write for.

    In a group the errors come first: there the reader's program stops.
    """
    groups: dict[str, list[Claim]] = {
        name: [] for name in ("changed-code", "erratum-code", "changed", "erratum")
    }
    for claim in sorted(claims, key=lambda claim: claim["kind"] != "error"):
        if claim["status"] in groups:
            groups[claim["status"] + ("-code" if claim["write"] else "")].append(claim)
    return groups


def agreeing(
    results: Mapping[str, Mapping[str, str]], columns: Iterable[Mapping[str, str]], *names: str
) -> dict[tuple[str, ...], list[str]]:
    """Return the titles of the columns that found the same, by what they found under `names`."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for column in columns:
        if found := results.get(column["id"]):
            values = tuple(found.get(name, "") for name in names)
            groups.setdefault(values, []).append(column["title"])
    return groups


def in_column(entries: Iterable[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    """Return what a column found of claims or vectors."""
    return [entry["results"][column] for entry in entries if column in entry["results"]]


def tally(found: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    """Count the states or the outcomes, the most frequent first."""
    return dict(Counter(entry[name] for entry in found).most_common())


def tests_by_column(claim: Claim) -> dict[str, dict[str, Mapping[str, str]]]:
    """Return what became of the tests of a claim, by their node IDs and then by column."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for column, result in claim["results"].items():
        for test in result["tests"]:
            found.setdefault(test["id"], {})[column] = test
    return found


def cases(claims: Iterable[Claim], vectors: Iterable[Vector]) -> dict[str, list[str]]:
    """Return by the ID of each claim the operator cases that check it."""
    found: dict[str, list[str]] = {claim["id"]: [] for claim in claims}
    for vector in vectors:
        for name in vector["case"]["claims"]:
            found.setdefault(name, []).append(case_id(vector))
    return found


def case_id(vector: Vector) -> str:
    """Return what the page calls a case, in its address too."""
    return f"{vector['operator']}/{vector['case']['name']}"


def operator_order(operator: str) -> tuple[int, str]:
    """Return what operators are sorted by: those that are drawn come first."""
    return (DRAWN.index(operator) if operator in DRAWN else len(DRAWN)), operator


def drawing(vector: Vector) -> dict[str, Any]:
    """Return what the page draws of a case: nothing where it is an error or no window operator."""
    if vector["operator"] not in DRAWN or "expected" not in vector["case"]:
        return {}
    return {"operator": vector["operator"]} | {
        name: vector["case"][name] for name in ("inputs", "parameters", "expected")
    }


def format_call(parameters: Mapping[str, Any]) -> str:
    """Write parameters as Python has them: a list is a tuple."""
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def layout(data: Any, indent: int = 0) -> str:  # noqa: ANN401 - lists in lists, of any depth
    """Write nested lists as a matrix, a row a line."""
    if not isinstance(data, list):
        return str(data)
    parts = [layout(part, indent + 1) for part in data]
    nested = any(isinstance(part, list) for part in data)
    return f"[{(',' + chr(10) + ' ' * (indent + 1) if nested else ', ').join(parts)}]"
