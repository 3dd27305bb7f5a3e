"""The command line, `course`: what to run, what to print, and how to fail.

Exit codes: 0 done, 1 the check or the run failed, 2 wrong usage or bad input.
"""

from __future__ import annotations

import argparse
import errno
import functools
import io
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from reference.errors import InputError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import nn

    from reference.runs import Config

    Answer = tuple[int, Any, str]  # the exit code, what --json prints, what is printed else

DEFAULT_ROOT = Path("data", "stand-in")  # of the data, where no other is given


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other bad input is said."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _doctor(_args: argparse.Namespace) -> Answer:
    from reference.environment import diagnose, select_device

    findings = diagnose()
    ok = all(finding.ok for finding in findings)
    device = str(select_device("auto")) if any(f.check == "device" for f in findings) else None
    lines = [f"{'ok ' if f.ok else 'BAD'} {f.check}: {f.detail}" for f in findings]
    lines += [f"    {f.check}: {f.cure}" for f in findings if not f.ok]
    result = {"ok": ok, "device": device, "findings": [asdict(f) for f in findings]}
    return (0 if ok else 1), result, "\n".join(lines)


def _data(args: argparse.Namespace) -> Answer:
    from reference.standin import write

    folder = write(args.dir)
    return 0, {"folder": str(folder)}, f"{folder}: the stand-in CIFAR-10 is drawn"


def _train(args: argparse.Namespace) -> Answer:
    from tqdm import tqdm

    from reference.environment import select_device
    from reference.messages import LINES, language
    from reference.runs import Config, Run
    from reference.training import Trainer

    lines = LINES[args.lang or language()]
    out = sys.stderr if args.json else sys.stdout

    def say(line: str, *values: object) -> None:
        tqdm.write(lines[line].format(*values), file=out)  # around the progress bar
        out.flush()

    options = {name: vars(args)[name] for name in Config.__annotations__ if name in args}
    folder = args.out or Path("runs", time.strftime("%Y%m%d-%H%M%S"))
    if args.resume and not args.out:
        raise InputError("--resume: say with --out which run goes on")
    if args.resume:
        run = Run.resume(folder, options)
    else:
        run = Run.start(folder, Config(**{"data": _path(DEFAULT_ROOT)} | options))
    select_device(run.config.device)
    _draw_stand_in(run.config.data)
    trainer = Trainer(run, say)
    trainer.fit()
    epochs = [record for record in run.records if "test_loss" in record]
    result = {"run": str(run.folder), "device": str(trainer.device), "epochs": epochs}
    return 0, result, lines["tensorboard"].format(run.folder)


def _evaluate(args: argparse.Namespace) -> Answer:
    from torch import nn

    from reference.cifar10 import CIFAR10
    from reference.loaders import ResidentLoader
    from reference.training import evaluate

    model, device, config = _load_model(args)
    data = getattr(args, "data", _path(DEFAULT_ROOT))
    _draw_stand_in(data)
    batches = ResidentLoader(CIFAR10(data, train=False), config.batch_size, device=device)
    found = evaluate(model, nn.CrossEntropyLoss(), batches, config.precision)
    result = asdict(found) | {"accuracy": found.accuracy}
    text = (
        f"{data}: {found.correct} of {found.images} images right, accuracy {found.accuracy}, "
        f"total loss {found.total_loss} over {found.batches} batches"
    )
    return 0, result, text


def _predict(args: argparse.Namespace) -> Answer:
    from reference.inference import load_image, predict

    model, _, _ = _load_model(args)
    answers = predict(model, [load_image(path) for path in args.images])
    result = [
        {"image": str(path)} | answer for path, answer in zip(args.images, answers, strict=True)
    ]
    lines = [f"{r['image']}: {r['class']} ({r['probability']:.3f})" for r in result]
    return 0, result, "\n".join(lines)


def _models(args: argparse.Namespace) -> Answer:
    from reference.networks import NAMES, check_name, describe

    if args.name is None:
        result = [describe(name) for name in NAMES]
        return 0, result, "\n".join(f"{r['name']}: {_in_short(r)}" for r in result)
    check_name(args.name)
    described = describe(args.name)
    return 0, described, f"{described['printout']}\n{_in_short(described)}"


