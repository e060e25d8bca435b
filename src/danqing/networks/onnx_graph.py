"""An architecture and its weights become an ONNX graph, written node by node from the spec.

Knows no Keras: the graph takes the same raw examples, (n, height, width, channels) or
(n, features), and is compared with the trained model by whoever writes it to disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import SHIFTS, Architecture, Layer
from danqing.preparation.preparation import Preparation

__all__ = ["to_onnx"]

_ACTIVATIONS = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),  # Keras' slope
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "gelu": ("Gelu", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
}
_OPSET = 20  # the first with Gelu
_EPSILON = 1e-3


def to_onnx(
    architecture: Architecture, preparation: Preparation, tensors: dict[str, NDArray[np.float32]]
) -> bytes:
    """Write the network as an ONNX model: ``examples`` in, ``answers`` out, float32.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray
        The weights by the names that Keras' layers give them.

    Returns
    -------
    bytes
        The model, serialised.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph()
    scaling = preparation.scaling
    graph.constant("scaling/mean", scaling.mean_.astype(np.float32))
    graph.constant("scaling/scale", scaling.scale_.astype(np.float32))
    if architecture.tta_views > 1:
        _look(graph, architecture)
    graph.node("Sub", [graph.last, "scaling/mean"])
    graph.node("Div", [graph.last, "scaling/scale"])
    if len(architecture.input_shape) == 3:
        graph.node("Transpose", [graph.last], perm=[0, 3, 1, 2])
    scaled, answers = graph.last, []
    for prefix in architecture.prefixes:
        graph.last = scaled
        for layer in architecture.layers:
            if layer.kind == "rescale":
                mean, scale = (np.array([v], np.float32) for v in preparation.target)
                graph.node("Mul", [graph.last, graph.constant(f"{prefix}answer/scale", scale)])
                graph.node("Add", [graph.last, graph.constant(f"{prefix}answer/mean", mean)])
            else:
                _add(graph, layer, prefix, tensors)
        answers.append(graph.last)
    if len(answers) > 1:
        graph.node("Mean", answers)
    if architecture.tta_views > 1:
        shape = np.array([architecture.tta_views, -1, architecture.outputs])
        graph.node("Reshape", [graph.last, graph.constant("views/shape", shape)])
        first = graph.constant("views/axis", np.array([0]))
        graph.node("ReduceMean", [graph.last, first], keepdims=0)
    graph.nodes[-1].output[0] = "answers"
    size: list[Any] = ["n", *architecture.input_shape]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "danqing",
            [helper.make_tensor_value_info("examples", TensorProto.FLOAT, size)],
            [
                helper.make_tensor_value_info(
                    "answers", TensorProto.FLOAT, ["n", architecture.outputs]
                )
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=10,
        producer_name="danqing",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """The nodes and constants so far; `last` names the newest node's output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "examples"

    def node(self, operation: str, inputs: list[str], **attributes: Any) -> None:
        from onnx import helper

        self.last = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [self.last], **attributes))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _look(graph: _Graph, architecture: Architecture) -> None:
    """Lay all looks at the pictures one after the other, as `Views` does."""
    height, width, _ = architecture.input_shape
    around = graph.constant("views/frame", np.array([0, 1, 1, 0] * 2))
    graph.node("Pad", [graph.last, around], mode="edge")
    framed, looks = graph.last, []
    axes = graph.constant("views/axes", np.array([1, 2]))
    for down, right in SHIFTS:
        top, left = 1 + down, 1 + right
        name = f"views/{down}/{right}"
        begin = graph.constant(f"{name}/begin", np.array([top, left]))
        end = graph.constant(f"{name}/end", np.array([top + height, left + width]))
        graph.node("Slice", [framed, begin, end, axes])
        looks.append(graph.last)
    if architecture.tta_views > len(looks):
        last = graph.constant("views/last", np.array([-1]))
        before_first = graph.constant("views/before_first", np.array([np.iinfo(np.int64).min]))
        across = graph.constant("views/across", np.array([2]))
        for look in list(looks):
            graph.node("Slice", [look, last, before_first, across, last])
            looks.append(graph.last)
    graph.node("Concat", looks, axis=0)


def _add(graph: _Graph, layer: Layer, prefix: str, tensors: dict[str, NDArray[np.float32]]) -> None:
    def weight(name: str) -> NDArray[np.float32]:
        return tensors[f"{prefix}{layer.name}/{name}"]

    def constant(name: str, value: NDArray[Any]) -> str:
        return graph.constant(f"{prefix}{layer.name}/{name}", value)

    match layer.kind:
        case "conv":
            kernel = constant("kernel", weight("kernel").transpose(3, 2, 0, 1))
            bias = [constant("bias", weight("bias"))] if layer.settings["bias"] else []
            stride = int(layer.settings["stride"])
            graph.node(
                "Conv",
                [graph.last, kernel, *bias],
                strides=[stride, stride],
                # Keras' 'same' puts the odd pixel of padding after the picture, as SAME_UPPER does.
                auto_pad="SAME_UPPER" if layer.settings["padding"] == "same" else "VALID",
            )
        case "dense":
            kernel = constant("kernel", weight("kernel"))
            graph.node("MatMul", [graph.last, kernel])
            if layer.settings["bias"]:
                graph.node("Add", [graph.last, constant("bias", weight("bias"))])
        case "batchnorm":
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            graph.node(
                "BatchNormalization",
                [graph.last, *(constant(name, weight(name)) for name in names)],
                epsilon=_EPSILON,
            )
        case "pool" | "avgpool":
            size = int(layer.settings["size"])
            operation = "MaxPool" if layer.kind == "pool" else "AveragePool"
            graph.node(operation, [graph.last], kernel_shape=[size] * 2, strides=[size] * 2)
        case "globalpool":
            graph.node("GlobalAveragePool", [graph.last])
            graph.node("Flatten", [graph.last])
        case "flatten":
            if len(layer.input_shape) == 3:  # Keras flattens with the channels last
                graph.node("Transpose", [graph.last], perm=[0, 2, 3, 1])
            graph.node("Flatten", [graph.last])
        case "softmax":
            graph.node("Softmax", [graph.last], axis=-1)
        case "silu":
            before = graph.last
            graph.node("Sigmoid", [before])
            graph.node("Mul", [before, graph.last])
        case "dropout":
            pass  # only training drops
        case activation:
            operation, attributes = _ACTIVATIONS[activation]
            graph.node(operation, [graph.last], **attributes)
