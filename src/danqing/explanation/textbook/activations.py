"""Activations and their derivatives, in NumPy. Knows no layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["activate", "derivative"]

Array = NDArray[np.float64]

_SLOPE = 0.2  # Keras' slope of leaky_relu below zero
# Klambauer et al. 2017, "Self-normalizing neural networks".
_ALPHA, _LAMBDA = 1.6732632423543772, 1.0507009873554805


def activate(kind: str, x: Array) -> Array:
    """Apply an activation, as Keras defines it.

    Examples
    --------
    >>> activate("relu", np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    match kind:
        case "relu":
            return np.maximum(x, 0)
        case "leaky_relu":
            return np.where(x > 0, x, _SLOPE * x)
        case "elu":
            return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
        case "selu":
            return _LAMBDA * np.where(x > 0, x, _ALPHA * np.expm1(np.minimum(x, 0)))
        case "gelu":
            return np.asarray(x * _normal_below(x))
        case "silu":
            return np.asarray(x * _sigmoid(x))
        case "tanh":
            return np.asarray(np.tanh(x))
        case "sigmoid":
            return _sigmoid(x)
    raise ValueError(f"{kind} is no activation")


def derivative(kind: str, x: Array) -> Array:
    """Give an activation's derivative at its input; at ReLU's corner it is 0.

    Examples
    --------
    >>> derivative("tanh", np.array([0.0])).tolist()
    [1.0]
    """
    match kind:
        case "relu":
            return np.asarray((x > 0) * 1.0)
        case "leaky_relu":
            return np.where(x > 0, 1.0, _SLOPE)
        case "elu":
            return np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)))
        case "selu":
            return _LAMBDA * np.where(x > 0, 1.0, _ALPHA * np.exp(np.minimum(x, 0)))
        case "gelu":
            return np.asarray(_normal_below(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))
        case "silu":
            s = _sigmoid(x)
            return np.asarray(s * (1 + x * (1 - s)))
        case "tanh":
            return np.asarray(1 - np.tanh(x) ** 2)
        case "sigmoid":
            s = _sigmoid(x)
            return np.asarray(s * (1 - s))
    raise ValueError(f"{kind} is no activation")


def _sigmoid(x: Array) -> Array:
    from scipy.special import expit

    return np.asarray(expit(x))


def _normal_below(x: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))
