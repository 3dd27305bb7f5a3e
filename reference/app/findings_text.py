"""The findings of `course check` as text for a terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from reference import claims
from reference.checker import sources
from reference.checker.parsing import lines_of
from reference.errors import InputError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.checker.finding import Finding, Language

CONTEXT = 1  # lines of code above and below the finding's
WORDS = {
    "en": {
        "error": "error",
        "warning": "warning",
        "advice": "advice",
        "cell": "cell {}, line {}",
        "write": "Write:",
        "clean": "Checked {files}: nothing found.",
        "found": "Checked {files}: errors {error}, warnings {warning}, advice {advice}.",
        "fixable": "--fix corrects {} of them; --diff shows how.",
    },
    "zh": {
        "error": "错误",
        "warning": "警告",
        "advice": "建议",
        "cell": "第 {} 个单元格第 {} 行",
        "write": "改成：",
        "clean": "检查了 {files} 个文件，没有发现问题。",
        "found": "检查了 {files} 个文件：{error} 个错误，{warning} 个警告，{advice} 条建议。",
        "fixable": "其中 {} 处可以用 --fix 自动修改，用 --diff 可以先看改动。",
    },
}


def text(findings: Sequence[Finding], files: int, lang: Language) -> str:
    """Return the findings, each with its code, and a last line that counts them."""
    words = WORDS[lang]
    lines: dict[str, list[str]] = {}
    for finding in findings:
        if finding.path not in lines:
            lines[finding.path] = _lines(Path(finding.path))
    blocks = [_block(finding, lines[finding.path], lang) for finding in findings]
    counts = Counter(finding.severity for finding in findings)
    severities = {name: counts[name] for name in ("error", "warning", "advice")}
    shown_files = files if lang == "zh" else f"{files} file{'s' if files != 1 else ''}"
    last = words["found" if findings else "clean"].format(files=shown_files, **severities)
    if fixable := sum(finding.fixable for finding in findings):
        last += (" " if lang == "en" else "") + words["fixable"].format(fixable)
    return "\n\n".join([*blocks, last])


def _lines(path: Path) -> list[str]:
    try:
        code = sources.read(path).code
    except (InputError, OSError):  # the finding is that it cannot be read
        return []
    return lines_of(code.decode(errors="replace"))


def _block(finding: Finding, lines: Sequence[str], lang: Language) -> str:
    words = WORDS[lang]
    place = f"{shown(finding.path)}:{finding.line}:{finding.column}"
    if finding.cell:
        place += f" ({words['cell'].format(*finding.cell)})"
    block = [
        f"{place}: {words[finding.severity]}: {finding.rule}",
        *_code(finding, lines),
        finding.message,
    ]
    if finding.write:
        block += [words["write"], *(f"    {line}" for line in finding.write.splitlines())]
    return "\n".join([*block, *_lesson(finding, lang)])


def _code(finding: Finding, lines: Sequence[str]) -> list[str]:
    """Return the line of the finding, marked, between those around it."""
    first = max(finding.line - CONTEXT, 1)
    last = min(finding.line + CONTEXT, len(lines))
    width = len(str(last))
    code = [
        f"  {'>' if number == finding.line else ' '} {number:{width}} | {shown(lines[number - 1])}"
        for number in range(first, last + 1)
    ]
    return [line.rstrip() for line in code]


def _lesson(finding: Finding, lang: Language) -> list[str]:
    if not finding.claims:
        return []
    claim = claims.load()[finding.claims[0]]
    return [f"({claim.lesson} {claims.lesson_titles()[claim.lesson][lang]}; {claim.id})"]
