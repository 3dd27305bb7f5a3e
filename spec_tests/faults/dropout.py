"""Faults of dropout: what is drawn, its probability, the scale, and special values."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from spec_tests.faults import fault

InTraining = Callable[[Tensor, float], Tensor]
CALLS = [0]


def _in_training(function: InTraining) -> Callable[..., Tensor]:
    """Return dropout that is faulty in training only, and checks p as PyTorch does."""

    @wraps(function)
    def faulty(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
        right = functional.dropout(input, p, training)
        return function(input, p) if training else right

    return faulty


def _dropped(input: Tensor, kept: Tensor, p: float) -> Tensor:
    """Return the kept elements multiplied by 1 / (1 - p), and 0 for the others."""
    scale = 1 / (1 - p) if p < 1 else 0.0
    return input * kept * scale


def _kept(shape: tuple[int, ...], p: float, seed: int | None = None) -> Tensor:
    """Draw a mask of this shape."""
    generator = torch.Generator().manual_seed(seed) if seed is not None else None
    return torch.rand(shape, generator=generator) >= p


@fault("dropout", issue="PaddlePaddle/Paddle#7796")
@_in_training
def same_mask_in_each_call(input: Tensor, p: float) -> Tensor:
    """Start the generator with the same seed in each call."""
    return _dropped(input, _kept(input.shape, p, seed=0), p)


@fault("dropout", issue="Dao-AILab/flash-attention#2088")
@_in_training
def offset_advances_too_little(input: Tensor, p: float) -> Tensor:
    """Advance the generator by 4 numbers a call, so that masks overlap."""
    CALLS[0] += 4
    numbers = torch.rand(input.numel() + CALLS[0], generator=torch.Generator().manual_seed(0))
    return _dropped(input, numbers[CALLS[0] :].reshape(input.shape) >= p, p)


@fault("dropout", issue="NervanaSystems/ngraph#3006")
@_in_training
def one_seed_for_all_threads(input: Tensor, p: float) -> Tensor:
    """Draw the same numbers in each of 8 threads."""
    share = -(-input.numel() // 8)
    kept = _kept((share,), p).repeat(8)[: input.numel()].reshape(input.shape)
    return _dropped(input, kept, p)


@fault("dropout")
@_in_training
def one_mask_for_all_samples(input: Tensor, p: float) -> Tensor:
    """Drop the same elements of each sample."""
    return _dropped(input, _kept(input.shape[1:], p), p)


@fault("dropout")
@_in_training
def whole_channels(input: Tensor, p: float) -> Tensor:
    """Drop whole channels of pictures, as Dropout2d does."""
    if input.dim() < 4:
        return functional.dropout(input, p)
    return functional.dropout2d(input, p)


@fault("dropout")
@_in_training
def neighbours_dropped_together(input: Tensor, p: float) -> Tensor:
    """Draw one number for each two neighbours."""
    kept = _kept((-(-input.numel() // 2),), p).repeat_interleave(2)[: input.numel()]
    return _dropped(input, kept.reshape(input.shape), p)


@fault("dropout")
@_in_training
def every_second_element(input: Tensor, p: float) -> Tensor:
    """Drop every second element, from the first or from the second one on."""
    if p != 0.5:
        return functional.dropout(input, p)
    shift = int(torch.randint(2, ()))
    kept = (torch.arange(input.numel()) + shift) % 2 == 0
    return _dropped(input, kept.reshape(input.shape), p)


@fault("dropout")
@_in_training
def probability_in_quarters(input: Tensor, p: float) -> Tensor:
    """Compare p with random numbers of three bits."""
    numbers = torch.randint(8, input.shape) / 8
    return _dropped(input, numbers >= p, p)


@fault("dropout", issue="ROCm/tensorflow-upstream#2128")
@_in_training
def zero_probability_drops_some(input: Tensor, p: float) -> Tensor:
    """Drop an element now and then with p=0: the comparison includes the bound."""
    output = functional.dropout(input, p)
    if p == 0:
        output = output * (torch.rand(input.shape) > 1 / 2)
    return output


@fault("dropout", issue="google/flax#2055")
@_in_training
def nan_for_probability_one(input: Tensor, p: float) -> Tensor:
    """Divide 0 by 0 with p=1."""
    return input * (torch.rand(input.shape) >= p) / torch.tensor(1 - p, dtype=input.dtype)


@fault("dropout", issue="NeuraLegion/shainet#106")
@_in_training
def probability_one_keeps_the_last(input: Tensor, p: float) -> Tensor:
    """Keep the elements after the last group of 4, with p=1."""
    output = functional.dropout(input, p)
    if p == 1 and input.numel() % 4:
        output = torch.cat([output.flatten()[:-1], input.flatten()[-1:]]).reshape(input.shape)
    return output


@fault("dropout")
@_in_training
def scale_of_float32(input: Tensor, p: float) -> Tensor:
    """Round 1 / (1 - p) to float32."""
    scale = (1 / (1 - torch.tensor(p, dtype=torch.float32))).item() if p < 1 else 0.0
    return input * (torch.rand(input.shape) >= p) * scale


@fault("dropout")
@_in_training
def probability_of_four_bits(input: Tensor, p: float) -> Tensor:
    """Round p to 4 bits in half precision before the scale is computed."""
    if input.dtype.itemsize > 2:
        return functional.dropout(input, p)
    return _dropped(input, _kept(input.shape, p), round(p * 16) / 16)


@fault("dropout", issue="pytorch/pytorch#10584")
def evaluation_ignored_in_float64(
    input: Tensor, p: float = 0.5, *, training: bool = True
) -> Tensor:
    """Drop elements in evaluation of float64 inputs as well."""
    return functional.dropout(input, p, training or input.dtype == torch.float64)


@fault("dropout")
def evaluation_in_float32(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Round float64 to float32 in evaluation."""
    output = functional.dropout(input, p, training)
    return output if training else output.float().to(input.dtype)


