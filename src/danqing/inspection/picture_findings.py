"""What can be wrong with pictures: blank, near-duplicates, of many sizes.

Uses labels only to say whether near-duplicates have the same one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.decode import probe
from danqing.errors import PictureError
from danqing.inspection.all_rows import AllRows
from danqing.inspection.finding import Finding, count_of
from danqing.inspection.near_duplicates import (
    SMALLEST_SIDE,
    low_frequencies,
    near_duplicate_pairs,
)

__all__ = ["find_picture_problems", "summarise_pictures"]

_CHUNK = 1 << 24
_PROBED = 2000  # files whose headers are read, at most
_DISTORTED = 1.5  # change of the aspect ratio by resizing


def summarise_pictures(rows: AllRows) -> dict[str, Any]:
    """Give the pictures' size and mode and, if they come from files, the sizes in these."""
    height, width, channels = rows.dataset.input_shape
    summary: dict[str, Any] = {
        "height": height,
        "width": width,
        "mode": {1: "grey", 3: "colour"}.get(channels, f"{channels} channels"),
    }
    sizes = _file_sizes(rows)
    if len(sizes):
        different, counts = np.unique(sizes, axis=0, return_counts=True)
        most = different[counts.argmax()]
        summary["files"] = {
            "examined": len(sizes),
            "different_sizes": len(different),
            "most_common": most.tolist(),
            "smallest": different[different.prod(axis=1).argmin()].tolist(),
            "largest": different[different.prod(axis=1).argmax()].tolist(),
            "distorted": int(_distorted(sizes, height / width).sum()),
        }
    return summary


def find_picture_problems(rows: AllRows, summary: dict[str, Any]) -> list[Finding]:
    """Find blank pictures, near-duplicates, and files of different sizes.

    Parameters
    ----------
    rows : AllRows
    summary : dict
        From `summarise_pictures`.
    """
    _, distinct = np.unique(rows.group, return_index=True)
    frequencies, blank = _examine(rows, distinct)
    found = [_blank(rows, distinct[blank]), _sizes(summary)]
    if min(rows.dataset.input_shape[:2]) >= SMALLEST_SIDE:
        pairs = near_duplicate_pairs(frequencies, lambda some: rows.pictures(distinct[some]))
        found.append(_near_duplicates(rows, distinct[pairs]))
    return [finding for finding in found if finding]


def _examine(
    rows: AllRows, distinct: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Give the low frequencies of pictures, and which are blank; a few are in memory at a time."""
    frequencies = np.empty((len(distinct), 64), dtype=np.float32)
    blank = np.empty(len(distinct), dtype=bool)
    step = max(1, _CHUNK // max(1, int(np.prod(rows.dataset.input_shape))))
    for start in range(0, len(distinct), step):
        some = slice(start, start + step)
        pictures = rows.pictures(distinct[some])
        frequencies[some] = low_frequencies(pictures)
        blank[some] = np.ptp(pictures, axis=(1, 2, 3)) == 0
    return frequencies, blank


def _blank(rows: AllRows, distinct: NDArray[np.int64]) -> Finding | None:
    blank = np.flatnonzero(np.isin(rows.group, rows.group[distinct]))
    if not len(blank):
        return None
    return Finding(
        "blank",
        "warning",
        len(blank),
        message=f"{count_of(len(blank), 'picture', 'is', 'are')} blank: all pixels are equal.",
        meaning="No label is right for a blank picture; often a scan or a download has failed.",
        action="Training uses them as they are. Delete them, or give them a class of their own.",
        examples=rows.names(blank.tolist()),
    )


def _near_duplicates(rows: AllRows, pairs: NDArray[np.int64]) -> Finding | None:
    if not len(pairs):
        return None
    different = rows.labels[pairs[:, 0]] != rows.labels[pairs[:, 1]]
    across = rows.subset[pairs[:, 0]] != rows.subset[pairs[:, 1]]
    order = np.argsort(~(different | across), kind="stable")
    details = [
        f"{int(flags.sum()):,} of these pairs {words}"
        for flags, words in (
            (different, "have different labels"),
            (across, "are split between training, validation and test set"),
        )
        if flags.any()
    ]
    count = len(np.unique(pairs))
    return Finding(
        "near-duplicates",
        "warning" if details else "note",
        count,
        message=f"{count_of(count, 'picture')} look almost the same as another one"
        + (f"; {' and '.join(details)}." if details else "."),
        meaning="They are the same picture, saved again, resized or slightly brightened, or the "
        "same thing photographed twice. If one is in the training set and the other in the test "
        "set, test metrics are too good.",
        action="Training keeps them: only exact duplicates are certain. Check these pictures, and "
        "delete duplicates.",
        examples=tuple(_pair(rows, one, other) for one, other in pairs[order][:5]),
    )


def _pair(rows: AllRows, one: int, other: int) -> str:
    labels = [rows.label(row) for row in (one, other)]
    if labels[0] == labels[1]:
        return f"{rows.name(one)} ~ {rows.name(other)} (both {labels[0]})"
    return f"{rows.name(one)} ({labels[0]}) ~ {rows.name(other)} ({labels[1]})"


def _file_sizes(rows: AllRows) -> NDArray[np.int64]:
    """Read the sizes of picture files from their headers, shape (files, 2); none of archives."""
    paths = list(rows.index.paths) if rows.index is not None else []
    chosen = paths[:: max(1, -(-len(paths) // _PROBED))]
    sizes = []
    for path in map(Path, chosen):
        try:
            sizes.append(probe(path)[:2])
        except PictureError:
            continue
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)


def _distorted(sizes: NDArray[np.int64], shape: float) -> NDArray[np.bool_]:
    change = np.abs(np.log(sizes[:, 0] / sizes[:, 1] / shape))
    return np.asarray(change > np.log(_DISTORTED))


def _sizes(summary: dict[str, Any]) -> Finding | None:
    files = summary.get("files")
    if files is None or files["different_sizes"] == 1:
        return None
    smallest, largest = (f"{w}x{h}" for h, w in (files["smallest"], files["largest"]))
    to = f"{summary['width']}x{summary['height']}"
    distorted = files["distorted"]
    shapes = (
        f" {distorted / files['examined']:.0%} have a very different aspect ratio and are "
        "distorted."
        if distorted
        else ""
    )
    return Finding(
        "different-sizes",
        "warning" if distorted > 0.05 * files["examined"] else "note",
        files["different_sizes"],
        message=f"The pictures have {files['different_sizes']:,} different sizes, from {smallest} "
        f"to {largest} pixels.",
        meaning=f"A network takes pictures of one size.{shapes}",
        action=f"Training resizes all to {to} pixels (width x height). Crop pictures of very "
        "different shapes to what matters.",
    )
