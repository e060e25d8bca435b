"""A table with a column of picture files and a target -> Dataset: pictures with labels or numbers.

Knows no decoder, and no types of columns: these are decided where tables are read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.cache.workers import OnProgress
from danqing.data.dataset import Dataset
from danqing.data.images.layout import Labelled, Layout, is_picture_name
from danqing.data.images.load_images import load_files
from danqing.data.images.origin import Entry, Listing
from danqing.data.images.picture_names import PictureNames, find_pictures, pictures_beside
from danqing.data.labels import make_labels
from danqing.data.row_names import FileNames
from danqing.data.table import Table
from danqing.data.tables.choose_columns import choose_target
from danqing.data.tables.frame_files import read_frame
from danqing.data.tables.table_files import read_table
from danqing.errors import PictureError, SourceError

__all__ = ["load_picture_table", "may_name_pictures", "picture_column"]

_START = 1 << 16  # bytes, in which a table of pictures names one
_SAMPLE = 200  # values of a column, of which most are files that exist
_NAMED = 3  # files that a message names
_ONLY = 2  # columns: with more, the others may be what is learned from
_PICTURE = re.compile(rb"\.(png|jpe?g|jpe|jfif|webp|hei[cf]|hif|avif|bmp|dib|gif|tiff?)\b", re.I)


def may_name_pictures(path: Path) -> bool:
    """Whether a file of text has the name of a picture at its start, or pictures beside it."""
    try:
        with path.open("rb") as file:
            start = file.read(_START).replace(b"\0", b"")
    except OSError:
        return False
    return _PICTURE.search(start) is not None or pictures_beside(path.parent)


def load_picture_table(
    files: Mapping[str, Path],
    where: Path,
    target: str | None = None,
    task: str | None = None,
    progress: OnProgress | None = None,
) -> Dataset | None:
    """Load the pictures that a table names, with its target.

    Parameters
    ----------
    files : mapping of str to Path
        The table of each subset, ``train`` first.
    where : Path
        The source's path.
    target : str, optional
        The column to predict. If not given, the one named target, label, class or y, or the only
        one beside the files.
    task : {"classification", "regression"}, optional
        Inferred from the target if not given: whole numbers are classes.
    progress : callable, optional
        As for `load_images`.

    Returns
    -------
    Dataset or None
        None if no column names picture files. Paths are relative to the table's folder.

    Raises
    ------
    SourceError
        If there is no such target, or no picture can be read.
    """
    found = picture_column(files["train"], target)
    if found is None:
        return None
    column, way = found
    tables = {subset: read_table(path, {column: "category"}) for subset, path in files.items()}
    rest = [name for name in tables["train"].names if name != column]
    if target is None and len(rest) == 1:
        target = rest[0]
    chosen = choose_target(tuple(rest), target, where)
    note = f"its column {column!r} names pictures{f' {way}' * bool(str(way))}; {chosen!r} is "
    note += "learned from them"
    names, targets = {}, {}
    for subset, table in tables.items():
        if column not in table.names or chosen not in table.names:
            raise SourceError(
                f"{files[subset]}: lacks the column {column!r} or {chosen!r} of "
                f"{files['train'].name}; add it"
            )
        own = replace(way, folder=files[subset].parent)
        names[subset] = [own.path(name) if name else "" for name in _texts(table, column)]
        targets[subset] = table.columns[table.names.index(chosen)].values
    dataset = _load(names, targets, where, chosen, task, progress)
    return replace(dataset, notes=(note, *dataset.notes))


def _load(
    names: dict[str, list[str]],
    targets: dict[str, NDArray[Any]],
    where: Path,
    target: str,
    task: str | None,
    progress: OnProgress | None,
) -> Dataset:
    wanted = [name for own in names.values() for name in own]
    origin = _Listed(where, sorted(set(wanted) - {""}))
    if not origin.names:
        first = next(iter(sorted(origin.missing)), "")
        raise SourceError(
            f"{where}: none of its pictures is there, such as {first}; move the table, or them"
        )
    layout = Layout([Labelled(name, "train", "") for name in origin.names], 0, [], [])
    loaded = load_files(origin, progress, layout)
    row_of = {file.name: row for row, file in enumerate(loaded.files)}
    kept = {s: np.array([name in row_of for name in own], bool) for s, own in names.items()}
    labels = make_labels(
        {subset: values[kept[subset]] for subset, values in targets.items()},
        f"{where}: {target!r}",
        pictures=True,
        task=task,
    )
    for subset, rows in kept.items():
        rows[rows] = labels.kept[subset]
    used = {s: [name for name, keep in zip(own, kept[s], strict=True) if keep]
            for s, own in names.items()}  # fmt: skip
    rows_of = {s: np.array([row_of[name] for name in own], np.int64) for s, own in used.items()}
    absent = [name for name in wanted if name in origin.missing]
    more = ", ..." if len(absent) > _NAMED else ""
    missing = [f"left out, as there are no such pictures ({len(absent):,}): "
               f"{', '.join(absent[:_NAMED])}{more}"] if absent else []  # fmt: skip
    digest = hashlib.sha256(repr(sorted(loaded.pictures_as.items())).encode())
    for subset, rows in rows_of.items():
        digest.update(f"{subset} {[loaded.digests[row] for row in rows]}".encode())
    return Dataset.from_subsets(
        {subset: _taken(loaded.pictures, rows) for subset, rows in rows_of.items()},
        labels.by_subset,
        name=where.resolve().stem,
        source=str(where.resolve()),
        class_names=labels.class_names,
        target=target,
        label_type=labels.label_type,
        notes=(*missing, *labels.notes),
        removed={**_left_out(wanted, origin, row_of), **labels.removed},
        pictures_as=loaded.pictures_as,
        content_hash=digest.hexdigest(),
        names={s: FileNames("", own) for s, own in used.items()},
    )  # fmt: skip


def _left_out(wanted: list[str], origin: _Listed, row_of: dict[str, int]) -> dict[str, int]:
    missing = [name for name in wanted if name in origin.missing]
    known = {"", *origin.missing, *row_of}
    counts = {
        "pictures that are not there": len(missing),
        "rows that name no picture": wanted.count(""),
        "unreadable files": sum(name not in known for name in wanted),
    }
    return {reason: count for reason, count in counts.items() if count}


def _taken(pictures: Any, rows: NDArray[np.int64]) -> Any:
    return pictures[rows] if isinstance(pictures, np.ndarray) else pictures.take(rows)


def picture_column(path: Path, target: str | None = None) -> tuple[str, PictureNames] | None:
    """Find the column that names pictures of which some exist, and where they are.

    Raises
    ------
    SourceError
        If a column of its only target names pictures, and none exists.
    """
    frame = read_frame(path).frame
    samples = {
        series.name: [text.strip() for text in _sample(series) if text]
        for series in frame.get_columns()
        if str(series.dtype) == "String" and series.name != target
    }
    # What ends as a picture's name does goes before a number that may be one.
    for ends in (True, False):
        for name, values in samples.items():
            if _are_names(values) is ends and (way := find_pictures(values, path.parent)):
                return name, way
    lost = next((name for name, values in samples.items() if _are_names(values)), None)
    if lost is not None and len(frame.columns) <= _ONLY:
        raise SourceError(
            f"{path}: the column {lost!r} names pictures such as {samples[lost][0]}, but none of "
            "them is there; their paths start from the table's folder: move the table, or the "
            "pictures"
        )
    return None


def _sample(series: Any) -> list[str | None]:
    found: list[str | None] = series.gather_every(max(1, len(series) // _SAMPLE)).to_list()
    return found


def _are_names(values: list[str]) -> bool:
    """Whether most values end as the names of pictures do."""
    return 2 * sum(map(is_picture_name, values)) > len(values)


def _texts(table: Table, column: str) -> list[str]:
    values = table.columns[table.names.index(column)].values.tolist()
    return ["" if value is None else str(value) for value in values]


class _Listed:
    """The files that a table names, as an Origin."""

    stamp = ""

    def __init__(self, path: Path, wanted: list[str]) -> None:
        self.path = path.absolute()
        self.name = path.stem
        self.missing: set[str] = set()
        self._entries: list[Entry] = []
        for name in wanted:
            try:
                status = Path(name).stat()
            except (OSError, ValueError):
                self.missing.add(name)
                continue
            changed = max(status.st_mtime_ns, status.st_ctime_ns)
            self._entries.append(Entry(name, status.st_size, changed))

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self._entries]

    def listings(self) -> Iterator[Listing]:
        yield Listing(list(self._entries))

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        return ((name, name) for name in names)

    def full_name(self, name: str) -> str:
        return name
