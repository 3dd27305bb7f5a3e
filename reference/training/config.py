"""The options of a training run: their names, types, defaults and help texts.

Imports no torch, so that `course --help`, which is made from them, is quick.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self, get_type_hints

from reference.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LR = 3e38  # about the largest float32


@dataclass(frozen=True, kw_only=True)
class Config:
    """The options that determine a training run.

    Each field is an option of `course train`. A flag whose default is True is switched off with
    `--no-NAME`.

    Raises:
        InputError: a value has the wrong type or is out of its range.
    """

    data: str = field(
        metadata={"metavar": "DIR", "help": "the folder that contains cifar-10-batches-py/"}
    )
    epochs: int = field(
        default=10,
        metadata={"metavar": "N", "help": "the number of passes over the training images"},
    )
    batch_size: int = field(
        default=64, metadata={"metavar": "N", "help": "images per step, over all processes"}
    )
    lr: float = field(default=0.01, metadata={"metavar": "X", "help": "the learning rate of SGD"})
    device: str = field(
        default="auto", metadata={"metavar": "NAME", "help": "auto, cpu, cuda, mps, …"}
    )
    seed: int = field(
        default=0,
        metadata={"metavar": "N", "help": "the seed of all random numbers"},
    )
    shuffle: bool = field(
        default=False, metadata={"help": "shuffle the training images in each epoch"}
    )
    precision: str = field(
        default="fp32", metadata={"metavar": "P", "help": "fp32, or bf16 for autocast"}
    )
    compile: bool = field(
        default=False, metadata={"help": "compile the network with torch.compile"}
    )
    cuda_graph: bool = field(
        default=True, metadata={"help": "on CUDA, do not replay the step as a CUDA graph"}
    )
    max_steps: int | None = field(
        default=None,
        metadata={"metavar": "N", "help": "stop after N steps; then test and save as usual"},
    )
    model: str = field(
        default="tudui",
        metadata={"metavar": "NAME", "help": "tudui or vgg16; course models lists all networks"},
    )
    weights: str | None = field(
        default=None,
        metadata={"metavar": "FILE", "help": "the initial weights of vgg16; none for random ones"},
    )
    freeze_features: bool = field(
        default=False, metadata={"help": "train only the last layer of vgg16"}
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            _check_type(option, getattr(self, option.name))
        for name in ("epochs", "batch_size", "max_steps"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < 2**63:
                raise InputError(f"{option_string(name)} {value}: must be from 1 to 2**63 - 1")
        if not 0 < self.lr < MAX_LR:
            raise InputError(f"--lr {self.lr}: must be a positive number, such as 0.01")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed {self.seed}: must be from 0 to 2**63 - 1")
        if self.precision not in ("fp32", "bf16"):
            raise InputError(f"--precision {self.precision}: must be fp32 or bf16")
        if self.model == "tudui" and (self.weights or self.freeze_features):
            name = "--weights" if self.weights else "--freeze-features"
            raise InputError(f"{name}: only for VGG16: add --model vgg16")

    @classmethod
    def from_stored(cls, options: Mapping[str, Any]) -> Self:
        """Return the options that a config.json or a checkpoint contains.

        Raises:
            InputError: a value has the wrong type or is out of its range.
            TypeError: `options` is not a mapping, or an option is missing or unknown.
        """
        options = {**options}
        if "eager" in options:  # the former name of `cuda_graph`, with the opposite meaning
            eager = options.pop("eager")
            options["cuda_graph"] = not eager if isinstance(eager, bool) else eager
        return cls(**options)


OPTIONS = {option.name: option for option in fields(Config)}
TYPES = get_type_hints(Config)


def option_string(name: str) -> str:
    """Return the command line's option for a field: --batch-size, --no-cuda-graph."""
    prefix = "--no-" if OPTIONS[name].default is True else "--"
    return prefix + name.replace("_", "-")


def _check_type(option: Field[Any], value: object) -> None:
    kind = TYPES[option.name]
    if isinstance(value, bool):  # bool is a subclass of int
        valid = kind is bool
    else:
        valid = isinstance(value, int | float if kind is float else kind)
    if not valid:
        raise InputError(f"{option_string(option.name)} {value!r}: must be {option.type}")
