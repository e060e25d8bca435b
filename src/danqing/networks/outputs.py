"""What follows from a network's outputs in TensorFlow: mean predictions, metrics, class scores.

Knows no network. Losses are in `danqing.networks.losses`.
"""

from __future__ import annotations

import math
from typing import Any

from danqing.networks.backend import keras, tf

__all__ = ["averaged", "class_scores", "row_metrics"]


def averaged(logits: list[Any], *, numbers: bool = False) -> Any:
    r"""Give the logits of several members' mean prediction.

    For classes :math:`\ln \frac{1}{M} \sum_m \mathrm{softmax}(z_m)`, whose softmax is the mean
    probability; for `numbers` the mean of the :math:`z_m`.

    Examples
    --------
    >>> import numpy as np
    >>> z = averaged([np.log([[0.5, 0.5]]), np.log([[0.1, 0.9]])])
    >>> np.exp(np.asarray(z)).round(3).tolist()
    [[0.3, 0.7]]
    """
    if len(logits) == 1:
        return logits[0]
    several = keras.ops.stack(logits)
    if numbers:
        return keras.ops.mean(several, axis=0)
    return keras.ops.logsumexp(keras.ops.log_softmax(several), axis=0) - math.log(len(logits))


def class_scores(logits: Any, classes: Any) -> Any:
    r"""Give the logit of a class's probability in each row.

    :math:`\ln p_c / (1 - p_c) = z_c - \ln \sum_{j \ne c} e^{z_j}`

    Parameters
    ----------
    logits : Tensor of float, shape (n, classes)
    classes : Tensor of int, shape (n,)

    Returns
    -------
    Tensor of float, shape (n,)

    Examples
    --------
    >>> class_scores(tf.math.log([[0.75, 0.25]]), [0]).numpy().tolist()  # ln 3
    [1.0986123085021973]
    """
    chosen = tf.gather(logits, classes, axis=1, batch_dims=1)
    is_chosen = tf.one_hot(classes, logits.shape[-1], on_value=True, off_value=False)
    others = tf.where(is_chosen, logits.dtype.min, logits)
    return chosen - tf.reduce_logsumexp(others, axis=1)


def row_metrics(outputs: Any, targets: Any) -> Any:
    """Give what accuracy or mean absolute error is the mean of: a number for each row.

    Parameters
    ----------
    outputs : Tensor of float, shape (n, classes) or (n, 1)
        Logits, or numbers.
    targets : Tensor, shape (n,)
        Classes as int, numbers as float.

    Returns
    -------
    Tensor of float, shape (n,)
        1 for a correct class and 0 for a wrong one; for numbers, the absolute error.

    Examples
    --------
    >>> row_metrics(tf.constant([[0.2, 0.8], [0.9, 0.1]]), tf.constant([1, 1])).numpy().tolist()
    [1.0, 0.0]
    """
    if targets.dtype.is_floating:
        return tf.abs(outputs[:, 0] - targets)
    predicted = tf.argmax(outputs, axis=-1, output_type=targets.dtype)
    return tf.cast(predicted == targets, outputs.dtype)