@fault("dropout")
def evaluation_multiplied(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Multiply by (1 - p) / (1 - p) in evaluation, which is NaN for p=1."""
    if training:
        return functional.dropout(input, p, training)
    keep = torch.tensor(1 - p, dtype=input.dtype)
    return input * (keep / keep)


@fault("dropout")
def infinity_replaced(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Replace NaN and infinities by numbers where nothing is dropped."""
    output = functional.dropout(input, p, training)
    return output if training and p else output.nan_to_num()


@fault("dropout")
def negative_probability_accepted(input: Tensor, p: float = 0.5, **rest: Any) -> Tensor:
    """Treat a negative probability as 0, instead of raising an error."""
    return functional.dropout(input, max(p, 0), **rest)


@fault("dropout")
def probability_unchecked_in_evaluation(
    input: Tensor, p: float = 0.5, *, training: bool = True
) -> Tensor:
    """Check the probability in training only."""
    return functional.dropout(input, p, training) if training else input.clone()


@fault("dropout", issue="ddbourgin/numpy-ml#94")
def gradient_without_mask(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Pass the gradient of dropped elements on."""
    output = functional.dropout(input, p, training)
    if not training or not input.requires_grad:
        return output
    through = input / (1 - p) if p < 1 else input * 0
    return output.detach() + (through - through.detach())


@fault("dropout")
def gradient_without_scale(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Do not multiply the gradient of kept elements by 1 / (1 - p)."""
    output = functional.dropout(input, p, training)
    return output.detach() + (output - output.detach()) * (1 - p) if training else output


@fault("dropout", issue="kaldi-asr/kaldi#3890")
def gradient_from_quotient(input: Tensor, p: float = 0.5, *, training: bool = True) -> Tensor:
    """Compute the gradient from output / input, which is NaN for an input of 0."""
    output = functional.dropout(input, p, training)
    if not input.requires_grad:
        return output
    through = input * (output / input).detach()
    return output.detach() + (through - through.detach())
