"""A model of one ONNX node, for whatever runs a model."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

Run = Callable[[ModelProto, Mapping[str, np.ndarray]], list[np.ndarray]]

OPSET = [helper.make_opsetid("", 22), helper.make_opsetid("ai.onnx.preview.training", 1)]


def node(run: Run, kind: str, *inputs: np.ndarray | None, outputs: int = 1, **options: Any) -> Any:
    """Run a model of one node.

    Args:
        run: runs a model on inputs by name.
        kind: the operator, as https://onnx.ai/onnx/operators/ names it.
        inputs: the node's inputs; one that is left out is None.
        outputs: how many results the node has.
        options: the node's attributes.

    Returns:
        An array, or a tuple of them.
    """
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    kinds = {name: helper.np_dtype_to_tensor_dtype(x.dtype) for name, x in feeds.items()}
    values = [helper.make_tensor_value_info(n, kinds[n], x.shape) for n, x in feeds.items()]
    types = [kinds["x0"], TensorProto.INT64 if kind == "MaxPool" else kinds["x0"], kinds["x0"]]
    made = [helper.make_tensor_value_info(*y, None) for y in zip(results, types, strict=False)]
    only = helper.make_node(kind, names, results, **options)
    graph = helper.make_graph([only], kind, values, made)
    found = run(helper.make_model(graph, opset_imports=OPSET, ir_version=10), feeds)
    return found[0] if outputs == 1 else tuple(found)
