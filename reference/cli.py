"""The command line, `course`: parse the arguments, run a command, print its answer or error.

Exit codes: 0 done, 1 the check or the run failed, 2 wrong usage or bad input, 130 interrupted.

Imports no torch, directly or indirectly: `course --help` must be quick, and `prepare` must be
called before torch is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast, get_args

from reference.app import commands
from reference.app.commands import STAND_IN, absolute
from reference.app.output import (
    as_json,
    explain_system_error,
    prepare_streams,
    print_line,
    print_text,
)
from reference.app.process import interruptible_imports, prepare
from reference.environment import check_torchrun, rank, under_torchrun
from reference.errors import InputError, RunError
from reference.training.config import OPTIONS, TYPES, Config, option_string

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _typeshed import SupportsWrite

    from reference.app.commands import Answer


class _Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage in one line, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        print_line(f"{message} (see {self.prog} --help)")
        self.exit(2)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; argparse's own method hides that it cannot be written."""
        if file is None:
            print_text(self.format_help().removesuffix("\n"))
        else:
            super().print_help(file)


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
    prepare_streams(silent=rank() > 0)
    try:
        check_torchrun()
        _check_working_folder()
        args = _parser().parse_args(argv)
        if args.run is not commands.run:  # a learner's script has the environment as it is
            prepare()
        with interruptible_imports():
            code, result, text = cast("Answer", args.run(args))
        if text := as_json(result) if args.json else text:
            print_text(text)
    except (InputError, RunError) as error:
        return _fail(error, 2 if isinstance(error, InputError) else 1)
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return _fail(_interrupted(sys.argv[1:] if argv is None else argv), 130)
    except Exception as error:
        if (explained := explain_system_error(error)) is None:
            raise
        return _fail(*explained)
    return code


def _interrupted(argv: Sequence[str]) -> str:
    if "train" in argv[:1]:
        return "interrupted: course train --resume --out FOLDER continues a run"
    return "interrupted"


def _check_working_folder() -> None:
    """Raise an error if the current folder was deleted: libraries then fail in many ways."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise InputError("the current folder no longer exists: change to another one") from error


def _fail(message: object, code: int) -> int:
    print_line(message)
    return code
