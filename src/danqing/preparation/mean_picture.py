"""The mean of the training pictures: it shows what a network expects, and nobody's picture.

Knows no network and writes nothing.
"""

from __future__ import annotations

import io

import numpy as np

from danqing.data.split import Subset
from danqing.data.table import Table

__all__ = ["mean_picture"]

_MOST = 10_000  # pictures
_VALUES = 1 << 24  # in memory at once


def mean_picture(train: Subset) -> bytes | None:
    """Compute the mean of the training pictures, of 10,000 if there are more, as a PNG file.

    Returns
    -------
    bytes or None
        None for rows of a table.
    """
    from PIL import Image

    if isinstance(train.x, Table):
        return None
    shape = tuple(train.x.shape[1:])
    count = min(_MOST, len(train))
    rows = np.sort(train.rows[np.arange(count) * len(train) // max(count, 1)])
    step = max(1, _VALUES // max(1, int(np.prod(shape))))
    total = np.zeros(shape)
    for start in range(0, count, step):
        total += train.x[rows[start : start + step]].sum(axis=0, dtype=np.float64)
    mean = total / max(count, 1)
    if shape[2] != 3:
        mean = mean.mean(axis=2)
    file = io.BytesIO()
    Image.fromarray(mean.round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
