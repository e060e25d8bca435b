"""What every kind of layer in `danqing.networks.layers.computations` must be able to do.

Knows no kind. Keras is imported only where a Keras layer is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Layer
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["Array", "LayerComputation", "Start", "Weights"]

Array = NDArray[np.float64]
Weights = Mapping[str, NDArray[Any]]
"""A layer's own weights by their short names, such as ``kernel``."""


@dataclass(frozen=True)
class Start:
    """What a Keras layer starts from, before training.

    Attributes
    ----------
    name : str
        Of the Keras layer.
    seed : int
    kernel : keras.initializers.Initializer
    target : (mean, scale)
        Of a regression's targets.
    temperature : float
        What softmax divides the logits by.
    """

    name: str
    seed: int
    kernel: Any
    target: tuple[float, float]
    temperature: float = 1.0


class LayerComputation(ABC):
    """What a kind of layer computes: as a Keras layer, as ONNX nodes, in NumPy.

    NumPy computes in float64 and as at prediction: dropout does nothing, and batchnorm uses its
    running statistics. Batches come first, and channels last; in ONNX pictures have their channels
    first.
    """

    @abstractmethod
    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make the Keras layer."""

    @abstractmethod
    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Add nodes from the input named `x`; give the output's name."""

    @abstractmethod
    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Compute the output, shape (n, *layer.output_shape)."""

    @abstractmethod
    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        r"""Apply the chain rule.

        Parameters
        ----------
        layer : Layer
        weights : mapping of str to ndarray
        x : ndarray, shape (n, *layer.input_shape)
            What `forward` was given.
        delta : ndarray, shape (n, *layer.output_shape)
            The gradient by the output, :math:`\partial L / \partial y`.

        Returns
        -------
        by_input : ndarray
            The gradient by `x`.
        by_weight : dict of ndarray
            The gradient by each trainable weight, summed over the batch.
        """
