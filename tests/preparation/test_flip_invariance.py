"""Which pictures may be flipped: things that face either way, no digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Subset, split
from danqing.preparation.flip_invariance import is_flip_invariant


def subset_of(pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> Subset:
    return Subset(pictures, labels, np.arange(len(labels)))


def arrows(heading_counts: bool, count: int = 600) -> Subset:
    """Draw wedges of two heights that point left or right; either is the class."""
    random = np.random.default_rng(0)
    heading, tall = random.integers(0, 2, (2, count))
    pictures = np.zeros((count, 16, 16, 1), np.uint8)
    for row in range(count):
        top, reach = random.integers(0, 6), 9 if tall[row] else 5
        for step in range(reach):
            pictures[row, top + step // 2 : top + reach - step // 2, 3 + step, 0] = 255
        if heading[row]:
            pictures[row] = pictures[row, :, ::-1]
    return subset_of(pictures, heading if heading_counts else tall)


def test_digits_are_not_flipped(mnist: Dataset) -> None:
    assert not is_flip_invariant(split(mnist, 0.1).train)


def test_what_differs_only_by_heading_is_not_flipped() -> None:
    assert not is_flip_invariant(arrows(heading_counts=True))


def test_things_that_head_either_way_are_flipped() -> None:
    things = arrows(heading_counts=False)
    # So few that each heading's variety is not seen.
    assert is_flip_invariant(Subset(things.x, things.y, things.rows[:40]))


def test_one_picture_is_not_flipped() -> None:
    assert not is_flip_invariant(subset_of(np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1, np.int64)))
