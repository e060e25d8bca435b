"""All random changes of training pictures that a recipe asks for, in order. Knows no labels."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf
from danqing.training.augmentation.affine import random_affine
from danqing.training.augmentation.elastic import elastic_deformation
from danqing.training.augmentation.horizontal_flip import horizontal_flip
from danqing.training.augmentation.photometric import photometric_distortion
from danqing.training.augmentation.random_erasing import random_erasing
from danqing.training.graph_settings import GraphSettings

__all__ = ["augment"]


def augment(pictures: Any, settings: GraphSettings, seed: Any) -> Any:
    """Change pictures at random, in ways that preserve their class.

    Parameters
    ----------
    pictures : Tensor of float, shape (n, height, width, channels)
        Rows of a table, of shape (n, features), stay as they are.
    settings : GraphSettings
        Those of `danqing.recipe.recipe.AUGMENTATIONS` say how much of what.
    seed : Tensor of int32, shape (2,)
        The result is a pure function of it.

    Returns
    -------
    Tensor
        Of the same shape and type.

    Examples
    --------
    >>> from danqing import Recipe
    >>> settings = GraphSettings.of(Recipe(random_erasing=1.0))
    >>> augment(tf.ones((2, 28, 28, 1)), settings, tf.constant([0, 7])).shape
    TensorShape([2, 28, 28, 1])
    """
    if len(pictures.shape) != 4:
        return pictures
    if settings.affine:
        pictures = random_affine(pictures, settings.affine, seed)
    if settings.elastic:
        pictures = elastic_deformation(pictures, settings.elastic, _stream(seed, 29))
    if settings.random_erasing:
        pictures = random_erasing(pictures, settings.random_erasing, _stream(seed, 26))
    if settings.photometric:
        pictures = photometric_distortion(pictures, settings.photometric, _stream(seed, 27))
    if settings.horizontal_flip:
        pictures = horizontal_flip(pictures, _stream(seed, 30))
    return pictures


def _stream(seed: Any, bit: int) -> Any:
    """Offset the seed, so that each kind of change draws independently (bit 28: noise)."""
    return seed + tf.constant([1 << bit, 0])
