"""Scaling: standardise pixels, colour channels or features. Knows no split and no network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scaling", "fit_scaling"]

_AT_ONCE = 1 << 24  # values in memory


@dataclass(frozen=True)
class Scaling:
    """The map z = (x - mean) / scale, for each pixel or feature, or for each colour channel.

    Attributes
    ----------
    by : {"feature", "channel"}
    mean_, scale_ : ndarray of float64
        Shape (height, width, channels) or (features,) by feature, (channels,) by channel; scales
        are positive.
    """

    by: str
    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the map to raw examples, of shape (n, height, width, channels) or (n, features)."""
        return np.asarray((x - self.mean_) / self.scale_)

    def to_json(self) -> dict[str, Any]:
        """Give what was fitted as plain data."""
        return {"by": self.by, "mean": self.mean_.tolist(), "scale": self.scale_.tolist()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Scaling:
        """Rebuild from what `to_json` gave."""
        return cls(plain["by"], np.array(plain["mean"]), np.array(plain["scale"]))


def fit_scaling(x: Any, by: str, rows: NDArray[np.int64] | None = None) -> Scaling:
    """Fit mean and standard deviation with scikit-learn's ``StandardScaler``.

    Parameters
    ----------
    x : Pictures, shape (n, height, width, channels), or ndarray of float32, shape (n, features)
        May lie on disk: it is read in chunks.
    by : {"feature", "channel"}
        Each pixel or feature by itself, or all pixels of a channel together.
    rows : ndarray of int64, optional
        The training rows, and no others; by default all rows.

    Examples
    --------
    >>> x = np.array([0, 2, 4, 6], np.uint8).reshape(4, 1, 1, 1)
    >>> fit_scaling(x, "channel").mean_
    array([3.])
    """
    from sklearn.preprocessing import StandardScaler

    shape = tuple(x.shape[1:])
    if by == "feature":
        scaler = StandardScaler()
        for some in _in_chunks(x, rows):
            # The scaler takes rows of features, not pictures.
            scaler.partial_fit(some.reshape(len(some), -1))
        return Scaling(by, scaler.mean_.reshape(shape), scaler.scale_.reshape(shape))
    # A pixel has one of 256 values: counting them is as good as fitting on millions of rows.
    counts = np.zeros((shape[-1], 256))
    for some in _in_chunks(x, rows):
        for channel in range(shape[-1]):
            counts[channel] += np.bincount(some[..., channel].ravel(), minlength=256)
    values = np.arange(256.0).reshape(-1, 1)
    fitted = [StandardScaler().fit(values, sample_weight=count) for count in counts]
    return Scaling(
        by,
        np.array([scaler.mean_[0] for scaler in fitted]),
        np.array([scaler.scale_[0] for scaler in fitted]),
    )


def _in_chunks(x: Any, rows: NDArray[np.int64] | None) -> Iterator[NDArray[Any]]:
    """Yield the rows, in an order that a disk reads quickly, some megabytes at a time."""
    count = len(x) if rows is None else len(rows)
    ordered = None if rows is None else np.sort(rows)
    step = max(1, _AT_ONCE // max(1, math.prod(x.shape[1:])))
    for start in range(0, count, step):
        chunk = slice(start, start + step)
        yield x[chunk] if ordered is None else x[ordered[chunk]]
