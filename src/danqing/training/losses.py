"""Loss functions, from logits, as an average over the rows of a batch. Knows no network."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["loss_of"]


def loss_of(name: str, logits: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    r"""Compute a loss.

    With :math:`p = \mathrm{softmax}(z)` and the target y, one at the label and zero elsewhere,
    smoothed to :math:`(1 - \epsilon)\,y + \epsilon / C`:

    - cross-entropy: :math:`-\sum_c y_c \ln p_c`
      (Goodfellow, Bengio & Courville 2016, section 6.2.2)
    - mean squared error: :math:`\frac{1}{C} \sum_c (p_c - y_c)^2` (section 5.1.4)

    Parameters
    ----------
    name : {"cross-entropy", "mean-squared-error"}
    logits : Tensor of float, shape (n, classes)
    labels : Tensor of int, shape (n,)
    label_smoothing : float
        Share of the target spread evenly over all classes (Szegedy et al. 2016, section 7).

    Returns
    -------
    Tensor of float, shape ()

    Examples
    --------
    >>> round(float(loss_of("cross-entropy", [[0.0, 0.0]], [1])), 4)
    0.6931
    """
    logits = tf.convert_to_tensor(logits)
    classes = logits.shape[-1]
    target = tf.one_hot(labels, classes, dtype=logits.dtype)
    target = target * (1 - label_smoothing) + label_smoothing / classes
    if name == "cross-entropy":
        return -tf.reduce_mean(tf.reduce_sum(target * tf.nn.log_softmax(logits), axis=-1))
    return tf.reduce_mean(tf.square(tf.nn.softmax(logits) - target))
