"""Faults of the gradients of batch_norm, whose values are right."""

from typing import Any

from torch import Tensor
from torch.nn.functional import batch_norm

from spec_tests.faults import fault
from spec_tests.faults._gradients import with_gradient_of
from spec_tests.faults._memory import as_if_contiguous
from spec_tests.faults.batch_norm._parts import BatchNorm, per_channel


def _with_gradient(part: type[BatchNorm], arguments: dict[str, Any], **replaced: Any) -> Tensor:
    """Return PyTorch's output with the gradient of a changed definition, or of other arguments."""
    changed = part(**arguments | replaced)
    running = changed.running_mean, changed.running_var
    changed.running_mean, changed.running_var = (None if x is None else x.clone() for x in running)
    gradient = changed()
    return with_gradient_of(batch_norm(**arguments), gradient)


@fault("batch_norm", issue="facebookresearch/CrypTen#143")
def statistics_are_constants(**arguments: Any) -> Tensor:
    """Treat mean and variance as constants in the gradient of training."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            return mean.detach(), variance.detach()

    return _with_gradient(Faulty, arguments)


@fault("batch_norm", issue="BVLC/caffe#1891")
def mean_is_constant(**arguments: Any) -> Tensor:
    """Omit the gradient through the mean."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            return mean.detach(), variance

    return _with_gradient(Faulty, arguments)


@fault("batch_norm")
def variance_is_constant(**arguments: Any) -> Tensor:
    """Omit the gradient through the variance."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            mean, variance = super().used()
            return mean, variance.detach()

    return _with_gradient(Faulty, arguments)


@fault("batch_norm", issue="pytorch/pytorch#586")
def gradient_of_training_in_evaluation(**arguments: Any) -> Tensor:
    """Use the gradient of training in evaluation as well."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            self.training = self.training or self.input.requires_grad
            return super().used()

    return _with_gradient(Faulty, arguments)


@fault("batch_norm", issue="pytorch/xla#913")
def weight_gradient_of_training_in_evaluation(**arguments: Any) -> Tensor:
    """Normalise with the batch for the weight's gradient in evaluation as well."""

    class Faulty(BatchNorm):
        def used(self) -> tuple[Tensor, Tensor]:
            weight = self.weight
            self.training = self.training or (weight is not None and weight.requires_grad)
            return super().used()

    return _with_gradient(Faulty, arguments)


@fault("batch_norm", issue="apache/mxnet#1053")
def gradient_without_weight(**arguments: Any) -> Tensor:
    """Do not multiply the input's gradient by the weight."""
    if not arguments["input"].requires_grad:
        return batch_norm(**arguments)
    return _with_gradient(BatchNorm, arguments, weight=None)


@fault("batch_norm", issue="wjbKimberly/cs231n_spring_2017_assignment#7")
def weight_gradient_averaged(**arguments: Any) -> Tensor:
    """Divide the gradients of weight and bias by the number of samples."""
    output = batch_norm(**arguments)
    if arguments["input"].requires_grad or not output.requires_grad:
        return output
    return with_gradient_of(output, output / len(output))


@fault("batch_norm")
def weight_gradient_without_normalisation(**arguments: Any) -> Tensor:
    """Use the input instead of the normalised input in the weight's gradient."""
    output, weight = batch_norm(**arguments), arguments.get("weight")
    if weight is None or not weight.requires_grad:
        return output
    return with_gradient_of(output, arguments["input"] * per_channel(weight, output))


@fault("batch_norm", issue="pytorch/pytorch#2330")
def bias_gradient_of_input(**arguments: Any) -> Tensor:
    """Use the input in the bias's gradient, as in the weight's."""
    output, bias = batch_norm(**arguments), arguments.get("bias")
    if bias is None or not bias.requires_grad:
        return output
    return with_gradient_of(output, arguments["input"] * per_channel(bias, output))


@fault("batch_norm")
def gradient_of_memory_order(**arguments: Any) -> Tensor:
    """Read an input whose channels are last in memory as if they were first, for the gradient."""
    input = arguments["input"]
    if input.is_contiguous() or not input.requires_grad:
        return batch_norm(**arguments)
    return _with_gradient(BatchNorm, arguments, input=as_if_contiguous(input))


@fault("batch_norm")
def gradient_without_eps(**arguments: Any) -> Tensor:
    """Omit eps in the gradient."""
    return _with_gradient(BatchNorm, arguments, eps=1e-30)


@fault("batch_norm")
def gradient_in_float32(**arguments: Any) -> Tensor:
    """Round the gradient to float32."""
    input = arguments["input"]
    if input.requires_grad:
        input.register_hook(lambda gradient: gradient.float().to(gradient.dtype))
    return batch_norm(**arguments)
