"""A contact sheet: a few pictures of each class on one page, drawn with Pillow.

Knows no findings.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from danqing.data.dataset import Dataset
from danqing.errors import SourceError
from danqing.inspection.finding import count_of
from danqing.pages.colours import CARD, PALE
from danqing.pages.images import picture_of
from danqing.pages.pen import Pen

__all__ = ["draw_contact_sheet"]

_MOST_CLASSES = 20
_PICTURES = 12  # of each class
_THUMB, _GAP, _MARGIN, _NAMES = 72, 6, 28, 190  # pixels
_TITLE = 64


def draw_contact_sheet(dataset: Dataset) -> Image.Image:
    """Draw a line of pictures for each class, evenly spaced over the training set.

    Of more than 20 classes, 20 are drawn, evenly spaced. For regression, the lines go from the
    smallest to the largest targets.

    Parameters
    ----------
    dataset : Dataset
        Pictures, not a table.

    Raises
    ------
    SourceError
        If the dataset is a table.

    Examples
    --------
    >>> from danqing import load_data
    >>> draw_contact_sheet(load_data("digits")).size
    (1176, 932)
    """
    if dataset.tabular:
        raise SourceError(f"{dataset.name}: is a table; expected pictures to draw")
    lines = list(_lines(dataset))
    names = max(len(dataset.class_names), len(lines))
    width = 2 * _MARGIN + _NAMES + _PICTURES * (_THUMB + _GAP) - _GAP
    step = _THUMB + 2 * _GAP
    sheet = Image.new("RGB", (width, _TITLE + len(lines) * step + _MARGIN), CARD)
    pen = Pen(sheet, "".join(name for name, *_ in lines) + dataset.name)
    shown = "" if len(lines) == names else f", {len(lines)} of them shown"
    classes = f" in {names:,} classes{shown}" if dataset.class_names else ""
    after = pen.write(_MARGIN, 20, dataset.name, _NAMES * 3, 24) + 24
    about = f"{len(dataset.y_train):,} training pictures{classes}"
    pen.write(max(after, _MARGIN + _NAMES), 26, about, width, fill=PALE)
    for line, (name, count, rows) in enumerate(lines):
        top = _TITLE + line * step
        pen.rule(_MARGIN, width - _MARGIN, top - _GAP)
        pen.write(_MARGIN, top + 16, name, _NAMES - 16)
        pen.write(_MARGIN, top + 40, count, _NAMES - 16, 13, PALE)
        for place, row in enumerate(rows):
            picture = picture_of(dataset.x_train[np.array([row])][0])
            left = _MARGIN + _NAMES + place * (_THUMB + _GAP)
            pen.paste(left, top, picture, _THUMB, framed=False)
    return sheet


def _lines(dataset: Dataset) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Give each line's name, its number of pictures as text, and the rows to draw."""
    y = dataset.y_train
    if not dataset.class_names:
        for rows in np.array_split(np.argsort(y, kind="stable"), min(10, len(y))):
            name = f"{y[rows[0]]:.4g} to {y[rows[-1]]:.4g}"
            yield name, count_of(len(rows), "picture"), _spread(rows, _PICTURES)
        return
    for label in _spread(np.arange(len(dataset.class_names)), _MOST_CLASSES):
        rows = np.flatnonzero(y == label)
        yield dataset.class_names[label], count_of(len(rows), "picture"), _spread(rows, _PICTURES)


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    return np.asarray(rows[np.arange(most) * len(rows) // most])
