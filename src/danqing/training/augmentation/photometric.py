"""Photometric distortion of training pictures, in the graph. Knows no labels."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf

__all__ = ["photometric_distortion"]

_LEAST_CONTRAST = 0.2  # of the original
_MOST_NOISE = 0.3  # standard deviation, of the whole range
_NOISE_STREAM = 1 << 28  # added to the seed


def photometric_distortion(pictures: Any, probability: float, seed: Any) -> Any:
    r"""Lower the contrast of some of the pictures, and add noise to some.

    The range of a chosen picture, 0 to 255, is mapped to :math:`g + c x`, :math:`c` times as wide
    and starting anywhere, with c between 0.2 and 1. Pictures chosen independently of those get
    normal noise with a standard deviation of up to 0.3 of the range, the same all over a picture.
    Without either, networks with batch norm see pale or grainy pictures as something entirely new
    (Hendrycks & Dietterich 2019, "Benchmarking neural network robustness to common corruptions and
    perturbations", has the corruptions; Rusak et al. 2020, "A simple way to make neural networks
    robust against diverse image corruptions", the noise as a remedy).

    `pictures`, from 0 to 255, and `seed` are as in `danqing.training.augmentation.augment.augment`;
    each is chosen with `probability`, once for contrast and once for noise.

    Examples
    --------
    >>> pictures = tf.random.uniform((2, 28, 28, 1), 0, 255)
    >>> bool(tf.reduce_all(photometric_distortion(pictures, 0.0, [0, 7]) == pictures))
    True
    """
    seed, dtype = tf.convert_to_tensor(seed), pictures.dtype
    shape = (5, tf.shape(pictures)[0], 1, 1, 1)
    random = tf.cast(tf.random.stateless_uniform(shape, seed), dtype)
    contrast = 1 - (1 - _LEAST_CONTRAST) * tf.where(random[0] < probability, random[1], 0)
    offset = 255 * (1 - contrast) * random[2]
    deviation = 255 * _MOST_NOISE * tf.where(random[3] < probability, random[4], 0)
    seed += tf.constant([_NOISE_STREAM, 0])
    noise = tf.cast(tf.random.stateless_normal(tf.shape(pictures), seed), dtype)
    return tf.clip_by_value(offset + contrast * pictures + deviation * noise, 0, 255)
