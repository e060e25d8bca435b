"""Augmentation: against SciPy, a function of its seed, and within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from danqing.data.dataset import Dataset
from danqing.training.augmentation.affine import random_affine
from danqing.training.augmentation.elastic import elastic_deformation
from danqing.training.augmentation.horizontal_flip import horizontal_flip
from danqing.training.augmentation.photometric import photometric_distortion
from danqing.training.augmentation.random_erasing import random_erasing

AUGMENTATIONS = {
    "affine": lambda pictures, seed: random_affine(pictures, 1.0, seed),
    "elastic": lambda pictures, seed: elastic_deformation(pictures, 1.0, seed),
    "random_erasing": lambda pictures, seed: random_erasing(pictures, 0.5, seed),
    "photometric": lambda pictures, seed: photometric_distortion(pictures, 0.5, seed),
    "horizontal_flip": horizontal_flip,
}


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_augmentation_is_a_function_of_its_seed(small: Dataset, name: str) -> None:
    pictures = tf.cast(small.x_train[:16], tf.float32)
    first, again, other = (AUGMENTATIONS[name](pictures, [seed, 5]).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == pictures.shape
    assert first.min() >= 0
    assert first.max() <= 255 + 1e-3


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 14, 3)])
def test_elastic_deformation_agrees_with_scipy(shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (1, *shape)).astype(np.float32)
    height, width, channels = shape
    # Deforming pictures of the pixels' own coordinates shows where each is taken from; deforming
    # ones shows which are mixed with the zeros outside.
    pixels = np.indices((height, width)).astype(np.float32).transpose(1, 2, 0)
    coordinates = np.concatenate([pixels, np.ones((height, width, 1), np.float32)], axis=-1)
    *places, kept = (
        elastic_deformation(tf.constant(coordinates[np.newaxis]), 2.0, [3, 4])
        .numpy()[0]
        .transpose(2, 0, 1)
    )
    inside = kept > 0.999999
    ours = elastic_deformation(tf.constant(picture), 2.0, [3, 4]).numpy()[0]
    for channel in range(channels):
        expected = map_coordinates(picture[0, ..., channel], places, order=1, cval=0.0)
        np.testing.assert_allclose(ours[..., channel][inside], expected[inside], atol=0.05)
    assert inside.mean() > 0.5
    moved = np.abs(np.stack(places, axis=-1) - pixels)[inside]
    assert 0.2 < moved.mean() < 3


@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 40, 3)])
def test_random_erasing_sets_a_square_of_some_to_zero(shape: tuple[int, int, int]) -> None:
    pictures = np.full((4000, *shape), 200, np.float32)
    erased = random_erasing(tf.constant(pictures), 0.25, [7, 8]).numpy()
    black = erased == 0
    assert ((erased == 200) | black).all()
    assert (black.all(axis=-1) == black.any(axis=-1)).all()
    chosen = black.any(axis=(1, 2, 3))
    assert 900 < chosen.sum() < 1100
    rows, columns = black[chosen].any(axis=(2, 3)), black[chosen].any(axis=(1, 3))
    heights, widths = rows.sum(axis=1), columns.sum(axis=1)
    # A whole rectangle, as high as wide but for the rounding of its edges to pixels.
    assert (black[chosen, ..., 0].sum(axis=(1, 2)) == heights * widths).all()
    assert np.abs(heights - widths).max() <= 1
    side = min(shape[:2])
    assert heights.min() in (round(0.15 * side) - 1, round(0.15 * side))
    assert heights.max() in (round(0.5 * side), round(0.5 * side) + 1)
    assert 0.31 < heights.mean() / side < 0.34
    # It reaches every edge, and is as often left as right, above as below.
    for hit in (rows, columns):
        assert hit[:, 0].any()
        assert hit[:, -1].any()
        middles = (hit * np.arange(hit.shape[1])).sum(axis=1) / hit.sum(axis=1)
        assert abs(middles.mean() / (hit.shape[1] - 1) - 0.5) < 0.02


def test_horizontal_flip_flips_about_half() -> None:
    pictures = np.random.default_rng(0).uniform(size=(400, 3, 5, 1)).astype(np.float32)
    flipped = horizontal_flip(tf.constant(pictures), [7, 8]).numpy()
    reversed_ = (flipped == pictures[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (flipped == pictures).all(axis=(1, 2, 3))
    assert (reversed_ ^ kept).all()
    assert 160 < reversed_.sum() < 240


def test_photometric_distortion_lowers_contrast_of_some_and_adds_noise_to_some() -> None:
    # Half black and half white, so that contrast and noise can be read off.
    picture = np.repeat([0.0, 255.0], 512).astype(np.float32).reshape(2, 512)
    pictures = np.broadcast_to(picture.reshape(1, 2, 512, 1), (4000, 2, 512, 1))
    distorted = photometric_distortion(tf.constant(pictures), 0.25, [7, 8]).numpy()[..., 0]
    ground, ink = np.median(distorted, axis=2).T
    grainy = (np.ptp(distorted, axis=2) > 0.01).any(axis=1)
    pale = (ink - ground < 254.9) & ~grainy
    assert 900 < grainy.sum() < 1100
    assert 0.22 < pale.sum() / (~grainy).sum() < 0.28
    contrast, start = (ink - ground)[pale] / 255, ground[pale] / 255
    assert 0.2 < contrast.min() < 0.22
    assert 0.57 < contrast.mean() < 0.63
    assert start.min() >= 0
    assert (start + contrast).max() <= 1 + 1e-6
    noise = distorted[grainy][:, 0] - ground[grainy, None]
    middling = (ground[grainy] > 100) & (ground[grainy] < 150)
    assert 0.02 < noise[middling].std() / 255 < 0.3
    untouched = ~grainy & ~pale
    np.testing.assert_array_equal(distorted[untouched], pictures[untouched, ..., 0])
