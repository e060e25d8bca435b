"""Augmentation: small random warps of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf

__all__ = [
    "elastic_deformation",
    "horizontal_flip",
    "photometric_distortion",
    "random_affine",
    "random_erasing",
]

# At strength 1, the most that a picture is turned, stretched, slanted and shifted.
_ROTATION = math.radians(10)
_SCALING = 0.1
_SLANT = 0.1
_SHIFT = 2 / 28  # of the picture's side

# The random arrows along each side of a picture that bends, and their standard deviation at
# strength 1, of the picture's side; between them it is smaller, about 0.7 pixels of 28.
_ARROWS = 5
_ELASTIC = 1.5 / 28

# The least and the greatest side of an erased square, of the picture's.
_SMALLEST, _LARGEST = 0.15, 0.5

# The least that is left of a faded picture's contrast, and the most noise's standard deviation, of
# the whole range.
_FAINTEST = 0.2
_NOISIEST = 0.3


def random_affine(pictures: Any, strength: float, seed: Any) -> Any:
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
    >>> random_affine(pictures, 1.0, [0, 7]).shape
    TensorShape([2, 28, 28, 1])
    """
    height, width = pictures.shape[1:3]
    random = strength * tf.random.stateless_uniform((tf.shape(pictures)[0], 6), seed, -1.0, 1.0)
    turn, scale_x, scale_y, slant, shift_x, shift_y = tf.unstack(random, axis=1)
    cos, sin = tf.cos(turn * _ROTATION), tf.sin(turn * _ROTATION)
    scale_x, scale_y = 1 + scale_x * _SCALING, 1 + scale_y * _SCALING
    slant = slant * _SLANT
    a, b = cos * scale_x, (slant * cos - sin) * scale_y
    c, d = sin * scale_x, (slant * sin + cos) * scale_y
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    to_x = middle_x - a * middle_x - b * middle_y + shift_x * _SHIFT * width
    to_y = middle_y - c * middle_x - d * middle_y + shift_y * _SHIFT * height
    nought = tf.zeros_like(a)
    transformed = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a, b, to_x, c, d, to_y, nought, nought], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(transformed, pictures.shape)


def elastic_deformation(pictures: Any, strength: float, seed: Any) -> Any:
    """Bend each picture by its own smooth field of small random displacements.

    A coarse grid of arrows, normally distributed, is smoothed to a displacement for every pixel
    by cubic B-splines; each pixel is taken from where its displacement points, by bilinear
    interpolation; what lies outside is 0 (the elastic distortions of Simard, Steinkraus & Platt
    2003, "Best practices for convolutional neural networks", section 2).

    Parameters
    ----------
    pictures : Tensor, shape (n, height, width, channels)
    strength : float
        0 leaves them as they are.
    seed : Tensor of int32, shape (2,)
        The fields are a pure function of it.

    Returns
    -------
    Tensor
        Of the same shape and type.

    Examples
    --------
    >>> pictures = tf.random.normal((2, 28, 28, 1))
    >>> bool(tf.reduce_all(elastic_deformation(pictures, 0.0, [0, 7]) == pictures))
    True
    """
    height, width, channels = pictures.shape[1:]
    count, dtype = tf.shape(pictures)[0], pictures.dtype
    arrows = tf.random.stateless_normal((count, _ARROWS**2, 2), seed, dtype=dtype)
    steps = tf.einsum("pa,nac->npc", tf.constant(_smoothing(height, width), dtype), arrows)
    pixels = np.indices((height, width)).reshape(2, -1).T
    places = tf.constant(pixels, dtype) + strength * _ELASTIC * min(height, width) * steps
    corner = tf.floor(places)
    down, right = tf.split(places - corner, 2, axis=-1)
    row, column = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    # In a frame of zeros every place has four neighbours.
    framed = tf.reshape(tf.pad(pictures, [[0, 0], [2, 2], [2, 2], [0, 0]]), (count, -1, channels))
    row = tf.clip_by_value(row, -2, height) + 2
    first = row * (width + 4) + tf.clip_by_value(column, -2, width) + 2
    above = _between(framed, first, right)
    below = _between(framed, first + width + 4, right)
    return tf.reshape(above + (below - above) * down, tf.shape(pictures))


