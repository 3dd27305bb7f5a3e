"""One report of several versions of torch: a column each, and on which of them the course is right.

`nox -s matrix` runs the suite on each and then `python -m spec_tests.report.matrix --out DIR RUN…`.
A RUN is the folder of a results.json; without one, its `progress.txt` tells how far the run came.
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

RIGHT = ("holds", "environment")  # the course's statement is true, where its condition is met
UNKNOWN = ("not_implemented", "not_run", "not_checkable")
WORST_FIRST = ("failed", "known_difference", "passed", "not_implemented", "not_run")

Runs = Mapping[str, Results]  # by version of torch, the oldest first


def merge(results: Iterable[Results], missing: Mapping[str, str]) -> Results:
    """Combine runs of the suite on several versions of torch.

    Args:
        results: what the runs found, at least one, as `fixtures/results.schema.json` describes it.
        missing: the versions whose run left nothing, and why.

    Returns:
        A document of the same schema with a column for each version. Its claims say in `first` and
        `last` on which of them the course is right, unless none of them could tell.
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
    """Return the version of torch, without the build (2.6.0, not 2.6.0+cu124)."""
    return Version(run["run"]["packages"]["torch"]).public


def _distinct(texts: Iterable[str], separator: str = ", ") -> str:
    return separator.join(dict.fromkeys(filter(None, texts)))


def _run(runs: Runs, missing: Mapping[str, str]) -> dict[str, Any]:
    """Say how the suite was run, what differs between the versions one after the other."""
    said = [run["run"] for run in runs.values()]
    partial: dict[str, list[str]] = {}
    for version, why in (
        *((v, run["run"]["partial"]) for v, run in runs.items()),
        *missing.items(),
    ):
        if why:
            partial.setdefault(why, []).append(version)
    names = dict.fromkeys(name for run in said for name in run["packages"])
    return {
        "command": _distinct((run["command"] for run in said), "; "),
        "partial": "; ".join(f"torch {', '.join(names)}: {why}" for why, names in partial.items()),
        "python": _distinct(run["python"] for run in said),
        "platform": _distinct(run["platform"] for run in said),
        "packages": {
            name: _distinct(run["packages"].get(name, "") for run in said) for name in names
        },
    }


def _column(version: str, run: Results) -> dict[str, str]:
    device = next((column["device"] for column in run["columns"]), "cpu")
    return {"id": f"torch-{version}", "title": f"torch {version}", "device": device}


def _claims(runs: Runs) -> list[dict[str, Any]]:
    """Return the claims of all runs in the order of lessons, each as the newest run tells it."""
    found: dict[str, dict[str, Results]] = {}
    for version, run in runs.items():
        for claim in run["claims"]:
            found.setdefault(claim["id"], {})[version] = claim
    claims = (_claim(by_version) for by_version in found.values())
    return sorted(claims, key=lambda claim: int(claim["lesson"].removeprefix("P")))


def _claim(by_version: Mapping[str, Results]) -> dict[str, Any]:
    """Return one claim, with the versions as its columns."""
    *_, newest = by_version.values()
    told = {v: claim["state"] for v, claim in by_version.items() if claim["state"] not in UNKNOWN}
    states = [newest["state"], *told.values()]
    return {
        **newest,
        **_span(told),
        "state": "failed" if "failed" in states else states[-1],
        "results": {
            f"torch-{version}": {
                "state": claim["state"],
                "tests": [test for found in claim["results"].values() for test in found["tests"]],
            }
            for version, claim in by_version.items()
            if claim["results"]
        },
    }


def _span(told: Mapping[str, str]) -> dict[str, str]:
    """Return the first and last version that finds the course right; nothing if none can say."""
    right = [version for version, state in told.items() if state in RIGHT] or [""]
    return {"first": right[0], "last": right[-1]} if told else {}


def _vectors(runs: Runs) -> list[dict[str, Any]]:
    """Return the vectors of all runs; of a version's several outcomes the worst."""
    vectors: dict[tuple[str, str], dict[str, Any]] = {}
    for version, run in runs.items():
        for vector in run["vectors"]:
            key = vector["operator"], vector["case"]["name"]
            results = dict(vectors[key]["results"]) if key in vectors else {}
            if found := vector["results"].values():
                worst = min(found, key=lambda result: WORST_FIRST.index(result["outcome"]))
                results[f"torch-{version}"] = worst
            vectors[key] = {**vector, "results": results}
    return list(vectors.values())


def _not_run(runs: Runs, missing: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what did not run by reason; a reason of some versions only names them."""
    where: dict[str, dict[str, list[str]]] = {}
    for version, run in runs.items():
        for entry in run["not_run"]:
            where.setdefault(entry["reason"], {})[version] = entry["tests"]
    lost = [{"reason": f"torch {name}: {why}", "tests": []} for name, why in missing.items()]
    return lost + [
        {
            "reason": reason if len(tests) == len(runs) else f"{reason} (torch {', '.join(tests)})",
            "tests": list(dict.fromkeys(test for some in tests.values() for test in some)),
        }
        for reason, tests in where.items()
    ]


def _read(folder: Path) -> Results | str:
    """Return what a run found, or why it left nothing."""
    try:
        return json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        progress = folder / "progress.txt"
        if not progress.is_file():
            return "it was not run"
        return f"it stopped during {progress.read_text(encoding='utf-8')}: see what nox printed"


def main() -> None:
    """Merge the runs that the command line names, and say in a line what came of it."""
    parser = argparse.ArgumentParser(prog="python -m spec_tests.report.matrix", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to report")
    options = parser.parse_args()
    found = {folder.name.removeprefix("torch-"): _read(folder) for folder in options.runs}
    missing = {version: why for version, why in found.items() if isinstance(why, str)}
    if len(missing) == len(found):
        sys.exit("; ".join(f"torch {version}: {why}" for version, why in missing.items()))
    results = [run for run in found.values() if not isinstance(run, str)]
    (version, times), *_ = Counter(map(_version, results)).most_common()
    if times > 1:
        sys.exit(f"torch {version} was run {times} times: name one of its runs")
    merged = merge(results, missing)
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out, merged)
    print(f"{summary_line(merged)}\nreport: {options.out}")


if __name__ == "__main__":
    main()
