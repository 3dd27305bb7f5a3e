"""docs/KNOWN_DIFFERENCES.md: where libraries, and PyTorch itself, differ from the vectors."""

import tomllib
from collections.abc import Iterator
from typing import Any

from spec_tests import paths
from spec_tests.implementations import KNOWN_DIFFERENCES
from spec_tests.report.markdown import escaped

HEAD = """# Known differences

Cases in which a library differs from the vectors. Each difference was investigated: it remains
although the adapter calls the library as the library's documentation prescribes. The suite expects
these differences (`spec_tests/implementations/known_differences.toml`, from which this page is
generated), so a difference that disappears makes the run fail. An operator or option that a library
does not have is not a difference: it is reported as *not implemented*.

Measured on a CPU with Python 3.11; tinygrad on its Python device.

    nox -s foreign javascript
    nox -s foreign -- -k drawn --hypothesis-profile=sweep    # a thousand cases per operator
"""
ACCEPTED = "### Accepted, although PyTorch raises an error"


def known_differences_document() -> str:
    """Return the text of docs/KNOWN_DIFFERENCES.md."""
    document = tomllib.loads(KNOWN_DIFFERENCES.read_text(encoding="utf-8"))
    sections = [
        "\n".join(_section(name, version, document))
        for name, version in document["versions"].items()
    ]
    of_torch = paths.TEMPLATES / "torch_differences.md"
    return "\n".join([HEAD, *sections, of_torch.read_text(encoding="utf-8")])


def _section(name: str, version: str, document: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a library's section: a table of defects, then what it accepts."""
    yield f"## {name} {version}\n"
    entries = [each for each in document["difference"] if each["implementation"] == name]
    if entries:
        yield "| operator | difference | smallest case | expected | actual |"
        yield "|---|---|---|---|---|"
    for entry in entries:
        says = escaped(entry["says"]) + (f" ({entry['issue']})" if "issue" in entry else "")
        values = " | ".join(_code(entry[field]) for field in ("input", "expected", "actual"))
        yield f"| {entry['operator']} | {says} | {values} |"
    yield ""
    if accepted := document["accepted"].get(name):
        yield f"{ACCEPTED}\n"
        for operator, cases in accepted.items():
            yield f"- {operator}: {', '.join(map(_code, cases))}"
        yield ""


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"
