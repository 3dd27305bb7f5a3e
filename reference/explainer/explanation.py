"""The text that follows a script's own output: why it failed, and what its warnings mean."""

from __future__ import annotations

import os
import signal
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from reference import claims
from reference.explainer.cause import find_cause
from reference.explainer.own_code import own_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference.claims import Claim, Language
    from reference.explainer.outcome import Outcome, Raised
    from reference.explainer.own_code import Line

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "error": "why this failed:",
        "unknown": "no cause is known for this {type}",
        "warning": "what the warning means:",
        "line": "{path}, line {number}: {code}",
        "write": "Write:",
        "lesson": "Lesson {lesson}, {title} ({claim})",
        "killed": "the process was killed (SIGKILL). If nobody did this, the computer had too "
        "little memory: use a smaller batch_size and fewer num_workers, or close other programs.",
        "crashed": "the process crashed in a compiled library ({signal}), not in Python. "
        "`python -X faulthandler SCRIPT` prints the line that called it, and `course doctor` "
        "checks whether the installed packages fit together.",
    },
    "zh": {
        "error": "出错原因：",
        "unknown": "没有找到这个 {type} 的已知原因",
        "warning": "警告的含义：",
        "line": "{path}，第 {number} 行：{code}",
        "write": "改写为：",
        "lesson": "课程 {lesson}：{title}（{claim}）",
        "killed": "进程被强制结束（SIGKILL）。如果不是人为结束的，就是内存不足：请减小 "
        "batch_size、减少 num_workers，或关闭其他程序。",
        "crashed": "进程在编译好的库中崩溃（{signal}），不是 Python 代码报的错。"
        "`python -X faulthandler 脚本` 会显示是哪一行调用的，"
        "`course doctor` 会检查安装的包是否匹配。",
    },
}
CRASHES = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"}


def explanation(outcome: Outcome, language: Language) -> str:
    """Return what to print after a script's own output; empty if nothing is worth saying.

    First the warnings, each claim once, then the exception or the signal that ended the script.
    """
    texts = TEXTS[language]
    parts = list(_warnings(outcome.warnings, language))
    if outcome.chain and outcome.chain[0].types[0] != "KeyboardInterrupt":
        parts.append(_exception(outcome.chain, language))
    elif outcome.code < 0:
        name = signal.Signals(-outcome.code).name
        if name == "SIGKILL":
            parts.append(texts["killed"])
        elif name in CRASHES:
            parts.append(texts["crashed"].format(signal=name))
    return "".join(f"\ncourse: {part}\n" for part in parts)


def _exception(chain: Sequence[Raised], language: Language) -> str:
    line = next(filter(None, map(own_line, chain)), None)
    claim = find_cause(chain)
    if claim is None:
        heading = TEXTS[language]["unknown"].format(type=chain[0].types[0])
        return "\n".join([heading, *_place(line, language)])
    return _explained("error", line, claim, language)


def _warnings(warnings: Sequence[Raised], language: Language) -> Iterator[str]:
    """Yield a part for each claim that explains a warning."""
    explained = set()
    for warning in warnings:
        claim = find_cause([warning])
        if claim is not None and claim.id not in explained:
            explained.add(claim.id)
            yield _explained("warning", own_line(warning), claim, language)


def _explained(heading: str, line: Line | None, claim: Claim, language: Language) -> str:
    """Return the learner's line, the cause, what to write, and the lesson."""
    texts = TEXTS[language]
    title = claims.lesson_titles()[claim.lesson][language]
    lines = [texts[heading], *_place(line, language), f"  {claim.text(language)}"]
    if claim.write:
        lines += [f"  {texts['write']}", textwrap.indent(claim.write.strip("\n"), " " * 6)]
    lesson = texts["lesson"].format(lesson=claim.lesson, title=title, claim=claim.id)
    return "\n".join([*lines, f"  {lesson}"])


def _place(line: Line | None, language: Language) -> list[str]:
    if line is None:
        return []
    path = os.path.relpath(line.path) if Path(line.path).is_absolute() else line.path
    text = TEXTS[language]["line"]
    return ["  " + text.format(path=path, number=line.number, code=line.code)]
