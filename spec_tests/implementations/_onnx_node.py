"""Models of one ONNX node."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

Run = Callable[[ModelProto, Mapping[str, np.ndarray]], list[np.ndarray]]

OPSETS = [helper.make_opsetid("", 22), helper.make_opsetid("ai.onnx.preview.training", 1)]


def run_node(
    run: Run, op_type: str, *inputs: np.ndarray | None, outputs: int = 1, **attributes: Any
) -> Any:
    """Run a model of one node.

    Args:
        run: runs a model on inputs by name.
        op_type: the operator's name in https://onnx.ai/onnx/operators/.
        inputs: the node's inputs; None leaves out an optional one.
        outputs: the number of the node's outputs.
        attributes: the node's attributes.

    Returns:
        An array, or a tuple of them.
    """
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    dtypes = {name: helper.np_dtype_to_tensor_dtype(x.dtype) for name, x in feeds.items()}
    # Outputs have the dtype of the first input; MaxPool's second has indices.
    second = TensorProto.INT64 if op_type == "MaxPool" else dtypes["x0"]
    result_dtypes = [dtypes["x0"], second, dtypes["x0"]]
    graph = helper.make_graph(
        [helper.make_node(op_type, names, results, **attributes)],
        op_type,
        [helper.make_tensor_value_info(name, dtypes[name], x.shape) for name, x in feeds.items()],
        [
            helper.make_tensor_value_info(name, dtype, None)
            for name, dtype in zip(results, result_dtypes, strict=False)
        ],
    )
    actual = run(helper.make_model(graph, opset_imports=OPSETS, ir_version=10), feeds)
    return actual[0] if outputs == 1 else tuple(actual)
