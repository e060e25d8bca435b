"""The nodes and constants of an ONNX graph while it is being written. Knows no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OnnxNodes"]


class OnnxNodes:
    """A growing list of nodes, each known by the name of its one output.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : list of onnx.TensorProto

    Examples
    --------
    >>> graph = OnnxNodes()
    >>> two = graph.constant("two", np.array([2.0]))
    >>> graph.node("Neg", graph.node("Mul", "x", two))
    'neg_1'
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and give its output's name."""
        from onnx import helper

        output = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant and give its name back."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name
