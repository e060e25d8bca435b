"""Optimizers: pure functions from weights, gradients and memory to new weights and memory.

Knows no network and no schedule; the learning rate is handed in at each step.
"""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["initial_memory", "update"]

Tensors = list[Any]

_MOMENTUM = 0.9
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7
_MEMORIES = {"gradient-descent": 0, "momentum": 1, "adam": 2, "adamw": 2}


def initial_memory(optimizer: str, parameters: Tensors) -> list[Tensors]:
    """Give what an optimizer remembers before the first step: zeros, like the parameters."""
    return [[tf.zeros_like(w) for w in parameters] for _ in range(_MEMORIES[optimizer])]


def update(
    optimizer: str,
    parameters: Tensors,
    gradients: Tensors,
    memory: list[Tensors],
    learning_rate: Any,
    step: Any,
    weight_decay: float = 0.0,
) -> tuple[Tensors, list[Tensors]]:
    r"""Make one step downhill.

    With weights w, their gradient g, learning rate :math:`\eta`:

    - gradient descent: :math:`w \leftarrow w - \eta g`
      (Goodfellow, Bengio & Courville 2016, section 4.3)
    - momentum: :math:`v \leftarrow 0.9\,v - \eta g`, :math:`w \leftarrow w + v` (section 8.3.2)
    - Adam (Kingma & Ba 2015): :math:`m \leftarrow m + (1-\beta_1)(g - m)`,
      :math:`v \leftarrow v + (1-\beta_2)(g^2 - v)`,
      :math:`w \leftarrow w - \eta \frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t}
      \frac{m}{\sqrt{v} + \epsilon}`
    - AdamW (Loshchilov & Hutter 2019): :math:`w \leftarrow w - \eta \lambda w` for kernels,
      then Adam's step

    Parameters
    ----------
    optimizer : {"gradient-descent", "momentum", "adam", "adamw"}
    parameters, gradients : list of Tensor
        The same shapes in the same order.
    memory : list of list of Tensor
        From `initial_memory`, or from the step before.
    learning_rate : Tensor, shape ()
    step : Tensor of int, shape ()
        Counted from 0.
    weight_decay : float
        :math:`\lambda`; only AdamW has it.

    Returns
    -------
    parameters, memory
        After the step.

    Examples
    --------
    >>> w, _ = update("gradient-descent", [tf.constant(1.0)], [tf.constant(2.0)], [], 0.1, 0)
    >>> round(float(w[0]), 6)
    0.8
    """
    rate = tf.cast(learning_rate, parameters[0].dtype)
    if optimizer == "gradient-descent":
        return [w - rate * g for w, g in zip(parameters, gradients, strict=True)], []
    if optimizer == "momentum":
        velocity = [_MOMENTUM * v - rate * g for v, g in zip(memory[0], gradients, strict=True)]
        return [w + v for w, v in zip(parameters, velocity, strict=True)], [velocity]
    if optimizer == "adamw":
        parameters = [w - rate * weight_decay * w if w.shape.rank > 1 else w for w in parameters]
    return _adam(parameters, gradients, memory, rate, step)


def _adam(
    parameters: Tensors, gradients: Tensors, memory: list[Tensors], rate: Any, step: Any
) -> tuple[Tensors, list[Tensors]]:
    count = tf.cast(step, rate.dtype) + 1
    beta_1, beta_2 = tf.cast(_BETA_1, rate.dtype), tf.cast(_BETA_2, rate.dtype)
    alpha = rate * tf.sqrt(1 - beta_2**count) / (1 - beta_1**count)
    first = [m + (g - m) * (1 - beta_1) for m, g in zip(memory[0], gradients, strict=True)]
    second = [v + (g * g - v) * (1 - beta_2) for v, g in zip(memory[1], gradients, strict=True)]
    parameters = [
        w - alpha * m / (tf.sqrt(v) + _EPSILON)
        for w, m, v in zip(parameters, first, second, strict=True)
    ]
    return parameters, [first, second]
