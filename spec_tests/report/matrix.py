"""Merge the results of several versions of torch into one report with a column per version.

`nox -s matrix` runs the suite on each version and then
`python -m spec_tests.report.matrix --out DIR RUN…`. RUN is the folder with the results.json of one
version; if there is none, `progress.txt` in that folder names the step at which the run stopped.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from spec_tests.report.plugin import write
from spec_tests.report.results import Results, totals
from spec_tests.report.summary import summary_line

RIGHT = ("holds", "environment")  # states in which the course's statement is true
UNDECIDED = ("not_implemented", "not_run", "not_checkable")
SEVERITY = ("failed", "known_difference", "passed", "not_implemented", "not_run")  # worst first

Runs = Mapping[str, Results]  # by version of torch, oldest first


def merge(results: Iterable[Results], missing: Mapping[str, str]) -> Results:
    """Combine runs of the suite on several versions of torch.

    Args:
        results: documents that follow `fixtures/results.schema.json`, at least one.
        missing: the versions whose run wrote no results, and why.

    Returns:
        A document of the same schema with a column for each version. The fields `first` and `last`
        of a claim are the first and last version on which the course is right; a claim that no
        version decides lacks them.
    """
    runs = {_version(run): run for run in sorted(results, key=lambda run: Version(_version(run)))}
    *_, newest = runs.values()
    claims = _claims(runs)
    return {
        "created": max(run["created"] for run in runs.values()),
        "run": _run(runs, missing),
        "columns": [_column(version, run) for version, run in runs.items()],
        "totals": totals(claims),
        "lessons": newest["lessons"],
        "claims": claims,
        "vectors": _vectors(runs),
        "not_run": _not_run(runs, missing),
        "failed": [
            {**test, "detail": f"torch {version}: {test['detail']}"}
            for version, run in runs.items()
            for test in run["failed"]
        ],
    }


def _version(run: Results) -> str:
    """Return the version of torch without its build tag: 2.6.0, not 2.6.0+cu124."""
    return Version(run["run"]["packages"]["torch"]).public


def _join_distinct(texts: Iterable[str], separator: str = ", ") -> str:
    return separator.join(dict.fromkeys(filter(None, texts)))


def _run(runs: Runs, missing: Mapping[str, str]) -> dict[str, Any]:
    """Return how the suite was run; where the versions differ, list the different values."""
    infos = [run["run"] for run in runs.values()]
    reasons = [(version, run["run"]["partial"]) for version, run in runs.items()]
    partial: dict[str, list[str]] = {}
    for version, reason in (*reasons, *missing.items()):
        if reason:
            partial.setdefault(reason, []).append(version)
    names = dict.fromkeys(name for run in infos for name in run["packages"])
    return {
        "command": _join_distinct((run["command"] for run in infos), "; "),
        "partial": "; ".join(
            f"torch {', '.join(versions)}: {reason}" for reason, versions in partial.items()
        ),
        "python": _join_distinct(run["python"] for run in infos),
        "platform": _join_distinct(run["platform"] for run in infos),
        "packages": {
            name: _join_distinct(run["packages"].get(name, "") for run in infos) for name in names
        },
    }


def _column(version: str, run: Results) -> dict[str, str]:
    device = next((column["device"] for column in run["columns"]), "cpu")
    return {"id": f"torch-{version}", "title": f"torch {version}", "device": device}


def _claims(runs: Runs) -> list[dict[str, Any]]:
    """Return the claims of all runs in the order of lessons, with the texts of the newest run."""
    runs_by_claim: dict[str, dict[str, Results]] = {}
    for version, run in runs.items():
        for claim in run["claims"]:
            runs_by_claim.setdefault(claim["id"], {})[version] = claim
    claims = (_claim(by_version) for by_version in runs_by_claim.values())
    return sorted(claims, key=lambda claim: int(claim["lesson"].removeprefix("P")))


def _claim(by_version: Mapping[str, Results]) -> dict[str, Any]:
    """Merge one claim, with the versions as its columns."""
    *_, newest = by_version.values()
    states_by_version = {version: claim["state"] for version, claim in by_version.items()}
    decided = {v: state for v, state in states_by_version.items() if state not in UNDECIDED}
    states = [newest["state"], *decided.values()]
    return {
        **newest,
        **_span(decided),
        "state": "failed" if "failed" in states else states[-1],
        "results": {
            f"torch-{version}": {
                "state": claim["state"],
                "tests": [test for column in claim["results"].values() for test in column["tests"]],
            }
            for version, claim in by_version.items()
            if claim["results"]
        },
    }


def _span(decided: Mapping[str, str]) -> dict[str, str]:
    """Return the first and last version on which the course is right; nothing if undecided."""
    right = [version for version, state in decided.items() if state in RIGHT] or [""]
    return {"first": right[0], "last": right[-1]} if decided else {}


def _vectors(runs: Runs) -> list[dict[str, Any]]:
    """Return the vectors of all runs, with the worst outcome of each version."""
    vectors: dict[tuple[str, str], dict[str, Any]] = {}
    for version, run in runs.items():
        for vector in run["vectors"]:
            key = vector["operator"], vector["case"]["name"]
            results = dict(vectors[key]["results"]) if key in vectors else {}
            if outcomes := vector["results"].values():
                worst = min(outcomes, key=lambda result: SEVERITY.index(result["outcome"]))
                results[f"torch-{version}"] = worst
            vectors[key] = {**vector, "results": results}
    return list(vectors.values())


def _not_run(runs: Runs, missing: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tests that did not run by reason; a reason names its versions if not all."""
    by_reason: dict[str, dict[str, list[str]]] = {}
    for version, run in runs.items():
        for entry in run["not_run"]:
            by_reason.setdefault(entry["reason"], {})[version] = entry["tests"]
    lost = [{"reason": f"torch {name}: {why}", "tests": []} for name, why in missing.items()]
    return lost + [
        {
            "reason": reason if len(tests) == len(runs) else f"{reason} (torch {', '.join(tests)})",
            "tests": list(dict.fromkeys(test for some in tests.values() for test in some)),
        }
        for reason, tests in by_reason.items()
    ]


def _read(folder: Path) -> Results | str:
    """Return the results of a run, or why there are none."""
    try:
        text = (folder / "results.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        progress = folder / "progress.txt"
        if not progress.is_file():
            return "it was not run"
        return f"it stopped during {progress.read_text(encoding='utf-8')}: see the output of nox"
    results: Results = json.loads(text)
    return results


def main() -> None:
    """Merge the runs named on the command line and print a summary line."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.report.matrix", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of one version")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="report folder")
    options = parser.parse_args()
    runs = {folder.name.removeprefix("torch-"): _read(folder) for folder in options.runs}
    missing = {version: why for version, why in runs.items() if isinstance(why, str)}
    if len(missing) == len(runs):
        sys.exit("; ".join(f"torch {version}: {why}" for version, why in missing.items()))
    results = [run for run in runs.values() if not isinstance(run, str)]
    (version, times), *_ = Counter(map(_version, results)).most_common()
    if times > 1:
        sys.exit(f"torch {version} was run {times} times: name one of its runs")
    merged = merge(results, missing)
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out, merged)
    print(f"{summary_line(merged)}\nreport: {options.out}")


if __name__ == "__main__":
    main()
