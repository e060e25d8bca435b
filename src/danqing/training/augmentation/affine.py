"""Random affine transformations of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

import math
from typing import Any

from danqing.networks.backend import tf

__all__ = ["random_affine"]

# The largest changes at strength 1.
_ROTATION = math.radians(10)
_SCALING = 0.1
_SHEAR = 0.1
_SHIFT = 2 / 28  # of the picture's side


def random_affine(pictures: Any, strength: float, seed: Any) -> Any:
    r"""Transform each picture by its own small random affine map.

    The pixel at c, measured from the picture's centre, is taken from :math:`A c + d`, where A is a
    rotation times a scaling and a shear, by bilinear interpolation; outside of the picture is 0
    (Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks").

    `pictures` and `seed` are as in `danqing.training.augmentation.augment.augment`; a `strength`
    of 0 changes nothing.

    Examples
    --------
    >>> pictures = tf.ones((2, 28, 28, 1))
    >>> random_affine(pictures, 1.0, [0, 7]).shape
    TensorShape([2, 28, 28, 1])
    """
    height, width = pictures.shape[1:3]
    random = strength * tf.random.stateless_uniform((tf.shape(pictures)[0], 6), seed, -1.0, 1.0)
    rotation, scale_x, scale_y, shear, shift_x, shift_y = tf.unstack(random, axis=1)
    cos, sin = tf.cos(rotation * _ROTATION), tf.sin(rotation * _ROTATION)
    scale_x, scale_y = 1 + scale_x * _SCALING, 1 + scale_y * _SCALING
    shear = shear * _SHEAR
    a, b = cos * scale_x, (shear * cos - sin) * scale_y
    c, d = sin * scale_x, (shear * sin + cos) * scale_y
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    to_x = centre_x - a * centre_x - b * centre_y + shift_x * _SHIFT * width
    to_y = centre_y - c * centre_x - d * centre_y + shift_y * _SHIFT * height
    zero = tf.zeros_like(a)
    transformed = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a, b, to_x, c, d, to_y, zero, zero], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(transformed, pictures.shape)
