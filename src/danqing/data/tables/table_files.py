"""CSV and Parquet files -> a Table, or a Dataset of rows with a target.

Knows no encoding: missing values stay missing, text stays text. The types of columns are decided
in `columns`; files are read in `frame_files`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.labels import make_labels
from danqing.data.row_names import name_rows
from danqing.data.subset_names import SUBSETS, subset_of
from danqing.data.table import Column, ColumnKind, Table
from danqing.data.tables.columns import column_from_series
from danqing.data.tables.frame_files import RawFrame, polars_errors, read_frame
from danqing.errors import SourceError

__all__ = ["TABLE_SUFFIXES", "choose_target", "dataset_of_tables", "load_table", "read_table",
           "table_subsets"]  # fmt: skip

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".csv.gz", ".tsv.gz")
_TARGETS = ("target", "label", "class", "y")
_INDEX = "unnamed columns of row numbers"


def load_table(path: str | Path, target: str | None = None, task: str | None = None) -> Dataset:
    """Load rows with a target from a file, or from a folder with one file per subset.

    Parameters
    ----------
    path : str or Path
        A CSV, TSV or Parquet file; or a folder with ``train.csv`` and optionally ``test.csv`` and
        ``validation.csv``, or the same as Parquet.
    target : str, optional
        The column to predict. If not given, the one named target, label, class or y.
    task : {"classification", "regression"}, optional
        Inferred from the target if not given.

    Raises
    ------
    SourceError
        If a file is damaged, the target is missing, or the files' columns differ; the message
        names the file.
    """
    path = Path(path)
    files = table_subsets(path) if path.is_dir() else {"train": path}
    if "train" not in files:
        raise SourceError(f"{path}: has no train.csv or train.parquet; name the file itself")
    frames = {subset: read_frame(file) for subset, file in files.items()}
    # Typed together, so that a column has the same type in every subset.
    table = _table(_together(frames, files), path, {})
    lengths = [len(raw.frame) for raw in frames.values()]
    ends = np.cumsum([0, *lengths])
    tables = {
        subset: table[slice(int(start), int(end))]
        for subset, start, end in zip(frames, ends[:-1], ends[1:], strict=True)
    }
    return dataset_of_tables(
        tables,
        path,
        target,
        task,
        name=path.resolve().stem,
        source=str(path.resolve()),
        files={subset: file.resolve() for subset, file in files.items()},
    )


def _together(frames: dict[str, RawFrame], files: dict[str, Path]) -> RawFrame:
    import polars as pl

    names = frames["train"].frame.columns
    for subset, raw in frames.items():
        missing = [repr(name) for name in names if name not in raw.frame.columns]
        if missing:
            raise SourceError(
                f"{files[subset]}: lacks the columns {', '.join(missing)} of "
                f"{files['train'].name}; add them"
            )
    with polars_errors(files["train"].parent):
        whole = pl.concat(
            [raw.frame.select(names) for raw in frames.values()], how="vertical_relaxed"
        )
    return RawFrame(whole, frames["train"].decimal_comma)


def read_table(path: str | Path, kinds: Mapping[str, ColumnKind] | None = None) -> Table:
    r"""Read the rows of a CSV, TSV or Parquet file, with or without a target.

    Parameters
    ----------
    path : str or Path
    kinds : mapping of str to {"number", "category", "date"}, optional
        The types that columns had in training; those of others are inferred from their values.

    Raises
    ------
    SourceError
        If the file is missing, damaged or not a table, or values don't have the type they should.

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


def table_subsets(folder: Path) -> dict[str, Path]:
    """Find the files for training, validation and testing in a folder, as far as it has them."""
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        stem, dot, suffix = file.name.lower().partition(".")
        if dot + suffix in TABLE_SUFFIXES and (subset := subset_of(stem)):
            if subset in found:
                raise SourceError(f"{folder}: has {found[subset].name} and {file.name}; keep one")
            found[subset] = file
    return {subset: found[subset] for subset in SUBSETS if subset in found}


def choose_target(names: tuple[str, ...], target: str | None, where: object) -> str:
    """Return the name of the target column.

    Raises
    ------
    SourceError
        If there is no such column, or none is named and none stands out; the columns are listed.

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
    tables: Mapping[str, Table],
    where: object,
    target: str | None,
    task: str | None,
    *,
    name: str,
    source: str,
    files: Mapping[str, Path] | None = None,
) -> Dataset:
    """Make a Dataset of the tables of each subset, training first; rows need a target.

    Rows are named by the `files` they come from, if these are given, and by their row in it.

    Raises
    ------
    SourceError
        If there is no such target, it is a date, or no other column is left.
    """
    columns = tables["train"].columns
    target = choose_target(tables["train"].names, target, where)
    removed: dict[str, int] = {}
    first = 0
    if _is_index(columns[0]) and target != columns[0].name:
        first, removed[_INDEX] = 1, 1
    at = tables["train"].names.index(target)
    if columns[at].kind == "date":
        raise SourceError(f"{where}: the target {target!r} is a date; expected classes or numbers")
    if len(columns) - first < 2:
        raise SourceError(f"{where}: has no column but the target {target!r}; expected others too")
    targets = {subset: table.columns[at].values for subset, table in tables.items()}
    labels = make_labels(targets, f"{where}: {target!r}", task=task)
    x = {
        subset: Table(table.columns[first:at] + table.columns[at + 1 :])[labels.kept[subset]]
        for subset, table in tables.items()
    }
    return Dataset.from_subsets(
        x,
        labels.by_subset,
        name=name,
        source=source,
        class_names=labels.class_names,
        label_type=labels.label_type,
        target=target,
        removed={**removed, **labels.removed},
        names=name_rows(labels.kept, files),
        without_target=name_rows({subset: ~kept for subset, kept in labels.kept.items()}, files),
    )


def _is_index(column: Column) -> bool:
    """Whether a first column is the unnamed row numbers that data frames write."""
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
