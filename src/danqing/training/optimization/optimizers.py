"""Optimizers: pure functions from weights, gradients and slots to new weights and slots.

Knows no network and no schedule; the learning rate is handed in at each step.
"""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["initial_slots", "update"]

Tensors = list[Any]

_MOMENTUM = 0.9
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7
_SLOTS = {"gradient-descent": 0, "momentum": 1, "adam": 2, "adamw": 2, "muon": 2}
# Muon's: momentum, the update's root mean square, and the polynomial that, applied five times,
# takes all singular values close to 1.
_MUON_MOMENTUM, _MUON_SIZE, _ROUNDS = 0.95, 0.2, 5
_A, _B, _C = 3.4445, -4.7750, 2.0315


def initial_slots(optimizer: str, parameters: Tensors) -> list[Tensors]:
    """Make an optimizer's state before the first step: slots of zeros, like the parameters."""
    return [[tf.zeros_like(w) for w in parameters] for _ in range(_SLOTS[optimizer])]


def update(
    optimizer: str,
    parameters: Tensors,
    gradients: Tensors,
    slots: list[Tensors],
    learning_rate: Any,
    step: Any,
    weight_decay: float = 0.0,
    hidden: tuple[int, ...] = (),
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
    - Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"), for
      hidden kernels, flattened to n inputs by m outputs:
      :math:`v \leftarrow 0.95\,v + g`, and with :math:`U \Sigma V^\top = g + 0.95\,v`,
      :math:`w \leftarrow w - \eta \lambda w - 0.2\,\eta \sqrt{\max(n, m)}\; U V^\top`, whose
      size is that of an AdamW step (Liu et al. 2025, "Muon is scalable for LLM training",
      section 2.2); AdamW's step for all else

    Parameters
    ----------
    optimizer : {"gradient-descent", "momentum", "adam", "adamw", "muon"}
    parameters, gradients : list of Tensor
        The same shapes in the same order.
    slots : list of list of Tensor
        From `initial_slots`, or from the step before.
    learning_rate : Tensor, shape ()
    step : Tensor of int, shape ()
        Counted from 0.
    weight_decay : float
        :math:`\lambda`; only AdamW and Muon use it.
    hidden : tuple of int
        Positions of the hidden layers' kernels; only Muon uses them.

    Returns
    -------
    parameters, slots
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
        velocity = [_MOMENTUM * v - rate * g for v, g in zip(slots[0], gradients, strict=True)]
        return [w + v for w, v in zip(parameters, velocity, strict=True)], [velocity]
    if optimizer in ("adamw", "muon"):
        parameters = [w - rate * weight_decay * w if w.shape.rank > 1 else w for w in parameters]
    if optimizer == "muon":
        return _muon(parameters, gradients, slots, rate, step, hidden)
    return _adam(parameters, gradients, slots, rate, step)


def _adam(
    parameters: Tensors, gradients: Tensors, slots: list[Tensors], rate: Any, step: Any
) -> tuple[Tensors, list[Tensors]]:
    count = tf.cast(step, rate.dtype) + 1
    beta_1, beta_2 = tf.cast(_BETA_1, rate.dtype), tf.cast(_BETA_2, rate.dtype)
    alpha = rate * tf.sqrt(1 - beta_2**count) / (1 - beta_1**count)
    first = [m + (g - m) * (1 - beta_1) for m, g in zip(slots[0], gradients, strict=True)]
    second = [v + (g * g - v) * (1 - beta_2) for v, g in zip(slots[1], gradients, strict=True)]
    parameters = [
        w - alpha * m / (tf.sqrt(v) + _EPSILON)
        for w, m, v in zip(parameters, first, second, strict=True)
    ]
    return parameters, [first, second]


def _muon(
    parameters: Tensors,
    gradients: Tensors,
    slots: list[Tensors],
    rate: Any,
    step: Any,
    hidden: tuple[int, ...],
) -> tuple[Tensors, list[Tensors]]:
    # For hidden kernels Adam's step is not used, and the compiler drops it.
    after, [first, second] = _adam(parameters, gradients, slots, rate, step)
    for place in hidden:
        w, g = parameters[place], gradients[place]
        first[place] = _MUON_MOMENTUM * slots[0][place] + g
        second[place] = slots[1][place]
        direction = tf.reshape(g + _MUON_MOMENTUM * first[place], (-1, w.shape[-1]))
        size = _MUON_SIZE * max(direction.shape) ** 0.5
        after[place] = w - rate * size * tf.reshape(_orthogonal(direction), w.shape)
    return after, [first, second]


def _orthogonal(matrix: Any) -> Any:
    r"""Approximate :math:`U V^\top` of :math:`X = U \Sigma V^\top`, by Newton-Schulz rounds.

    Each round, :math:`X \leftarrow X Q` with :math:`A = X^\top X` and
    :math:`Q = a I + b A + c A^2`. As :math:`X^\top X` then is :math:`Q A Q`, all rounds but for the
    first and the last product work on a square matrix of the smaller side.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix if tall else tf.transpose(matrix)
    x = x / (tf.norm(x) + 1e-7)
    square = tf.matmul(x, x, transpose_a=True)
    one = tf.eye(square.shape[0], dtype=x.dtype)
    turn = one
    for last in [False] * (_ROUNDS - 1) + [True]:
        factor = _A * one + _B * square + _C * tf.matmul(square, square)
        turn = tf.matmul(turn, factor)
        if not last:
            square = tf.matmul(factor, tf.matmul(square, factor))
    x = tf.matmul(x, turn)
    return x if tall else tf.transpose(x)
