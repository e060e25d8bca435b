"""What can be wrong with pictures: unreadable, blank, looking alike, of many sizes.

Knows no labels but to say whether two pictures that look alike have the same one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.decode import probe
from danqing.errors import PictureError
from danqing.inspection.all_rows import AllRows
from danqing.inspection.duplicate_examples import count_of
from danqing.inspection.finding import Finding
from danqing.inspection.near_duplicates import SMALLEST_SIDE, find_near_duplicates, picture_waves

__all__ = ["find_picture_problems", "summarise_pictures"]

_CHUNK = 1 << 24
_PROBED = 2000  # headers read, of as many files as there are
_STRETCHED = 1.5  # times as wide or as high as the shape all are brought to


def summarise_pictures(rows: AllRows) -> dict[str, Any]:
    """Tell the pictures' size and mode, and the sizes of their files where there are files."""
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
            "stretched": int(_stretched(sizes, height / width).sum()),
        }
    return summary


def find_picture_problems(rows: AllRows, summary: dict[str, Any]) -> list[Finding]:
    """Find blank pictures, pictures that look alike, and sizes far from the common one.

    Parameters
    ----------
    rows : AllRows
    summary : dict
        From `summarise_pictures`.
    """
    _, distinct = np.unique(rows.group, return_index=True)
    waves, blank = _look_at(rows, distinct)
    found = [_blank(rows, distinct[blank]), _sizes(summary)]
    if min(rows.dataset.input_shape[:2]) >= SMALLEST_SIDE:
        pairs = find_near_duplicates(waves, lambda some: rows.pictures(distinct[some]))
        found.append(_near_copies(rows, distinct[pairs]))
    return [finding for finding in found if finding]


def _look_at(
    rows: AllRows, distinct: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Measure the low frequencies of pictures, and tell which are blank, a few at a time."""
    waves = np.empty((len(distinct), 64), dtype=np.float32)
    blank = np.empty(len(distinct), dtype=bool)
    step = max(1, _CHUNK // max(1, int(np.prod(rows.dataset.input_shape))))
    for start in range(0, len(distinct), step):
        some = slice(start, start + step)
        pictures = rows.pictures(distinct[some])
        waves[some] = picture_waves(pictures)
        blank[some] = np.ptp(pictures, axis=(1, 2, 3)) == 0
    return waves, blank


def _blank(rows: AllRows, distinct: NDArray[np.int64]) -> Finding | None:
    blank = np.flatnonzero(np.isin(rows.group, rows.group[distinct]))
    if not len(blank):
        return None
    verb = "shows" if len(blank) == 1 else "show"
    return Finding(
        "blank",
        "warning",
        len(blank),
        f"{count_of(len(blank), 'picture')} {verb} nothing: all pixels are the same.",
        "A blank picture has no right label; often a scan or a download has failed.",
        "Training uses them as they are. Delete them, or give blank ones a class of their own.",
        rows.name_all(blank.tolist()),
    )


def _near_copies(rows: AllRows, pairs: NDArray[np.int64]) -> Finding | None:
    if not len(pairs):
        return None
    different = rows.labels[pairs[:, 0]] != rows.labels[pairs[:, 1]]
    across = rows.subset[pairs[:, 0]] != rows.subset[pairs[:, 1]]
    order = np.argsort(~(different | across), kind="stable")
    details = [
        f"{int(flags.sum()):,} of these pairs {words}"
        for flags, words in (
            (different, "have different labels"),
            (across, "lie across training, validation and testing"),
        )
        if flags.any()
    ]
    count = len(np.unique(pairs))
    return Finding(
        "near-duplicates",
        "warning" if details else "note",
        count,
        f"{count_of(count, 'picture')} look almost the same as another one"
        + (f"; {' and '.join(details)}." if details else "."),
        "The same picture saved again, resized or a little brighter; or one thing photographed "
        "twice. Across the split they make the test easier than new pictures will be.",
        "Training keeps them: only exact copies are certain. Look at these, and delete what is "
        "the same.",
        tuple(_pair(rows, one, other) for one, other in pairs[order][:5]),
    )


def _pair(rows: AllRows, one: int, other: int) -> str:
    labels = [rows.label(row) for row in (one, other)]
    if labels[0] == labels[1]:
        return f"{rows.name(one)} ~ {rows.name(other)} (both {labels[0]})"
    return f"{rows.name(one)} ({labels[0]}) ~ {rows.name(other)} ({labels[1]})"


def _file_sizes(rows: AllRows) -> NDArray[np.int64]:
    """Read the sizes of picture files from their headers; shape (files, 2), none in an archive."""
    paths = list(rows.index.paths) if rows.index is not None else []
    chosen = paths[:: max(1, -(-len(paths) // _PROBED))]
    sizes = []
    for path in map(Path, chosen):
        try:
            sizes.append(probe(path)[:2])
        except PictureError:
            continue
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)


def _stretched(sizes: NDArray[np.int64], shape: float) -> NDArray[np.bool_]:
    change = np.abs(np.log(sizes[:, 0] / sizes[:, 1] / shape))
    return np.asarray(change > np.log(_STRETCHED))


def _sizes(summary: dict[str, Any]) -> Finding | None:
    files = summary.get("files")
    if files is None or files["different_sizes"] == 1:
        return None
    smallest, largest = (f"{w}x{h}" for h, w in (files["smallest"], files["largest"]))
    to = f"{summary['width']}x{summary['height']}"
    stretched = files["stretched"]
    shapes = (
        f" {stretched / files['examined']:.0%} are far longer or wider than that shape: what they "
        "show is squeezed."
        if stretched
        else ""
    )
    return Finding(
        "different-sizes",
        "warning" if stretched > 0.05 * files["examined"] else "note",
        files["different_sizes"],
        f"The pictures have {files['different_sizes']:,} different sizes, from {smallest} to "
        f"{largest} pixels.",
        f"A network takes pictures of one size.{shapes}",
        f"Training brings all to {to} pixels, width by height. Crop pictures of very different "
        "shapes to what matters.",
    )
