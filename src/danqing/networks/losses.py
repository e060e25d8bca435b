r"""Loss functions of a network's outputs, once in TensorFlow and once in NumPy. Knows no network.

For classes, with :math:`p = \mathrm{softmax}(z)` and the target y, one at the label and zero
elsewhere, smoothed to :math:`(1 - \epsilon)\,y + \epsilon / C`:

- cross-entropy: :math:`-\sum_c y_c \ln p_c`, with the gradient :math:`p - y` by the logits
  (Goodfellow, Bengio & Courville 2016, section 6.2.2)
- mean squared error: :math:`\frac{1}{C} \sum_c (p_c - y_c)^2` (section 5.1.4), with the gradient
  :math:`p_k (d_k - \sum_c d_c p_c)`, where :math:`d_c = 2 (p_c - y_c) / C`

For a number t, the squared error :math:`(z - t)^2`, with the gradient :math:`2 (z - t)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["loss_and_gradient", "row_losses"]


def row_losses(name: str, outputs: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    r"""Compute each row's loss in TensorFlow.

    Parameters
    ----------
    name : {"cross-entropy", "mean-squared-error"}
    outputs : Tensor of float, shape (n, classes) or (n, 1)
        Logits, or numbers.
    targets : Tensor, shape (n,) or (n, classes)
        Classes as int, numbers as float; or probabilities, which are not smoothed.
    label_smoothing : float
        Share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).

    Returns
    -------
    Tensor of float, shape (n,)

    Examples
    --------
    >>> row_losses("cross-entropy", [[0.0, 0.0]], [1]).numpy().round(4).tolist()
    [0.6930999755859375]
    >>> row_losses("mean-squared-error", [[3.0]], [1.0]).numpy().tolist()
    [4.0]
    """
    from danqing.networks.backend import tf

    outputs, targets = tf.convert_to_tensor(outputs), tf.convert_to_tensor(targets)
    if targets.shape.rank == 2:
        target = targets
    elif targets.dtype.is_floating:
        return tf.square(outputs[:, 0] - targets)
    else:
        classes = outputs.shape[-1]
        target = tf.one_hot(targets, classes, dtype=outputs.dtype)
        target = target * (1 - label_smoothing) + label_smoothing / classes
    if name == "cross-entropy":
        return -tf.reduce_sum(target * tf.nn.log_softmax(outputs), axis=-1)
    return tf.reduce_mean(tf.square(tf.nn.softmax(outputs) - target), axis=-1)


def loss_and_gradient(
    name: str, outputs: NDArray[np.float64], targets: NDArray[Any], label_smoothing: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Compute each row's loss, and its gradient by the outputs, in NumPy.

    Parameters
    ----------
    name : {"cross-entropy", "mean-squared-error"}
    outputs : ndarray, shape (n, classes) or (n, 1)
    targets : ndarray, shape (n,) or (n, classes)
    label_smoothing : float
        All as in `row_losses`.

    Returns
    -------
    losses : ndarray, shape (n,)
    gradients : ndarray of the shape of `outputs`

    Examples
    --------
    >>> loss, gradient = loss_and_gradient("cross-entropy", np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist(), gradient.tolist()
    ([0.6931], [[0.5, -0.5]])
    """
    if targets.ndim == 2:
        y = targets
    elif np.issubdtype(targets.dtype, np.floating):
        error = outputs[:, 0] - targets
        return error**2, 2 * error[:, None]
    else:
        classes = outputs.shape[-1]
        y = np.eye(classes)[targets] * (1 - label_smoothing) + label_smoothing / classes
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(logarithms)
    if name == "cross-entropy":
        return -(y * logarithms).sum(axis=-1), p - y
    by_p = 2 * (p - y) / outputs.shape[-1]
    return ((p - y) ** 2).mean(axis=-1), p * (by_p - (by_p * p).sum(axis=-1, keepdims=True))
