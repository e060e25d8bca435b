"""The network in NumPy and float64, forward and backward, with everything it computes on the way.

Written to be read and compared with, not for speed. Knows no TensorFlow, and no kind of layer: see
`danqing.networks.layers.computations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture
from danqing.networks.layers.computations import COMPUTATIONS, layers_with_weights
from danqing.preparation.preparation import Preparation

__all__ = ["NumpyNetwork"]

Array = NDArray[np.float64]


class NumpyNetwork:
    """A network that shows everything it computes.

    Parameters
    ----------
    architecture : Architecture
        No ensemble, without test-time augmentation. The logits among the outputs are not divided by
        its temperature; the probabilities are calibrated.
    preparation : Preparation
    tensors : mapping of ndarray
        The weights by name, such as ``dense/kernel``.

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> from danqing.preparation.scaling import Scaling
    >>> preparation = Preparation(Scaling("feature", np.zeros(2), np.ones(2)), target=(1.0, 2.0))
    >>> tensors = {"output/kernel": np.array([[1.0], [3.0]]), "output/bias": np.array([0.5])}
    >>> linear = NumpyNetwork(design("linear", (2,), 0), preparation, tensors)
    >>> [values.tolist() for values in linear.outputs(np.array([[1.0, 2.0]]))]
    [[[1.0, 2.0]], [[7.5]], [[16.0]]]
    """

    def __init__(
        self,
        architecture: Architecture,
        preparation: Preparation,
        tensors: Mapping[str, NDArray[Any]],
    ) -> None:
        self.architecture, self.preparation = architecture, preparation
        self.tensors = {name: np.asarray(tensor, np.float64) for name, tensor in tensors.items()}
        self._layers = list(layers_with_weights(architecture, preparation, self.tensors))

    def with_tensors(self, tensors: Mapping[str, NDArray[Any]]) -> NumpyNetwork:
        """Give the same network with some weights replaced."""
        return NumpyNetwork(self.architecture, self.preparation, {**self.tensors, **tensors})

    def outputs(self, examples: NDArray[Any]) -> list[Array]:
        """Go forward: the scaled examples, then every layer's output, the predictions last."""
        values = [self.preparation.scaling.transform(np.asarray(examples, np.float64))]
        for layer, weights in self._layers:
            values.append(COMPUTATIONS[layer.kind].forward(layer, weights, values[-1]))
        return values

    def gradients(
        self, outputs: list[Array], at_logits: Array
    ) -> tuple[list[Array], dict[str, Array]]:
        r"""Go backward by the chain rule.

        For each layer :math:`y = f(x; w)`, from :math:`\partial L / \partial y` to
        :math:`\partial L / \partial x` and :math:`\partial L / \partial w` (Rumelhart, Hinton &
        Williams 1986; Goodfellow, Bengio & Courville 2016, section 6.5).

        Parameters
        ----------
        outputs : list of ndarray
            What `outputs` gave.
        at_logits : ndarray
            The gradient of the loss by the logits, the last output but one.

        Returns
        -------
        by_output : list of ndarray
            The gradient by each of `outputs` but the last.
        by_weight : dict of ndarray
            The gradient by each trainable weight, summed over the examples.
        """
        delta = at_logits
        by_output, by_weight = [delta], {}
        for (layer, weights), x in zip(self._layers[-2::-1], outputs[-3::-1], strict=True):
            delta, own = COMPUTATIONS[layer.kind].backward(layer, weights, x, delta)
            by_weight.update({f"{layer.name}/{name}": value for name, value in own.items()})
            by_output.append(delta)
        return by_output[::-1], by_weight
