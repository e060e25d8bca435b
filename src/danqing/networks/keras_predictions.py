"""What a Keras model predicts for many examples, in the target's own unit and at a temperature.

Knows no files, and nothing of how the model was made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.build import logits_of
from danqing.networks.temperature import scale_temperature

__all__ = ["in_batches", "predict_by_keras"]

_VALUES = 1 << 20  # in a batch of examples


def predict_by_keras(
    model: Any,
    examples: NDArray[Any],
    *,
    target: tuple[float, float] | None = None,
    temperature: float = 1.0,
) -> NDArray[Any]:
    """Predict encoded examples, a batch at a time.

    Parameters
    ----------
    model : keras.Model
        As `danqing.networks.build.build` makes it.
    examples : ndarray, shape (n, ...)
    target : (mean, scale), optional
        Of a regression's targets: the offset is added in float64, as the ONNX network adds it.
    temperature : float
        What the model's probabilities are still to be scaled by.

    Returns
    -------
    ndarray of float64, shape (n, outputs)
    """
    network = model if target is None else logits_of(model)
    outputs = in_batches(lambda x: network(x, training=False), examples).astype(np.float64)
    if target is not None:
        mean, scale = target
        return outputs * scale + mean
    return outputs if temperature == 1 else scale_temperature(outputs, temperature)


def in_batches(compute: Callable[[Any], Any], examples: NDArray[Any]) -> NDArray[Any]:
    """Compute the outputs of examples, as float32, about a million values at a time."""
    size = max(1, _VALUES // max(1, int(np.prod(examples.shape[1:]))))
    batches = [
        np.asarray(compute(examples[start : start + size].astype(np.float32)))
        for start in range(0, max(len(examples), 1), size)
    ]
    return np.concatenate(batches)
