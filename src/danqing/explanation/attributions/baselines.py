"""The baseline of an attribution: an example that shows nothing. Knows no network.

An attribution always explains the difference from the baseline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.preparation.preparation import Preparation

__all__ = ["baselines_for", "has_black_background"]

_DARK = 16  # of 255


def baselines_for(examples: NDArray[np.float32], preparation: Preparation) -> NDArray[np.float32]:
    """Give each example's baseline: black for a picture on black, otherwise the training mean.

    Black is the choice of Sundararajan, Taly & Yan (2017, "Axiomatic attribution for deep
    networks", section 3). On a light background, black would be a huge mark rather than nothing,
    so there it is the mean of the training set, as for the rows of a table.

    Parameters
    ----------
    examples : ndarray, shape (n, height, width, channels) or (n, features)

    Returns
    -------
    ndarray of float32, same shape

    Examples
    --------
    >>> from danqing.preparation.scaling import Scaling
    >>> preparation = Preparation(Scaling("channel", np.array([99.0]), np.array([50.0])))
    >>> pictures = np.zeros((2, 4, 4, 1), np.float32)
    >>> pictures[1] = 255
    >>> baselines_for(pictures, preparation)[:, 0, 0, 0].tolist()
    [0.0, 99.0]
    """
    mean = np.asarray(preparation.scaling.mean_, dtype=np.float32)
    baselines = np.broadcast_to(mean, examples.shape).astype(np.float32)
    if examples.ndim == 4:
        baselines[has_black_background(examples)] = 0
    return baselines


def has_black_background(pictures: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark pictures whose borders are mostly black, shape (n,)."""
    borders = np.concatenate(
        [pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]], axis=1
    )
    return np.asarray(np.median(borders, axis=1).max(axis=-1) <= _DARK)