def _in_short(network: dict[str, Any]) -> str:
    """Say how large a network is and whether it runs."""
    text = f"{network['parameters']} parameters, "
    if not network["runs"]:
        return text + f"cannot run: {network['error']}"
    text += f"{network['input']} to {network['stages'][-1]['shape']}"
    unused = ", ".join(network["unused"])
    return text + (f"; {unused} is never called" if unused else "")


def _convert(args: argparse.Namespace) -> Answer:
    from reference.checkpoints import convert

    network = convert(args.old, args.new)
    result = {"old": str(args.old), "new": str(args.new), "network": network}
    return 0, result, f"{args.new}: the weights of {network}, as a state_dict"


def _load_model(args: argparse.Namespace) -> tuple[nn.Module, torch.device, Config]:
    from reference.checkpoints import load_checkpoint, load_weights
    from reference.environment import select_device
    from reference.networks import build
    from reference.runs import Config

    device = select_device(args.device)
    checkpoint = load_checkpoint(args.checkpoint, device)
    if "network" in checkpoint:
        print(
            f"course: {args.checkpoint} holds a whole network, {checkpoint['network']}: its "
            "weights are taken, its code is not; course convert makes a state_dict of it",
            file=sys.stderr,
        )
    try:
        config = Config(**checkpoint.get("config", {"data": ""}))
    except (TypeError, InputError) as error:
        raise InputError(f"{args.checkpoint} holds damaged options: {error}") from error
    model = build(config.model).to(device)
    load_weights(model, checkpoint["model"], args.checkpoint)
    return model, device, config


def _draw_stand_in(data: str) -> None:
    """Draw the stand-in on first use; other data must be there."""
    from reference.cifar10 import CIFAR10
    from reference.standin import write

    if data == _path(DEFAULT_ROOT) and not Path(data, CIFAR10.base_folder).exists():
        write(data)


def _path(text: str | Path) -> str:
    """Read a path, which must say something."""
    if not str(text):
        raise argparse.ArgumentTypeError("an empty path")
    return os.path.abspath(text)  # noqa: PTH100 - Path.resolve() follows links, and fails in a ring


def _weights(text: str) -> str | None:
    return None if text == "none" else _path(text)


def _parser() -> _Parser:
    parser = _Parser(prog="course", description="The PyTorch beginner course, end to end.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[..., Answer], text: str) -> _Parser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("--json", action="store_true", help="print one JSON document")
        added.set_defaults(run=run)
        return added

    command("doctor", _doctor, "say what is installed, which device computes, and what is wrong")
    data = command("data", _data, "draw the stand-in CIFAR-10 and write it to DIR")
    data.add_argument("dir", metavar="DIR", type=_path)
    _add_train_options(command("train", _train, "train a network on CIFAR-10"))
    evaluate = command("evaluate", _evaluate, "test a checkpoint on the test images")
    evaluate.add_argument("checkpoint", metavar="CHECKPOINT", type=Path)
    _add_data(evaluate)
    predict = command("predict", _predict, "say what is on an image")
    predict.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
    predict.add_argument("--checkpoint", metavar="FILE", type=Path, required=True)
    models = command("models", _models, "print a network and say whether it runs")
    models.add_argument("name", metavar="NAME", nargs="?", help="default: a list of them")
    convert = command("convert", _convert, "make a state_dict of a whole network's file")
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
        help=f"the folder that holds cifar-10-batches-py/ (default: a stand-in in {DEFAULT_ROOT})",
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
    """Run the command line and return its exit code."""
    if "torch" not in sys.modules:
        _let_idle_threads_sleep()
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Chinese
    try:
        args = _parser().parse_args(argv)
        code, result, text = cast("Answer", args.run(args))
        print(json.dumps(result, ensure_ascii=False) if args.json else text, flush=True)
    except (InputError, RunError) as error:
        return _fail(error, 2 if isinstance(error, InputError) else 1)
    except BrokenPipeError:
        sys.stdout = _nowhere()  # nobody reads any more
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


def _let_idle_threads_sleep() -> None:
    """Keep waiting threads from spinning: where another process is busy, that costs much.

    OpenMP reads this when torch is imported. Whoever has set anything about threads knows better.
    """
    if not any(name.startswith(("GOMP_", "KMP_", "MKL_", "OMP_")) for name in os.environ):
        os.environ["OMP_WAIT_POLICY"] = "passive"


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _fail(error: object, code: int) -> int:
    print(f"course: {error}".replace("\n", " "), file=sys.stderr)
    return code
