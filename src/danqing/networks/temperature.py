"""Temperature scaling of probabilities: more or less confident, with the same labels.

Knows arrays; no network and no TensorFlow. How the temperature is fitted is in
`danqing.evaluation.calibration`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_PROBABILITY", "scale_temperature"]

LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""What replaces 0, to which float32 rounds small probabilities: its logarithm is finite."""


def scale_temperature(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    r"""Make predictions less confident (temperature above 1) or more (below 1).

    :math:`p_k' = p_k^{1/T} / \sum_j p_j^{1/T}`, which is the softmax of logits over T (C. Guo,
    G. Pleiss, Y. Sun & K. Weinberger 2017, "On calibration of modern neural networks", ICML).
    Powers keep the order, so that no label changes. With 1 / T it is undone.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
    temperature : float
        Above 0.

    Returns
    -------
    ndarray of float64, shape (n, classes)

    Examples
    --------
    >>> scale_temperature(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    p = np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY)
    logs = np.log(p) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
