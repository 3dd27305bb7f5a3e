"""Render results.json as a page, index.html.

The page is a single file that needs no network. Its templates, style sheet and scripts are in
`templates/`, its texts in both languages in `templates/strings.toml`. A text without a Chinese
translation appears in English.
"""

import json
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

SEPARATORS = {"en": ", ", "zh": "、"}
# The operators whose cases the page draws as grids.
DRAWN_OPERATORS = ("conv2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d")
JAVASCRIPT_INTEGERS = 2**53

Claim = Mapping[str, Any]
Vector = Mapping[str, Any]


def render(results: Mapping[str, Any]) -> str:
    """Return the text of index.html.

    Args:
        results: a document that follows fixtures/results.schema.json.
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
        drawings={case_id(v): drawing(v) for v in vectors if drawing(v)},
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
    environment.globals |= {"inline_file": inline_file, "join_names": join_names}
    environment.globals["register"] = register
    environment.filters |= {
        "case_id": case_id,
        "cases_by_claim": cases_by_claim,
        "columns_by_result": columns_by_result,
        "count_by": count_by,
        "format_call": format_call,
        "format_tensor": format_tensor,
        "results_in": results_in,
        "tests_by_column": tests_by_column,
    }
    return environment


def inline_file(name: str) -> Markup:
    """Return a style sheet or a script of the page, to be included without escaping."""
    return Markup((paths.TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def register() -> Any:  # noqa: ANN401 - JSON
    """Return the claims that the page searches, as `course explain` does."""
    return json.loads((paths.REFERENCE / "claims.json").read_text(encoding="utf-8"))


def bilingual(english: str, chinese: str) -> Markup:
    """Return a text in both languages, of which the page shows one, or in English alone."""
    if not chinese:
        return Markup('<span class="only" lang="en">{}</span>').format(code_spans(english))
    return Markup('<span lang="en">{}</span><span lang="zh-CN">{}</span>').format(
        code_spans(english), code_spans(chinese)
    )


def code_spans(plain: str) -> Markup:
    """Convert a text to HTML; text between backticks becomes code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(plain))))  # noqa: S704 - escaped


def t(name: str, **values: object) -> Markup:
    """Return a text of strings.toml in both languages with values inserted; lists are joined."""
    texts = []
    for language, separator in SEPARATORS.items():
        joined = {k: separator.join(v) if isinstance(v, list) else v for k, v in values.items()}
        texts.append(STRINGS[name][language].format(**joined))
    return bilingual(*texts)


def join_names(names: Iterable[str]) -> Markup:
    """Return a list of names in both languages, which differ in the separator."""
    return bilingual(*(separator.join(names) for separator in SEPARATORS.values()))


def errata(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    """Return the false and outdated claims in groups, first those with code to write instead.

    Within a group the claims about errors come first, because there the reader's program stops.
    """
    groups: dict[str, list[Claim]] = {
        name: [] for name in ("changed-code", "erratum-code", "changed", "erratum")
    }
    for claim in sorted(claims, key=lambda claim: claim["kind"] != "error"):
        if claim["status"] in groups:
            groups[claim["status"] + ("-code" if claim["write"] else "")].append(claim)
    return groups


def columns_by_result(
    results: Mapping[str, Mapping[str, str]], columns: Iterable[Mapping[str, str]], *names: str
) -> dict[tuple[str, ...], list[str]]:
    """Group the titles of the columns by the values that their results have for `names`."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for column in columns:
        if result := results.get(column["id"]):
            values = tuple(result.get(name, "") for name in names)
            groups.setdefault(values, []).append(column["title"])
    return groups


def results_in(entries: Iterable[Mapping[str, Any]], column: str) -> list[Mapping[str, Any]]:
    """Return the results that claims or vectors have in a column."""
    return [entry["results"][column] for entry in entries if column in entry["results"]]


def count_by(entries: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    """Count the values of a field, such as the state or the outcome, the most frequent first."""
    return dict(Counter(entry[name] for entry in entries).most_common())


def tests_by_column(claim: Claim) -> dict[str, dict[str, Mapping[str, str]]]:
    """Return the outcomes of a claim's tests, by node ID and then by column."""
    tests: dict[str, dict[str, Mapping[str, str]]] = {}
    for column, result in claim["results"].items():
        for test in result["tests"]:
            tests.setdefault(test["id"], {})[column] = test
    return tests


def cases_by_claim(claims: Iterable[Claim], vectors: Iterable[Vector]) -> dict[str, list[str]]:
    """Return the IDs of the operator cases that check each claim, by claim ID."""
    cases: dict[str, list[str]] = {claim["id"]: [] for claim in claims}
    for vector in vectors:
        for name in vector["case"]["claims"]:
            cases.setdefault(name, []).append(case_id(vector))
    return cases


def case_id(vector: Vector) -> str:
    """Return the ID of a case on the page, also used in its links."""
    return f"{vector['operator']}/{vector['case']['name']}"


def operator_order(operator: str) -> tuple[int, str]:
    """Return the sort key of an operator: those that are drawn come first."""
    drawn = operator in DRAWN_OPERATORS
    return (DRAWN_OPERATORS.index(operator) if drawn else len(DRAWN_OPERATORS)), operator


def drawing(vector: Vector) -> dict[str, Any]:
    """Return the part of a case that the page draws; empty for other operators and for errors.

    Only grids that are written in full are drawn, of numbers that JavaScript has: no tensors of
    one value, and no integers beyond 2^53.
    """
    case = vector["case"]
    if vector["operator"] not in DRAWN_OPERATORS or "expected" not in case:
        return {}
    tensors = [*case["inputs"].values(), *case["expected"].values()]
    if not all("data" in tensor and _is_drawable(tensor["data"]) for tensor in tensors):
        return {}
    return {"operator": vector["operator"]} | {
        name: case[name] for name in ("inputs", "parameters", "expected")
    }


def _is_drawable(data: Any) -> bool:  # noqa: ANN401 - nested lists of any depth
    if isinstance(data, list):
        return all(map(_is_drawable, data))
    return not isinstance(data, str) and abs(data) < JAVASCRIPT_INTEGERS


def format_call(parameters: Mapping[str, Any]) -> str:
    """Format parameters as keyword arguments in Python, with tuples for lists."""
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def format_tensor(tensor: Mapping[str, Any]) -> str:
    """Format the values of a tensor, its layout if it is not contiguous, and what it shares."""
    if "fill" in tensor:
        exceptions = [f"{tuple(index)}: {value}" for index, value in tensor.get("except", [])]
        text = f"{tensor['fill']}" + "".join(f"\nexcept {each}" for each in exceptions)
    else:
        text = format_matrix(tensor["data"])
    notes = [f"{name}: {tensor[name]}" for name in ("layout", "shares") if name in tensor]
    return "\n".join([text, *notes])


def format_matrix(data: Any, indent: int = 0) -> str:  # noqa: ANN401 - nested lists of any depth
    """Format nested lists with one line per row."""
    if not isinstance(data, list):
        return str(data)
    parts = [format_matrix(part, indent + 1) for part in data]
    nested = any(isinstance(part, list) for part in data)
    return f"[{(',' + chr(10) + ' ' * (indent + 1) if nested else ', ').join(parts)}]"
