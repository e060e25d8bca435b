"""Horizontal flips of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["horizontal_flip"]


def horizontal_flip(pictures: Any, seed: Any) -> Any:
    """Flip half of the pictures, chosen at random, left to right.

    `pictures` and `seed` are as in `danqing.training.augmentation.augment.augment`.

    Examples
    --------
    >>> horizontal_flip(tf.ones((2, 28, 28, 1)), [0, 7]).shape
    TensorShape([2, 28, 28, 1])
    """
    chosen = tf.random.stateless_uniform((tf.shape(pictures)[0], 1, 1, 1), seed) < 0.5
    return tf.where(chosen, tf.reverse(pictures, [2]), pictures)
