"""An architecture and its weights become an ONNX model. Knows no Keras and no kind of layer.

The model takes the same raw examples as the Keras model, (n, height, width, channels) or
(n, features), and is compared with it by whoever writes it to disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import SHIFTS, Architecture
from danqing.networks.layers.computations import COMPUTATIONS, layers_with_weights
from danqing.networks.onnx_nodes import OnnxNodes
from danqing.networks.temperature import LEAST_PROBABILITY
from danqing.preparation.preparation import Preparation

__all__ = ["to_onnx"]

_OPSET = 20  # the first with Gelu


def to_onnx(
    architecture: Architecture, preparation: Preparation, tensors: dict[str, NDArray[np.float32]]
) -> bytes:
    """Write the network as an ONNX model: ``examples`` in, ``predictions`` out.

    Both are float32, but a regression's predictions are float64, in the target's own unit.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray
        The weights by name, as `danqing.networks.build.tensors_of` gives them.

    Returns
    -------
    bytes
        The serialised model.
    """
    import onnx
    from onnx import helper

    graph, scaling = OnnxNodes(), preparation.scaling
    mean = graph.constant("scaling/mean", scaling.mean_.astype(np.float32))
    scale = graph.constant("scaling/scale", scaling.scale_.astype(np.float32))
    x = "examples"
    if architecture.tta_views > 1:
        x = _views(graph, architecture, x)
    x = graph.node("Div", graph.node("Sub", x, mean), scale)
    if len(architecture.input_shape) == 3:
        x = graph.node("Transpose", x, perm=[0, 3, 1, 2])
    predictions = []
    for prefix in architecture.prefixes:
        y = x
        for layer, weights in layers_with_weights(architecture, preparation, tensors, prefix):
            y = COMPUTATIONS[layer.kind].onnx_nodes(layer, weights, graph, y)
        predictions.append(y)
    numbers = architecture.task == "regression"
    y = _mean(graph, predictions, numbers=numbers)
    if architecture.tta_views > 1:
        shape = np.array([architecture.tta_views, -1, architecture.outputs])
        y = graph.node("Reshape", y, graph.constant("views/shape", shape))
        y = graph.node("ReduceMean", y, graph.constant("views/axis", np.array([0])), keepdims=0)
    if architecture.mean_temperature != 1:
        _scale_temperature(graph, architecture.mean_temperature, y)
    graph.nodes[-1].output[0] = "predictions"
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "danqing",
            [_tensor("examples", architecture.input_shape)],
            [_tensor("predictions", (architecture.outputs,), double=numbers)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=10,
        producer_name="danqing",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _tensor(name: str, shape: tuple[int, ...], *, double: bool = False) -> Any:
    from onnx import TensorProto, helper

    kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, ["n", *shape])


def _mean(graph: OnnxNodes, predictions: list[str], *, numbers: bool) -> str:
    """Average the members' predictions; ONNX Runtime has no Mean of float64."""
    if len(predictions) == 1:
        return predictions[0]
    if not numbers:
        return graph.node("Mean", *predictions)
    count = graph.constant("members", np.array([len(predictions)], np.float64))
    return graph.node("Div", graph.node("Sum", *predictions), count)


def _scale_temperature(graph: OnnxNodes, temperature: float, probabilities: str) -> str:
    """Divide the logarithms of mean probabilities by the temperature."""
    least = graph.constant("temperature/least", np.array([LEAST_PROBABILITY], np.float32))
    divisor = graph.constant("temperature", np.array([temperature], np.float32))
    logs = graph.node("Log", graph.node("Max", probabilities, least))
    return graph.node("Softmax", graph.node("Div", logs, divisor), axis=-1)


def _views(graph: OnnxNodes, architecture: Architecture, x: str) -> str:
    """Join all views of the pictures along the batch, as `danqing.networks.tta.Views` does."""
    height, width, _ = architecture.input_shape
    around = graph.constant("views/frame", np.array([0, 1, 1, 0] * 2))
    framed, views = graph.node("Pad", x, around, mode="edge"), []
    axes = graph.constant("views/axes", np.array([1, 2]))
    for down, right in SHIFTS:
        top, left = 1 + down, 1 + right
        name = f"views/{down}/{right}"
        begin = graph.constant(f"{name}/begin", np.array([top, left]))
        end = graph.constant(f"{name}/end", np.array([top + height, left + width]))
        views.append(graph.node("Slice", framed, begin, end, axes))
    if architecture.tta_views > len(views):
        last = graph.constant("views/last", np.array([-1]))
        before_first = graph.constant("views/before_first", np.array([np.iinfo(np.int64).min]))
        across = graph.constant("views/across", np.array([2]))
        views += [graph.node("Slice", v, last, before_first, across, last) for v in views]
    return graph.node("Concat", *views, axis=0)
