"""Whether an ONNX model is one that Danqing could have written, checked before anything loads it.

The model's bytes are walked here: only fields, operators and types that Danqing writes pass, all
data must lie within the model, and be as large as said. Knows no ONNX Runtime and no ``onnx``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from danqing.prediction.bundles.protobuf import fields, integer, integers, message, text

__all__ = ["OnnxInterface", "check_onnx"]

_MOST_NODES = 20_000
_LARGEST = 4096  # of integer attributes: kernels, strides and axes are smaller
_WIDEST_PAD = 1  # pixels; test-time augmentation shifts pictures by one

_OPERATORS = frozenset((
    "Add", "AveragePool", "BatchNormalization", "Cast", "Concat", "Conv", "DequantizeLinear", "Div",
    "Elu", "Flatten", "Gelu", "GlobalAveragePool", "LeakyRelu", "Log", "MatMul", "Max", "MaxPool",
    "Mean", "Mul", "Neg", "Pad", "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Selu",
    "Sigmoid", "Slice", "Softmax", "Sub", "Sum", "Tanh", "Transpose",
))  # fmt: skip
_DOMAINS = ("", "ai.onnx")
_FLOAT32, _INT64, _FLOAT64 = 1, 7, 11
# With uint8, int8, int32 and float16: by their numbers in ONNX, the bytes of each value.
_ITEM_BYTES = {_FLOAT32: 4, 2: 1, 3: 1, 6: 4, _INT64: 8, 10: 2, _FLOAT64: 8}
# What goes in and what comes out; a regression predicts float64.
_TYPES = {11: (_FLOAT32,), 12: (_FLOAT32, _FLOAT64)}

# By their numbers in onnx.proto, the fields that may occur.
_MODEL = {1, 2, 3, 4, 5, 6, 7, 8, 14}  # neither training_info (20) nor functions (25)
_GRAPH = {1, 2, 5, 10, 11, 12, 13}  # no sparse initialisers (15)
_NODE = {1, 2, 3, 4, 5, 6, 7}
_ATTRIBUTE = {1, 2, 3, 4, 7, 8, 20}  # neither tensors (5, 10) nor graphs (6, 11)
_TENSOR = {1, 2, 4, 5, 7, 8, 9}  # neither external data (13) nor its location (14)
_DOMAIN = {1, 2}
_VALUE_INFO, _TYPE, _TENSOR_TYPE, _SHAPE, _DIMENSION = {1, 2}, {1}, {1, 2}, {1}, {1, 2}


class OnnxInterface(NamedTuple):
    """The shapes of an example and of its prediction."""

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]


class _Node(NamedTuple):
    operator: str
    inputs: list[str]


def check_onnx(model: bytes) -> OnnxInterface:
    """Check a serialised model.

    Returns
    -------
    OnnxInterface
        What it takes and gives.

    Raises
    ------
    ValueError
        Says in a few words what is wrong with it.

    Examples
    --------
    >>> check_onnx(b"rubbish")
    Traceback (most recent call last):
    ValueError: is no ONNX model
    """
    graphs, domains = [], []
    for number, value in fields(memoryview(model), _MODEL):
        if number == 7:
            graphs.append(message(value))
        elif number == 8:
            own = dict(fields(message(value), _DOMAIN))
            domains.append(text(own.get(1, memoryview(b""))))
    if len(graphs) != 1 or not domains:
        raise ValueError("is no ONNX model")
    for domain in domains:
        _check_domain(domain)
    return _check_graph(graphs[0])


def _check_graph(graph: memoryview) -> OnnxInterface:
    nodes: list[_Node] = []
    integer_tensors: dict[str, list[int]] = {}
    ends: dict[int, list[tuple[int, ...]]] = {11: [], 12: []}
    for number, value in fields(graph, _GRAPH):
        if number == 1:
            nodes.append(_check_node(message(value)))
        elif number == 5:
            name, values = _check_tensor(message(value))
            integer_tensors[name] = values
        elif number in ends:
            ends[number].append(_shape(message(value), _TYPES[number]))
    if not 0 < len(nodes) <= _MOST_NODES:
        raise ValueError(f"has {len(nodes):,} nodes")
    if len(ends[11]) != 1 or len(ends[12]) != 1:
        raise ValueError("has more than one input or output")
    for node in nodes:
        if node.operator == "Pad":
            pads = integer_tensors.get(node.inputs[1] if len(node.inputs) > 1 else "")
            if not pads or not all(0 <= pad <= _WIDEST_PAD for pad in pads):
                raise ValueError("pads pictures further than Danqing does")
    return OnnxInterface(ends[11][0], ends[12][0])


def _check_node(node: memoryview) -> _Node:
    operator, domain, inputs = "", "", []
    for number, value in fields(node, _NODE):
        if number == 1:
            inputs.append(text(value))
        elif number == 4:
            operator = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            for inner, own in fields(message(value), _ATTRIBUTE):
                if inner in (3, 8) and any(abs(one) > _LARGEST for one in integers(own)):
                    raise ValueError(f"has an attribute above {_LARGEST:,}")
    _check_domain(domain)
    if operator not in _OPERATORS:
        raise ValueError(f"has the operator {operator[:40]!r}, which Danqing doesn't write")
    return _Node(operator, inputs)


def _check_domain(domain: str) -> None:
    if domain not in _DOMAINS:
        raise ValueError(f"has custom operators, of the domain {domain[:40]!r}")


def _check_tensor(tensor: memoryview) -> tuple[str, list[int]]:
    """Check that a constant holds as much data as its shape says; give its name and integers."""
    shape: list[int] = []
    name, kind, held = "", 0, 0
    raw = memoryview(b"")
    for number, value in fields(tensor, _TENSOR):
        if number == 1:
            shape += integers(value)
        elif number == 2:
            kind = integer(value)
        elif number == 4:
            held += 4 if isinstance(value, int) else len(value)
        elif number in (5, 7):
            held += len(integers(value)) * _ITEM_BYTES.get(kind, 0)
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = message(value)
            held += len(raw)
    if kind not in _ITEM_BYTES:
        raise ValueError(f"has numbers of the type {kind}, which Danqing doesn't write")
    if min(shape, default=0) < 0 or math.prod(shape) * _ITEM_BYTES[kind] != held:
        raise ValueError("has a tensor whose data are not of its size")
    return name, raw.cast("q").tolist() if kind == _INT64 and len(raw) % 8 == 0 else []


def _shape(value_info: memoryview, types: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape of an input or output without its first axis, of which there may be many."""
    found = message(dict(fields(value_info, _VALUE_INFO)).get(2, 0))
    tensor_type = dict(fields(message(dict(fields(found, _TYPE)).get(1, 0)), _TENSOR_TYPE))
    if tensor_type.get(1) not in types:
        raise ValueError("takes or gives numbers of another type than Danqing writes")
    dimensions = [
        dict(fields(message(dimension), _DIMENSION))
        for _, dimension in fields(message(tensor_type.get(2, 0)), _SHAPE)
    ]
    return tuple(integer(dimension.get(1, 0)) for dimension in dimensions[1:])
