"""The commands of the command line: each takes the parsed arguments and returns its answer.

An answer is the exit code, the value to print with --json, and the text to print otherwise. Heavy
modules are imported inside the functions, so that `course --help` is quick.
"""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference.app.output import print_explanation, print_line
from reference.errors import InputError, RunError, shown

if TYPE_CHECKING:
    import argparse

    import torch
    from torch import nn

    from reference.training.config import Config
    from reference.training.distributed import Ranks
    from reference.training.runs import Run

    Answer = tuple[int, Any, str]

STAND_IN = Path("data", "stand-in")  # the data set used without --data


def absolute(path: str | Path) -> str:
    """Return an absolute path, so that a run can be resumed from another working directory."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve() follows links, fails on a loop


def doctor(_args: argparse.Namespace) -> Answer:
    """Check what is installed, whether it fits together, and which device would be used."""
    from reference.app.doctor import diagnose
    from reference.environment import select_device

    findings = diagnose()
    ok = all(finding.ok for finding in findings)
    usable = any(finding.check == "device" and finding.ok for finding in findings)
    device = str(select_device("auto")) if usable else None
    lines = [f"{'ok ' if f.ok else 'BAD'} {f.check}: {f.detail}" for f in findings]
    lines += [f"    {f.check}: {f.cure}" for f in findings if not f.ok]
    result = {"ok": ok, "device": device, "findings": [asdict(f) for f in findings]}
    return (0 if ok else 1), result, "\n".join(lines)


def data(args: argparse.Namespace) -> Answer:
    """Draw the stand-in CIFAR-10."""
    from reference.data.synthetic_cifar10 import write

    folder = write(args.dir)
    return 0, {"folder": str(folder)}, f"{folder}: drew the stand-in CIFAR-10"


def train(args: argparse.Namespace) -> Answer:
    """Train a network, in this process or as one of torchrun's."""
    from tqdm import tqdm

    from reference.app.messages import LINES, language
    from reference.training.distributed import process_group
    from reference.training.trainer import Trainer

    lines = LINES[args.lang or language()]
    out = sys.stderr if args.json else sys.stdout

    def emit(line: str, *values: object) -> None:
        tqdm.write(lines[line].format(*values), file=out)  # above the progress bar
        out.flush()

    with process_group() as ranks:
        run = ranks.broadcast(lambda: _prepare_run(args, ranks))
        trainer = Trainer(run, emit, ranks)
        trainer.fit()
    epochs = [record for record in run.records if "test_loss" in record]
    result = {"run": str(run.folder), "device": str(trainer.device), "epochs": epochs}
    return 0, result, lines["tensorboard"].format(run.folder)


def _prepare_run(args: argparse.Namespace, ranks: Ranks) -> Run:
    """Check the options, the run's folder and the device; draw the stand-in if it is missing."""
    from reference.training.config import OPTIONS, Config
    from reference.training.runs import Run, is_unstarted

    options = {name: vars(args)[name] for name in OPTIONS if name in args}
    folder = args.out or Path("runs", time.strftime("%Y%m%d-%H%M%S"))
    if args.resume and not args.out:
        raise InputError("--resume: give the run's folder with --out")
    if args.resume and not is_unstarted(folder):
        run = Run.resume(folder, options)
    else:
        config = Config(**{"data": absolute(STAND_IN)} | options)
        run = Run.start(folder, config, unique=not args.out)
    ranks.device(run.config.device)  # report an unusable device before anything is written
    _draw_stand_in(run.config.data)
    return run


def evaluate(args: argparse.Namespace) -> Answer:
    """Test a checkpoint on the test images."""
    from torch import nn

    from reference.data.cifar10 import CIFAR10
    from reference.data.loaders import ResidentLoader
    from reference.training import engine

    model, device, config = _load_model(args)
    data = getattr(args, "data", absolute(STAND_IN))
    _draw_stand_in(data)
    batches = ResidentLoader(CIFAR10(data, train=False), config.batch_size, device=device)
    evaluation = engine.evaluate(model, nn.CrossEntropyLoss(), batches, config.precision)
    if not math.isfinite(evaluation.total_loss):
        raise RunError(
            f"{args.checkpoint}: the loss over the test images is {evaluation.total_loss}, its "
            "weights are too large: train again with a smaller --lr"
        )
    result = asdict(evaluation) | {"accuracy": evaluation.accuracy}
    text = (
        f"{data}: {evaluation.correct} of {evaluation.images} images correct, "
        f"accuracy {evaluation.accuracy}, "
        f"total loss {evaluation.total_loss} over {evaluation.batches} batches"
    )
    return 0, result, text


