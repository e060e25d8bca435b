"""Arrays of pictures in the shape that a network takes."""

from __future__ import annotations

import numpy as np
import pytest

from danqing.data.dataset import Dataset
from danqing.errors import PictureError
from danqing.prediction.resize import resize_pictures


def test_pictures_of_the_right_shape_are_left_alone(small: Dataset) -> None:
    assert resize_pictures(small.x_test, (28, 28, 1)) is small.x_test


def test_size_and_colours_are_converted() -> None:
    ramp = np.linspace(0, 240, 28)
    smooth = (ramp[:, None] / 2 + ramp / 2).astype(np.uint8)[None, ..., None].repeat(3, axis=0)
    coloured = resize_pictures(smooth, (56, 56, 3))
    assert coloured.shape == (3, 56, 56, 3)
    np.testing.assert_array_equal(coloured[..., 0], coloured[..., 2])
    back = resize_pictures(coloured, (28, 28, 1))
    assert np.abs(back.astype(int) - smooth)[:, 1:-1, 1:-1].max() <= 2


@pytest.mark.parametrize(
    ("shape", "wanted", "message"),
    [
        ((2, 8, 8, 4), (8, 8, 1), "4 channels can't be converted to 1"),
        ((2, 8, 8, 1), (8, 8, 2), "1 channels can't be converted to 2"),
        ((2, 8), (8, 8, 1), "rows of a table"),
    ],
)
def test_what_cannot_be_converted(
    shape: tuple[int, ...], wanted: tuple[int, ...], message: str
) -> None:
    with pytest.raises(PictureError, match=message):
        resize_pictures(np.zeros(shape, np.uint8), wanted)
