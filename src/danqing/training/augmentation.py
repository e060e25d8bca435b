"""Augmentation: small random warps of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

import math
from typing import Any

from danqing.networks.backend import tf

__all__ = ["warp"]

# At strength 1, the most that a picture is turned, stretched, slanted and shifted.
_ROTATION = math.radians(10)
_STRETCH = 0.1
_SLANT = 0.1
_SHIFT = 2 / 28  # of the picture's side


def warp(pictures: Any, strength: float, seed: Any) -> Any:
    r"""Warp each picture by its own small random affine map.

    A pixel at c, seen from the picture's middle, is taken from :math:`A c + d`, with A a rotation
    times a stretch and a slant, by bilinear interpolation; what lies outside is 0
    (Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks").

    Parameters
    ----------
    pictures : Tensor, shape (n, height, width, channels)
    strength : float
        0 leaves them as they are.
    seed : Tensor of int32, shape (2,)
        The warps are a pure function of it.

    Returns
    -------
    Tensor
        Of the same shape and type.

    Examples
    --------
    >>> pictures = tf.ones((2, 28, 28, 1))
    >>> warp(pictures, 1.0, [0, 7]).shape
    TensorShape([2, 28, 28, 1])
    """
    height, width = pictures.shape[1:3]
    random = strength * tf.random.stateless_uniform((tf.shape(pictures)[0], 6), seed, -1.0, 1.0)
    turn, stretch_x, stretch_y, slant, shift_x, shift_y = tf.unstack(random, axis=1)
    cos, sin = tf.cos(turn * _ROTATION), tf.sin(turn * _ROTATION)
    stretch_x, stretch_y = 1 + stretch_x * _STRETCH, 1 + stretch_y * _STRETCH
    slant = slant * _SLANT
    a, b = cos * stretch_x, (slant * cos - sin) * stretch_y
    c, d = sin * stretch_x, (slant * sin + cos) * stretch_y
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    to_x = middle_x - a * middle_x - b * middle_y + shift_x * _SHIFT * width
    to_y = middle_y - c * middle_x - d * middle_y + shift_y * _SHIFT * height
    nought = tf.zeros_like(a)
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a, b, to_x, c, d, to_y, nought, nought], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(warped, pictures.shape)
