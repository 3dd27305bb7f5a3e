"""The command line, `course`: parse the arguments, run a command, print its answer or error.

Exit codes: 0 done, 1 the check or the run failed, 2 wrong usage or bad input, 130 interrupted.

Imports no torch, directly or indirectly: `course --help` must be quick, and `prepare` must be
called before torch is imported.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import logging
import os
import sys
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast, get_args

from reference.app import commands
from reference.app.commands import STAND_IN, absolute
from reference.app.process import prepare
from reference.environment import check_torchrun, rank, under_torchrun
from reference.errors import (
    InputError,
    RunError,
    first_line,
    is_accelerator_error,
    is_out_of_memory,
)
from reference.training.config import OPTIONS, TYPES, Config, option_string

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.app.commands import Answer


MAX_MESSAGE = 1000  # characters; the middle of a longer message is left out


class _StderrHandler(logging.Handler):
    """A handler that prints what the modules of the reference log, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        _print_line(record.getMessage())


class _Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage in one line, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return absolute(text)


def _optional_path(text: str) -> str | None:
    return None if text == "none" else _path(text)


# The function that converts an option's text: its type, for `int | None` int, or a path function.
PARSERS = {name: next(iter(get_args(kind)), kind) for name, kind in TYPES.items()}
PARSERS |= {"data": _path, "weights": _optional_path}

CHECKPOINT = "a run's checkpoint, a state_dict, or a whole network"
PASTED = "a traceback, a message, …, or a file with one (default: standard input)"
IMAGE = "an image file; if some cannot be read, the others are classified and the exit code is 1"


def _parser() -> _Parser:
    parser = _Parser(prog="course", description="The PyTorch beginner course, end to end.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[..., Answer], text: str) -> _Parser:
        added = subparsers.add_parser(name, help=text, description=text)
        added.add_argument(
            "--json", action="store_true", help="print the result as one JSON document"
        )
        added.set_defaults(run=run)
        return added

    command("doctor", commands.doctor, "check the installation and show which device would be used")
    data = command("data", commands.data, "draw the stand-in CIFAR-10 and write it to DIR")
    data.add_argument("dir", metavar="DIR", type=_path, help="the folder to create the data in")
    _add_train_options(command("train", commands.train, "train a network on CIFAR-10"))
    evaluate = command("evaluate", commands.evaluate, "evaluate a checkpoint on the test images")
    evaluate.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help=CHECKPOINT)
    _add_option(evaluate, "data")
    predict = command("predict", commands.predict, "classify images")
    predict.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help=IMAGE)
    predict.add_argument("--checkpoint", metavar="FILE", type=Path, required=True, help=CHECKPOINT)
    models = command("models", commands.models, "print a network and whether it runs")
    models.add_argument("name", metavar="NAME", nargs="?", help="default: list all networks")
    convert = command(
        "convert", commands.convert, "write a pickled network's weights as a state_dict"
    )
    convert.add_argument(
        "old", metavar="OLD", type=Path, help="a whole network, saved by torch.save"
    )
    convert.add_argument("new", metavar="NEW", type=Path, help="the file to write; must not exist")
    for added in (evaluate, predict):
        _add_option(added, "device", default=Config.device)
    _add_check_options(command("check", commands.check, "find the course's mistakes in scripts"))
    _add_run(subparsers)
    explain = command("explain", commands.explain, "explain an error, a line of code, a question")
    explain.add_argument("text", metavar="TEXT|FILE|-", nargs="*", help=PASTED)
    _add_language(explain, "the answer")
    return parser


def _add_run(subparsers: argparse._SubParsersAction[_Parser]) -> None:
    """Add `run`, whose options stand before the script: all after it belongs to the script."""
    text = "run a script as python does, and explain the exception it ends in"
    run = subparsers.add_parser("run", help=text, description=text)
    run.add_argument("script", metavar="SCRIPT", help="the script, as for python")
    run.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")
    _add_language(run, "the explanation")
    run.set_defaults(run=commands.run, json=False)


