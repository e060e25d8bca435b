"""Presets suit every size of picture and table, and stay within what they promise."""

from __future__ import annotations

import pytest

from danqing.networks.architecture import design
from danqing.recipe.presets import PRESETS, defaults_for, spec_of
from danqing.recipe.traits import MNIST_TRAITS, Traits


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_fits_pictures_of_every_size(preset: str) -> None:
    for side in [*range(1, 130), 200, 224, 256, 500]:
        shape = (side, side + 3, 3)
        spec = spec_of(preset, Traits(False, "classification", 1000, shape))
        assert design(spec, shape, 10).outputs == 10


@pytest.mark.parametrize("preset", ["fast", "best", "tiny"])
def test_size_of_a_network_hardly_depends_on_the_picture(preset: str) -> None:
    counts = {
        side: design(
            spec_of(preset, Traits(False, "classification", 1000, (side,) * 2 + (1,))),
            (side, side, 1),
            10,
        ).parameters
        for side in range(8, 260)
    }
    assert max(counts.values()) < 2 * counts[28]
    assert counts[28] == {"fast": 168_538, "best": 135_538, "tiny": 3_382}[preset]


def test_only_best_flips_and_only_flip_invariant_pictures() -> None:
    clothes = Traits(False, "classification", 54_000, (28, 28, 1), flip_invariant=True)
    assert defaults_for("best", clothes)["horizontal_flip"]
    assert not defaults_for("best", MNIST_TRAITS)["horizontal_flip"]
    assert not defaults_for("fast", clothes)["horizontal_flip"]


def test_small_batches_are_spared_muon() -> None:
    few = Traits(False, "classification", 1000, (8, 8, 1))
    assert [defaults_for("fast", traits)["optimizer"] for traits in (few, MNIST_TRAITS)] == [
        "adamw",
        "muon",
    ]
