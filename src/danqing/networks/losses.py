"""Loss functions, from a network's outputs, one number a row. Knows no network."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["row_losses"]


def row_losses(name: str, outputs: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    r"""Compute each row's loss.

    For classes, with :math:`p = \mathrm{softmax}(z)` and the target y, one at the label and zero
    elsewhere, smoothed to :math:`(1 - \epsilon)\,y + \epsilon / C`:

    - cross-entropy: :math:`-\sum_c y_c \ln p_c`
      (Goodfellow, Bengio & Courville 2016, section 6.2.2)
    - mean squared error: :math:`\frac{1}{C} \sum_c (p_c - y_c)^2` (section 5.1.4)

    For a number t, the squared error :math:`(z - t)^2`.

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