def predict(args: argparse.Namespace) -> Answer:
    """Classify images."""
    from reference import inference

    model, _, _ = _load_model(args)
    images = inference.load_images(args.images)
    errors = [image for image in images if isinstance(image, InputError)]
    for error in errors[: len(images) - 1]:
        print_line(error)
    if len(errors) == len(images):
        raise errors[-1]  # nothing can be classified
    answers = iter(
        inference.predict(model, [image for image in images if not isinstance(image, InputError)])
    )
    result = [
        {"image": str(path)}
        | ({"error": str(image)} if isinstance(image, InputError) else next(answers))
        for path, image in zip(args.images, images, strict=True)
    ]
    lines = [
        f"{shown(r['image'])}: {r['class']} ({r['probability']:.3f})"
        for r in result
        if "error" not in r
    ]
    return (1 if errors else 0), result, "\n".join(lines)


def models(args: argparse.Namespace) -> Answer:
    """Describe one network, or list all."""
    from reference.models.registry import NAMES, check_name, describe

    if args.name is None:
        result = [describe(name) for name in NAMES]
        return 0, result, "\n".join(f"{r['name']}: {_summary(r)}" for r in result)
    check_name(args.name)
    described = describe(args.name)
    return 0, described, f"{described['printout']}\n{_summary(described)}"


def _summary(network: dict[str, Any]) -> str:
    """Return a line with a network's size and whether it runs."""
    text = f"{network['parameters']} parameters, "
    if not network["runs"]:
        return text + f"cannot run: {network['error']}"
    text += f"{network['input']} to {network['layers'][-1]['shape']}"
    unused = ", ".join(network["unused"])
    return text + (f"; {unused} is never called" if unused else "")


def convert(args: argparse.Namespace) -> Answer:
    """Convert a whole network's file to a state_dict."""
    from reference.checkpoints import files

    network = files.convert(args.old, args.new)
    result = {"old": str(args.old), "new": str(args.new), "network": network}
    return 0, result, f"{args.new}: the weights of {network}, as a state_dict"


def run(args: argparse.Namespace) -> Answer:
    """Run a script as python does; explain what ended it, and its warnings."""
    from reference.app.messages import language
    from reference.explainer.run import end_as, run_script

    outcome = run_script(args.script, args.arguments)
    if outcome.code or outcome.warnings:
        from reference.explainer.explanation import Explainer

        print_explanation(Explainer(args.lang or language()).explain(outcome))
    return end_as(outcome.code), None, ""


def check(args: argparse.Namespace) -> Answer:
    """Find the course's mistakes in scripts, folders and notebooks."""
    from reference.app.check import check

    return check(args)


def explain(args: argparse.Namespace) -> Answer:
    """Explain a traceback, a message, a line of code or a question."""
    from reference.app.explain import explain
    from reference.app.messages import language

    return explain(args.text, args.lang or language())


def _load_model(args: argparse.Namespace) -> tuple[nn.Module, torch.device, Config]:
    from reference.checkpoints.files import load_checkpoint, load_weights
    from reference.environment import select_device
    from reference.models.registry import build, check_trainable
    from reference.training.config import Config

    device = select_device(args.device)
    checkpoint = load_checkpoint(args.checkpoint, device)
    if "network" in checkpoint:
        print_line(
            f"{args.checkpoint} contains a whole network, {checkpoint['network']}: its weights are "
            "used, its code is not run; course convert writes them as a state_dict"
        )
    try:
        config = Config.from_stored(checkpoint.get("config", {"data": ""}))
        check_trainable(config.model)
    except (TypeError, InputError) as error:
        raise InputError(
            f"{args.checkpoint} contains damaged options ({error}): give another epoch's file"
        ) from error
    model = build(config.model).to(device)
    load_weights(model, checkpoint["model"], args.checkpoint)
    return model, device, config


def _draw_stand_in(data: str) -> None:
    """Draw the stand-in on first use; any other data must exist."""
    from reference.data.synthetic_cifar10 import ensure

    if data == absolute(STAND_IN):
        ensure(data)
