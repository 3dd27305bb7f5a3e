"""The text that follows a script's own output: why it failed, and what its warnings mean."""

from __future__ import annotations

import signal
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reference.explainer.answer import answer
from reference.explainer.cause import find_cause
from reference.explainer.findings import findings_in
from reference.explainer.named_files import facts
from reference.explainer.own_code import own_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reference.claims import Language
    from reference.explainer.cause import Cause
    from reference.explainer.outcome import Outcome, Raised
    from reference.explainer.own_code import Line

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "error": "why this failed:",
        "unknown": "no cause is known for this {type}",
        "warning": "what the warning means:",
        "line": "{path}, line {number}: {code}",
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
        "killed": "进程被强制结束（SIGKILL）。如果不是人为结束的，就是内存不足：请减小 "
        "batch_size、减少 num_workers，或关闭其他程序。",
        "crashed": "进程在编译好的库中崩溃（{signal}），不是 Python 代码报的错。"
        "`python -X faulthandler 脚本` 会显示是哪一行调用的，"
        "`course doctor` 会检查安装的包是否匹配。",
    },
}
NAMES = {number.value: number.name for number in signal.Signals}
CRASHES = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"}


def relative(path: str) -> str:
    """Return the path of a file in the working folder from there, and other names as they are."""
    folder = Path.cwd()
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


@dataclass(frozen=True)
class Explainer:
    """How to explain.

    Attributes:
        language: of the explanations.
        shown: returns how to name a file.
    """

    language: Language
    shown: Callable[[str], str] = relative

    def explain(self, outcome: Outcome) -> str:
        """Return what to print after a script's own output; empty if nothing is worth saying.

        First the warnings, each claim once, then the exception or the signal that ended the script.
        """
        parts = list(self._warnings(outcome.warnings))
        if outcome.chain and outcome.chain[0].types[0] != "KeyboardInterrupt":
            parts.append(self._exception(outcome.chain))
        elif outcome.code < 0:
            parts += self._signal(NAMES.get(-outcome.code, ""))
        return "".join(f"\ncourse: {part}\n" for part in parts)

    def _exception(self, chain: Sequence[Raised]) -> str:
        line = next(filter(None, map(own_line, chain)), None)
        cause = find_cause(chain, line, findings_in(line.path, self.language) if line else ())
        known = [fact for raised in chain for fact in facts(raised, line, self.language)]
        texts = TEXTS[self.language]
        heading = "error" if cause or known else "unknown"
        lines = [texts[heading].format(type=chain[0].types[0]), *self._place(line)]
        lines += [f"  {fact}" for fact in dict.fromkeys(known)]
        return "\n".join([*lines, *(self._answer(cause, line) if cause else ())])

    def _warnings(self, warnings: Sequence[Raised]) -> Iterator[str]:
        """Yield a part for each claim that explains a warning."""
        explained = set()
        for warning in warnings:
            line = own_line(warning)
            cause = find_cause([warning], line, ())
            if cause is not None and cause.claim.id not in explained:
                explained.add(cause.claim.id)
                heading = TEXTS[self.language]["warning"]
                yield "\n".join([heading, *self._place(line), *self._answer(cause, line)])

    def _signal(self, name: str) -> Iterator[str]:
        if name == "SIGKILL":
            yield TEXTS[self.language]["killed"]
        elif name in CRASHES:
            yield TEXTS[self.language]["crashed"].format(signal=name)

    def _answer(self, cause: Cause, line: Line | None) -> Iterator[str]:
        """Yield the cause, with its own line if that is another one, what to write, the lesson."""
        claim, finding = cause.claim, cause.finding
        if finding and line:
            if line.distance(finding):
                yield from self._place(replace(line, number=finding.line))
            message, write = finding.message, finding.write
            claim = replace(claim, status="holds", now=message, now_zh=message, write=write)
        yield textwrap.indent(answer(claim, self.language), "  ")

    def _place(self, line: Line | None) -> list[str]:
        if line is None:
            return []
        text = TEXTS[self.language]["line"]
        return ["  " + text.format(path=self.shown(line.path), number=line.number, code=line.code)]
