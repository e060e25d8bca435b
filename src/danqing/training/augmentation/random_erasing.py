"""Random erasing of a square of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["random_erasing"]

# The smallest and largest side of the erased square, of the picture's shorter side.
_SMALLEST, _LARGEST = 0.15, 0.5


def random_erasing(pictures: Any, probability: float, seed: Any) -> Any:
    """Set a square of some of the pictures to 0.

    Its side is between 0.15 and 0.5 of the picture's shorter side, its position anywhere inside. A
    network that always sees whole objects may come to rely on a single part of them (DeVries &
    Taylor 2017, "Improved regularization of convolutional neural networks with Cutout").

    `pictures` and `seed` are as in `danqing.training.augmentation.augment.augment`; each picture
    loses a square with `probability`.

    Examples
    --------
    >>> erased = random_erasing(tf.ones((2, 28, 28, 1)), 1.0, [0, 7])
    >>> gone = 28**2 - tf.reduce_sum(erased, axis=[1, 2, 3])
    >>> bool(tf.reduce_all((gone >= 4**2) & (gone <= 15**2)))
    True
    """
    height, width = pictures.shape[1:3]
    random = tf.random.stateless_uniform((4, tf.shape(pictures)[0], 1, 1), seed)
    side = min(height, width) * (_SMALLEST + (_LARGEST - _SMALLEST) * random[0])
    top, left = random[1] * (height - side), random[2] * (width - side)
    row = tf.range(height, dtype=random.dtype)[:, tf.newaxis] + 0.5
    column = tf.range(width, dtype=random.dtype) + 0.5
    inside = (row > top) & (row < top + side) & (column > left) & (column < left + side)
    erased = inside & (random[3] < probability)
    return tf.where(erased[..., tf.newaxis], tf.zeros_like(pictures), pictures)
