"""Elastic deformation of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf

__all__ = ["elastic_deformation"]

# Displacements are drawn on a coarse grid, so many along each side, with this standard deviation
# (of the picture's side) at strength 1; interpolated, it is smaller, about 0.7 pixels of 28.
_GRID = 5
_DEVIATION = 1.5 / 28


def elastic_deformation(pictures: Any, strength: float, seed: Any) -> Any:
    """Deform each picture by its own smooth field of small random displacements.

    Normally distributed displacements on a coarse grid are interpolated to every pixel by cubic
    B-splines. Each pixel is taken from where its displacement points, by bilinear interpolation;
    outside of the picture is 0 (Simard, Steinkraus & Platt 2003, "Best practices for convolutional
    neural networks", section 2).

    `pictures` and `seed` are as in `danqing.training.augmentation.augment.augment`; a `strength`
    of 0 changes nothing.

    Examples
    --------
    >>> pictures = tf.random.normal((2, 28, 28, 1))
    >>> bool(tf.reduce_all(elastic_deformation(pictures, 0.0, [0, 7]) == pictures))
    True
    """
    height, width, channels = pictures.shape[1:]
    count, dtype = tf.shape(pictures)[0], pictures.dtype
    coarse = tf.random.stateless_normal((count, _GRID**2, 2), seed, dtype=dtype)
    field = tf.einsum("pg,ngc->npc", tf.constant(_spline_weights(height, width), dtype), coarse)
    pixels = np.indices((height, width)).reshape(2, -1).T
    places = tf.constant(pixels, dtype) + strength * _DEVIATION * min(height, width) * field
    corner = tf.floor(places)
    down, right = tf.split(places - corner, 2, axis=-1)
    row, column = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    # Padded with zeros, every place has four neighbours.
    padded = tf.reshape(tf.pad(pictures, [[0, 0], [2, 2], [2, 2], [0, 0]]), (count, -1, channels))
    row = tf.clip_by_value(row, -2, height) + 2
    top_left = row * (width + 4) + tf.clip_by_value(column, -2, width) + 2
    above = _interpolate(padded, top_left, right)
    below = _interpolate(padded, top_left + width + 4, right)
    return tf.reshape(above + (below - above) * down, tf.shape(pictures))


def _interpolate(pixels: Any, left: Any, share: Any) -> Any:
    """Interpolate between the pixels at `left` and their right neighbours."""
    value = tf.gather(pixels, left, batch_dims=1)
    return value + (tf.gather(pixels, left + 1, batch_dims=1) - value) * share


@functools.cache
def _spline_weights(height: int, width: int) -> NDArray[np.float64]:
    """Compute each grid point's weight at each pixel, shape (height * width, grid points)."""
    from scipy.interpolate import BSpline

    def along(side: int) -> NDArray[np.float64]:
        degree = 3
        places = (np.arange(side) + 0.5) / side * (_GRID - degree)
        knots = np.arange(-degree, _GRID + 1, dtype=float)
        return np.asarray(BSpline.design_matrix(places, knots, degree).toarray())

    return np.asarray(np.kron(along(height), along(width)), dtype=np.float64)
