"""The command line, `course`: what to run, what to print, and how to fail.

Exit codes: 0 done, 1 the check or the run failed, 2 wrong usage or bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import functools
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

from reference.app import commands
from reference.app.commands import absolute
from reference.app.process import prepare
from reference.environment import rank, under_torchrun
from reference.errors import InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.app.commands import Answer


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other bad input is said."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _path(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("an empty path")
    return absolute(text)


def _weights(text: str) -> str | None:
    return None if text == "none" else _path(text)


def _parser() -> _Parser:
    parser = _Parser(prog="course", description="The PyTorch beginner course, end to end.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[..., Answer], text: str) -> _Parser:
        added = subparsers.add_parser(name, help=text, description=text)
        added.add_argument("--json", action="store_true", help="print one JSON document")
        added.set_defaults(run=run)
        return added

    command(
        "doctor", commands.doctor, "say what is installed, which device it is, and what is wrong"
    )
    data = command("data", commands.data, "draw the stand-in CIFAR-10 and write it to DIR")
    data.add_argument("dir", metavar="DIR", type=_path)
    _add_train_options(command("train", commands.train, "train a network on CIFAR-10"))
    evaluate = command("evaluate", commands.evaluate, "test a checkpoint on the test images")
    evaluate.add_argument("checkpoint", metavar="CHECKPOINT", type=Path)
    _add_data(evaluate)
    predict = command("predict", commands.predict, "say what is on an image")
    predict.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
    predict.add_argument("--checkpoint", metavar="FILE", type=Path, required=True)
    models = command("models", commands.models, "print a network and say whether it runs")
    models.add_argument("name", metavar="NAME", nargs="?", help="default: a list of them")
    convert = command("convert", commands.convert, "make a state_dict of a whole network's file")
    convert.add_argument("old", metavar="OLD", type=Path)
    convert.add_argument("new", metavar="NEW", type=Path)
    for added in (evaluate, predict):
        added.add_argument("--device", default="auto", help="auto (default), cpu, cuda, mps, …")
    return parser


def _add_data(parser: _Parser) -> None:
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=_path,
        default=argparse.SUPPRESS,
        help=f"the folder of cifar-10-batches-py/ (default: a stand-in in {commands.STAND_IN})",
    )


def _add_train_options(parser: _Parser) -> None:
    _add_data(parser)
    add = functools.partial(parser.add_argument, default=argparse.SUPPRESS)
    add("--epochs", metavar="N", type=int, help="default: 10")
    add("--batch-size", metavar="N", type=int, help="default: 64")
    add("--lr", metavar="X", type=float, help="default: 0.01")
    add("--device", metavar="NAME", help="auto (default), cpu, cuda, mps, …")
    add("--seed", metavar="N", type=int, help="default: 0")
    add("--shuffle", action="store_true", help="take the images in a new order in each epoch")
    add("--precision", metavar="P", help="fp32 (default) or bf16")
    add("--compile", action="store_true", help="compile the network with torch.compile")
    add("--eager", action="store_true", help="on CUDA, do not replay the step as a CUDA graph")
    add("--max-steps", metavar="N", type=int, help="end the run after N steps")
    add("--model", metavar="NAME", help="tudui (default) or vgg16; see course models")
    add("--weights", metavar="FILE", type=_weights, help="what vgg16 starts from; none (default)")
    add("--freeze-features", action="store_true", help="let the last layer of vgg16 alone learn")
    parser.add_argument("--out", metavar="DIR", type=Path, help="default: runs/DATE-TIME")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--lang", choices=["zh", "en"], help="default: the locale's")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; under torchrun, end the process with it."""
    code = _run(argv)
    if under_torchrun():  # not as Python ends: in torch 2.6 gloo may wait for ever
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(argv: Sequence[str] | None) -> int:
    prepare()
    _prepare_streams()
    try:
        args = _parser().parse_args(argv)
        code, result, text = cast("Answer", args.run(args))
        print(json.dumps(result, ensure_ascii=False) if args.json else text, flush=True)
    except (InputError, RunError) as error:
        return _fail(error, 2 if isinstance(error, InputError) else 1)
    except BrokenPipeError:
        sys.stdout = _devnull()  # nobody reads any more
        return 1
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error
        return _fail(what, 1 if error.errno in (errno.ENOSPC, errno.EIO) else 2)
    except KeyboardInterrupt:
        return _fail("interrupted; course train --resume --out FOLDER goes on with a run", 130)
    except (ImportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "torchvision::" not in str(error):
            raise
        return _fail(f"the installation is broken ({error}): course doctor says more", 1)
    return code


def _prepare_streams() -> None:
    if rank():
        sys.stdout = sys.stderr = None  # torchrun's first process speaks for all
    sys.stdout, sys.stderr = (stream or _devnull() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Chinese


def _devnull() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _fail(error: object, code: int) -> int:
    print(f"course: {error}".replace("\n", " "), file=sys.stderr)
    return code
