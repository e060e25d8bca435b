"""Test-time augmentation: predictions averaged over views of a picture. Knows no network.

A network trained on shifted and flipped pictures predicts better by its mean prediction for such
views of the picture (Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep
convolutional neural networks", section 4.1).
"""

from __future__ import annotations

from typing import Any

from danqing.networks.architecture import SHIFTS
from danqing.networks.backend import keras, tf

__all__ = ["MeanOfViews", "Views"]


class Views(keras.layers.Layer):  # type: ignore[misc]
    """All first views of a batch, then all second ones, and so on; the first is the picture itself.

    The next four are shifted by a pixel, with the edge repeated; of 10, the last five are the first
    five flipped horizontally.

    Parameters
    ----------
    count : {5, 10}

    Examples
    --------
    >>> Views(10)(tf.ones((2, 4, 3, 1))).shape
    TensorShape([20, 4, 3, 1])
    """

    def __init__(self, count: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.count = count

    def call(self, inputs: Any) -> Any:
        """Give (count * n, height, width, channels)."""
        height, width = inputs.shape[1:3]
        framed = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        views = [
            framed[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
            for down, right in SHIFTS
        ]
        if self.count > len(views):
            views += [tf.reverse(view, [2]) for view in views]
        return tf.concat(views, axis=0)


class MeanOfViews(keras.layers.Layer):  # type: ignore[misc]
    """The mean over each picture's views: from (count * n, outputs) to (n, outputs).

    Examples
    --------
    >>> MeanOfViews(5)(tf.reshape(tf.range(10.0), (10, 1))).numpy().tolist()
    [[4.0], [5.0]]
    """

    def __init__(self, count: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.count = count

    def call(self, inputs: Any) -> Any:
        """Give (n, outputs)."""
        return tf.reduce_mean(tf.reshape(inputs, (self.count, -1, inputs.shape[-1])), axis=0)
