"""CSV and Parquet files -> a Table, or a Dataset of rows with a target, read through Polars.

Knows no encoding: missing values stay missing, text stays text. What a column is, is decided in
`columns`; how files are read, in `frame_files`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.labels import make_labels
from danqing.data.table import Column, ColumnKind, Table
from danqing.data.tables.columns import column_from_series
from danqing.data.tables.frame_files import RawFrame, polars_errors, read_frame
from danqing.errors import SourceError

__all__ = ["TABLE_SUFFIXES", "choose_target", "dataset_of_tables", "load_table", "read_table",
           "table_parts"]  # fmt: skip

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".csv.gz", ".tsv.gz")
_TARGETS = ("target", "label", "class", "y")
_PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_INDEX = "unnamed columns of row numbers"


def load_table(path: str | Path, target: str | None = None, task: str | None = None) -> Dataset:
    """Load rows with a target from a file, or from a folder with a file for each part.

    Parameters
    ----------
    path : str or Path
        A CSV, TSV or Parquet file; or a folder with ``train.csv`` and perhaps ``test.csv`` and
        ``validation.csv``, or the same as Parquet.
    target : str, optional
        The column to predict. If not given: the one named target, label, class or y.
    task : {"classification", "regression"}, optional
        Chosen from the target if not given.

    Raises
    ------
    SourceError
        If a file is damaged, the target is missing, or parts don't fit; the message names it.
    """
    path = Path(path)
    files = table_parts(path) if path.is_dir() else {"train": path}
    if "train" not in files:
        raise SourceError(f"{path}: has no train.csv or train.parquet; name the file itself")
    frames = {part: read_frame(file) for part, file in files.items()}
    # Typed together, so that a column is the same in every part.
    table = _table(_together(frames, files), path, {})
    lengths = [len(raw.frame) for raw in frames.values()]
    ends = np.cumsum([0, *lengths])
    parts = {
        part: table[slice(int(start), int(end))]
        for part, start, end in zip(frames, ends[:-1], ends[1:], strict=True)
    }
    return dataset_of_tables(
        parts, path, target, task, name=path.resolve().stem, source=str(path.resolve())
    )


def _together(frames: dict[str, RawFrame], files: dict[str, Path]) -> RawFrame:
    import polars as pl

    names = frames["train"].frame.columns
    for part, raw in frames.items():
        missing = [repr(name) for name in names if name not in raw.frame.columns]
        if missing:
            raise SourceError(
                f"{files[part]}: lacks the columns {', '.join(missing)} of {files['train'].name}"
            )
    with polars_errors(files["train"].parent):
        whole = pl.concat(
            [raw.frame.select(names) for raw in frames.values()], how="vertical_relaxed"
        )
    return RawFrame(whole, frames["train"].decimal_comma)


def read_table(path: str | Path, kinds: Mapping[str, ColumnKind] | None = None) -> Table:
    r"""Read rows from a CSV, TSV or Parquet file, whether they have a target or not.

    Parameters
    ----------
    path : str or Path
    kinds : mapping of str to {"number", "category", "date"}, optional
        What columns are known to be, from training; others are chosen from their values.

    Raises
    ------
    SourceError
        If the file is missing, damaged or no table, or values are not of the kind they should be.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pets.csv"
    >>> _ = path.write_text("kind,weight\ncat,4.5\ndog,\n")
    >>> [(column.name, column.kind) for column in read_table(path).columns]
    [('kind', 'category'), ('weight', 'number')]
    """
    path = Path(path)
    return _table(read_frame(path), path, kinds or {})


def table_parts(folder: Path) -> dict[str, Path]:
    """Give the files train, validation and test of a folder, those that there are."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        stem, dot, suffix = file.name.lower().partition(".")
        if dot + suffix in TABLE_SUFFIXES and stem in _PARTS:
            part = _PARTS[stem]
            if part in found:
                raise SourceError(f"{folder}: has {found[part].name} and {file.name}; keep one")
            found[part] = file
    return {part: found[part] for part in ("train", "validation", "test") if part in found}


def choose_target(names: tuple[str, ...], target: str | None, where: object) -> str:
    """Give the name of the target column.

    Raises
    ------
    SourceError
        If it isn't there, or none is named and no name stands out; the message lists the columns.

    Examples
    --------
    >>> choose_target(("height", "Label"), None, "a.csv")
    'Label'
    """
    listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
    if target is not None:
        if target in names:
            return target
        lower = {name.lower(): name for name in names}
        close = difflib.get_close_matches(target.lower(), list(lower), n=3)
        hint = f"did you mean {' or '.join(repr(lower[c]) for c in close)}? " if close else ""
        raise SourceError(f"{where}: has no column {target!r}; {hint}it has {listed}")
    likely = [name for name in names if name.lower() in _TARGETS]
    if len(likely) == 1:
        return likely[0]
    raise SourceError(
        f"{where}: which column is the target? Name it with --target; the columns are {listed}"
    )


def dataset_of_tables(
    parts: dict[str, Table],
    where: object,
    target: str | None,
    task: str | None,
    *,
    name: str,
    source: str,
) -> Dataset:
    """Split the target off the tables of each part, and make a Dataset of the rows that have one.

    Raises
    ------
    SourceError
        If there is no such target, it is a date, or no other column is left.
    """
    target = choose_target(parts["train"].names, target, where)
    removed: dict[str, int] = {}
    if _is_index(parts["train"].columns[0]) and target != parts["train"].columns[0].name:
        parts = {part: Table(table.columns[1:]) for part, table in parts.items()}
        removed[_INDEX] = 1
    at = parts["train"].names.index(target)
    if parts["train"].columns[at].kind == "date":
        raise SourceError(f"{where}: the target {target!r} is a date; expected classes or numbers")
    if len(parts["train"].columns) < 2:
        raise SourceError(f"{where}: has no column but the target {target!r}; expected others too")
    labels = make_labels(
        [table.columns[at].values for table in parts.values()], f"{where}: {target!r}", task=task
    )
    x, y = {}, {}
    for i, (part, table) in enumerate(parts.items()):
        others = Table(table.columns[:at] + table.columns[at + 1 :])
        x[part], y[part] = others[labels.kept[i]], labels.parts[i]
    return Dataset(
        name=name,
        source=source,
        x_train=x["train"],
        y_train=y["train"],
        x_test=x.get("test", x["train"][:0]),
        y_test=y.get("test", y["train"][:0]),
        class_names=labels.class_names,
        x_validation=x.get("validation"),
        y_validation=y.get("validation"),
        target=target,
        removed={**removed, **labels.removed},
    )


def _is_index(column: Column) -> bool:
    """Tell whether a first column is the row numbers that data frames write without a name."""
    unnamed = re.fullmatch(r"column 1|Unnamed: 0|__index_level_0__", column.name)
    return bool(
        unnamed
        and column.kind == "number"
        and len(column.values)
        and (np.diff(column.values) == 1).all()
    )


def _table(raw: RawFrame, path: Path, kinds: Mapping[str, ColumnKind]) -> Table:
    with polars_errors(path):
        return Table(
            tuple(
                column_from_series(
                    series, path, kinds.get(series.name), decimal_comma=raw.decimal_comma
                )
                for series in raw.frame.get_columns()
            )
        )
