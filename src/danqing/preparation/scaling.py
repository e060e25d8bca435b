"""Scaling: what is learned from the training rows before the network sees them.

Knows no split (it is handed training rows only) and no network (which carries what it learned).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scaling", "fit_scaling"]


@dataclass(frozen=True)
class Scaling:
    """The affine map z = (x - mean) / scale, by pixel or by colour channel.

    Attributes
    ----------
    by : {"feature", "channel"}
    mean_, scale_ : ndarray of float64
        Shape (height, width, channels) by feature, (channels,) by channel; scales are above 0.
    """

    by: str
    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the map to raw pixels of shape (n, height, width, channels)."""
        return np.asarray((x - self.mean_) / self.scale_)

    def to_json(self) -> dict[str, Any]:
        """Give what was learned as plain data."""
        return {"by": self.by, "mean": self.mean_.tolist(), "scale": self.scale_.tolist()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Scaling:
        """Rebuild from what `to_json` gave."""
        return cls(plain["by"], np.array(plain["mean"]), np.array(plain["scale"]))


def fit_scaling(x: NDArray[np.uint8], by: str) -> Scaling:
    """Learn mean and standard deviation with scikit-learn's ``StandardScaler``.

    Parameters
    ----------
    x : ndarray of uint8, shape (n, height, width, channels)
        The training rows, and no others.
    by : {"feature", "channel"}
        Each pixel by itself, or all pixels of a channel together.

    Examples
    --------
    >>> x = np.array([0, 2, 4, 6], np.uint8).reshape(4, 1, 1, 1)
    >>> fit_scaling(x, "channel").mean_
    array([3.])
    """
    from sklearn.preprocessing import StandardScaler

    if by == "feature":
        # The scaler takes rows of features, not pictures.
        scaler = StandardScaler().fit(x.reshape(len(x), -1))
        return Scaling(by, scaler.mean_.reshape(x.shape[1:]), scaler.scale_.reshape(x.shape[1:]))
    # A pixel has 256 values: their counts say the same as millions of rows, and at once.
    values = np.arange(256.0).reshape(-1, 1)
    fitted = [
        StandardScaler().fit(values, sample_weight=np.bincount(x[..., c].ravel(), minlength=256))
        for c in range(x.shape[-1])
    ]
    return Scaling(
        by,
        np.array([scaler.mean_[0] for scaler in fitted]),
        np.array([scaler.scale_[0] for scaler in fitted]),
    )