def random_erasing(pictures: Any, share: float, seed: Any) -> Any:
    """Blacken a square of some of the pictures.

    Its side is between 0.15 and 0.5 of the picture's shorter one, its place anywhere inside. A
    network that never misses a part comes to rest its answer on one (DeVries & Taylor 2017,
    "Improved regularization of convolutional neural networks with Cutout").

    Parameters
    ----------
    pictures : Tensor, shape (n, height, width, channels)
    share : float
        How likely each is to lose a square, 0 to 1.
    seed : Tensor of int32, shape (2,)
        The squares are a pure function of it.

    Returns
    -------
    Tensor
        Of the same shape and type.

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
    erased = inside & (random[3] < share)
    return tf.where(erased[..., tf.newaxis], tf.zeros_like(pictures), pictures)


def photometric_distortion(pictures: Any, share: float, seed: Any) -> Any:
    r"""Take contrast from some of the pictures, and lay noise over some.

    A chosen picture's range, 0 to 255, is brought to a part of it, :math:`c` times as wide, that
    begins anywhere: :math:`g + c x`, with c between 0.2 and 1. Chosen anew, some get normal noise
    of a standard deviation of up to 0.3 of the range, the same for all of a picture. Without both,
    batchnorm's networks take a pale or a grainy picture for something they never saw (Hendrycks &
    Dietterich 2019, "Benchmarking neural network robustness to common corruptions and
    perturbations", has the corruptions; Rusak et al. 2020, "A simple way to make neural networks
    robust against diverse image corruptions", the noise as a remedy).

    Parameters
    ----------
    pictures : Tensor, shape (n, height, width, channels)
        From 0 to 255.
    share : float
        How likely each is to be chosen, 0 to 1: for less contrast, and, apart, for noise.
    seed : Tensor of int32, shape (2,)
        The changes are a pure function of it.

    Returns
    -------
    Tensor
        Of the same shape and type, from 0 to 255.

    Examples
    --------
    >>> pictures = tf.random.uniform((2, 28, 28, 1), 0, 255)
    >>> bool(tf.reduce_all(photometric_distortion(pictures, 0.0, [0, 7]) == pictures))
    True
    """
    seed, dtype = tf.convert_to_tensor(seed), pictures.dtype
    shape = (5, tf.shape(pictures)[0], 1, 1, 1)
    random = tf.cast(tf.random.stateless_uniform(shape, seed), dtype)
    contrast = 1 - (1 - _FAINTEST) * tf.where(random[0] < share, random[1], 0)
    ground = 255 * (1 - contrast) * random[2]
    deviation = 255 * _NOISIEST * tf.where(random[3] < share, random[4], 0)
    seed += tf.constant([1 << 28, 0])
    noise = tf.cast(tf.random.stateless_normal(tf.shape(pictures), seed), dtype)
    return tf.clip_by_value(ground + contrast * pictures + deviation * noise, 0, 255)


def horizontal_flip(pictures: Any, seed: Any) -> Any:
    """Mirror half of the pictures, left to right, chosen at random.

    Parameters
    ----------
    pictures : Tensor, shape (n, height, width, channels)
    seed : Tensor of int32, shape (2,)
        The choice is a pure function of it.

    Examples
    --------
    >>> horizontal_flip(tf.ones((2, 28, 28, 1)), [0, 7]).shape
    TensorShape([2, 28, 28, 1])
    """
    chosen = tf.random.stateless_uniform((tf.shape(pictures)[0], 1, 1, 1), seed) < 0.5
    return tf.where(chosen, tf.reverse(pictures, [2]), pictures)


def _between(pixels: Any, first: Any, share: Any) -> Any:
    """Interpolate between pixels and their right neighbours."""
    left = tf.gather(pixels, first, batch_dims=1)
    return left + (tf.gather(pixels, first + 1, batch_dims=1) - left) * share


@functools.cache
def _smoothing(height: int, width: int) -> NDArray[np.float64]:
    """Give each arrow's weight at each pixel, shape (height * width, arrows)."""
    from scipy.interpolate import BSpline

    def along(side: int) -> NDArray[np.float64]:
        degree = 3
        places = (np.arange(side) + 0.5) / side * (_ARROWS - degree)
        knots = np.arange(-degree, _ARROWS + 1, dtype=float)
        return np.asarray(BSpline.design_matrix(places, knots, degree).toarray())

    return np.asarray(np.kron(along(height), along(width)), dtype=np.float64)