def _add_check_options(parser: _Parser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="a script, a notebook or a folder"
    )
    fixing = parser.add_mutually_exclusive_group()
    fixing.add_argument("--fix", action="store_true", help="correct what is certain; print how")
    fixing.add_argument("--diff", action="store_true", help="print only what --fix would change")
    for name, text in (("select", "only this rule"), ("ignore", "all rules but this one")):
        parser.add_argument(
            f"--{name}", metavar="RULE", action="append", default=[], help=f"{text}; repeatable"
        )
    parser.add_argument(
        "--torch", metavar="VERSION", help="the version the code runs on (default: the installed)"
    )
    _add_language(parser, "the findings")


def _add_option(parser: _Parser, name: str, default: object = argparse.SUPPRESS) -> None:
    """Add the option for a field of `Config`.

    Args:
        parser: the command's.
        name: the field's.
        default: by default, an option that is not given is missing from the parsed arguments, so
            that --resume can keep the value of the run.
    """
    field = OPTIONS[name]
    text = field.metadata["help"]
    options: dict[str, Any] = {"dest": name, "default": default}
    if isinstance(field.default, bool):
        options["action"] = "store_false" if field.default else "store_true"
    else:
        shown = f"a stand-in in {STAND_IN}" if field.default is MISSING else field.default
        text += f" (default: {'none' if shown is None else shown})"
        options |= {"metavar": field.metadata["metavar"], "type": PARSERS[name]}
    parser.add_argument(option_string(name), help=text, **options)


def _add_train_options(parser: _Parser) -> None:
    for name in OPTIONS:
        _add_option(parser, name)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="the run's folder (default: runs/DATE-TIME)"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    _add_language(parser, "the log lines")


def _add_language(parser: _Parser, what: str) -> None:
    parser.add_argument(
        "--lang", choices=["zh", "en"], help=f"language of {what} (default: the locale's)"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; under torchrun, exit the process with it."""
    code = _run(argv)
    if under_torchrun():
        # Skip Python's shutdown: with torch 2.6, destroying the gloo process group there can wait
        # forever for a process that is already gone. os._exit does not flush, so flush first.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    _prepare_streams()
    try:
        check_torchrun()
        args = _parser().parse_args(argv)
        if args.run is not commands.run:  # a learner's script has the environment as it is
            prepare()
        code, result, text = cast("Answer", args.run(args))
        if args.json:  # NaN and Infinity are no JSON: commands must not return them
            text = json.dumps(result, ensure_ascii=False, allow_nan=False)
        if text:
            print(text, flush=True)
    except (InputError, RunError) as error:
        return _fail(error, 2 if isinstance(error, InputError) else 1)
    except BrokenPipeError:
        sys.stdout = _devnull()  # the pipe is closed: the flush at exit must not fail again
        return 1
    except (MemoryError, OSError, ImportError, RuntimeError) as error:
        return _fail_of_system(error)
    except KeyboardInterrupt:
        return _fail("interrupted: course train --resume --out FOLDER continues a run", 130)
    return code


def _fail_of_system(error: Exception) -> int:
    """Print an error of the machine or the installation; raise an error of this program again."""
    if is_out_of_memory(error):
        reason = first_line(error)
        return _fail(f"out of memory ({reason}): close other programs, or use a smaller batch", 1)
    if is_accelerator_error(error):
        reason = first_line(error)
        return _fail(f"the accelerator failed ({reason}): --device cpu works everywhere", 1)
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else error
        return _fail(what, 1 if error.errno in (errno.ENOSPC, errno.EIO) else 2)
    if isinstance(error, RuntimeError) and "torchvision::" not in str(error):
        raise error
    return _fail(f"the installation is broken ({error}): run course doctor", 1)


def _prepare_streams() -> None:
    """Silence all ranks but 0, and let every encoding print Chinese."""
    if rank():
        sys.stdout = sys.stderr = None
    # They are also None if there is no console, for example under pythonw.
    sys.stdout, sys.stderr = (stream or _devnull() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal without Chinese
    logging.getLogger("reference").handlers[:] = [_StderrHandler()]


def _devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _fail(error: object, code: int) -> int:
    _print_line(error)
    return code


def _print_line(message: object) -> None:
    """Print a message as one line; texts from files may contain anything, of any length."""
    text = str(message).replace("\n", " ")
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    if len(line) > MAX_MESSAGE:
        line = f"{line[: MAX_MESSAGE // 2]} … {line[-MAX_MESSAGE // 2 :]}"
    print(f"course: {line}", file=sys.stderr)
