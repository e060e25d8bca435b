"""CSV and Parquet files -> a Table, or a Dataset of rows with a target.

Knows no encoding: missing values stay missing, text stays text. The types of columns are decided
in `columns`; files are read in `frame_files`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.labels import make_labels
from danqing.data.row_names import name_rows
from danqing.data.subset_names import SUBSETS, subset_of
from danqing.data.table import ColumnKind, ColumnType, Table
from danqing.data.tables.choose_columns import case_hint, choose_target, chosen_types
from danqing.data.tables.columns import columns_from_series
from danqing.data.tables.frame_files import RawFrame, polars_errors, read_frame
from danqing.data.tables.row_numbers import is_index, without_identifiers
from danqing.data.tables.units import rows_of_units
from danqing.errors import SourceError

__all__ = [
    "TABLE_SUFFIXES",
    "dataset_of_tables",
    "load_table",
    "read_rows",
    "read_table",
    "table_subsets",
]

_log = logging.getLogger("danqing")

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".csv.gz", ".tsv.gz")
_INDEX = "unnamed columns of row numbers"
_UNITS = "rows of units"
_HAS_UNITS = "has units, not values; it is left out"


def load_table(
    path: str | Path,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, str | ColumnType] | None = None,
) -> Dataset:
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
    columns : mapping of str to {"category", "number", "date", "ignore"}, optional
        Types of columns, instead of those inferred from their values.

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
    names = tuple(frames["train"].frame.columns)
    types, ignored = chosen_types(columns or {}, names, path)
    together, units = _together(frames, files, [n for n in names if n not in ignored])
    notes = [note for raw in frames.values() for note in raw.notes]
    notes = list(dict.fromkeys(notes))
    table = _table(together, path, types, notes)
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
        columns=columns or {},
        notes=notes,
        units=units,
    )


def _together(
    frames: dict[str, RawFrame], files: dict[str, Path], names: list[str]
) -> tuple[RawFrame, list[str]]:
    """Put columns of all subsets into one frame; name the subsets that begin with units."""
    import polars as pl

    parts, units = [], []
    for subset, raw in frames.items():
        missing = [name for name in names if name not in raw.frame.columns]
        if missing:
            listed = ", ".join(map(repr, missing))
            raise SourceError(
                f"{files[subset]}: lacks the columns {listed} of {files['train'].name}"
                f"{case_hint(missing, raw.frame.columns)}; add them"
            )
        found, frame = rows_of_units(raw.frame.select(names))
        parts.append(frame)
        units += [subset] * found
    with polars_errors(files["train"].parent):
        whole = pl.concat(parts, how="vertical_relaxed")
    return RawFrame(whole, frames["train"].separator), units


def read_table(
    path: str | Path, kinds: Mapping[str, ColumnKind | ColumnType] | None = None
) -> Table:
    r"""Read the rows of a CSV, TSV or Parquet file, with or without a target.

    Parameters
    ----------
    path : str or Path
    kinds : mapping of str to ColumnType or its kind, optional
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
    return _typed(read_frame(Path(path)), Path(path), kinds or {})


def read_rows(path: Path, types: Mapping[str, ColumnType]) -> tuple[Table, int]:
    """Read rows to predict as `read_table` does, without a row of units; return its length, too."""
    raw = read_frame(path)
    numbers = [name for name, kind in types.items() if kind.kind == "number"]
    found, frame = rows_of_units(raw.frame, numbers)
    table = _typed(replace(raw, frame=frame), path, types)
    if not found:
        return table, 0
    if len(table) == 1:
        raise SourceError(f"{path}: has a row of units and no other; add rows of values")
    _log.warning("%s:1: %s", path, _HAS_UNITS)
    return table[1:], 1


def _typed(raw: RawFrame, path: Path, kinds: Mapping[str, ColumnKind | ColumnType]) -> Table:
    types = {
        name: kind if isinstance(kind, ColumnType) else ColumnType(kind)
        for name, kind in kinds.items()
    }
    for note in raw.notes:
        _log.warning("%s: %s", path, note)
    notes: list[str] = []
    table = _table(raw, path, types, notes, trained=True)
    for note in notes:
        # What nothing was learned from is of no interest.
        if not types or any(f"the column {name!r}" in note for name in types):
            _log.warning("%s: %s", path, note)
    return table


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


def dataset_of_tables(
    tables: Mapping[str, Table],
    where: object,
    target: str | None,
    task: str | None,
    *,
    name: str,
    source: str,
    files: Mapping[str, Path] | None = None,
    columns: Mapping[str, str | ColumnType] | None = None,
    notes: Sequence[str] = (),
    units: Collection[str] = (),
) -> Dataset:
    """Make a Dataset of the tables of each subset, training first; rows need a target.

    Rows are named by the `files` they come from, if these are given, and by their row in it.

    Parameters
    ----------
    tables, where, target, task, name, source
        As in `load_table` and `Dataset`.
    columns : mapping, optional
        The types that the caller has chosen; "ignore" leaves a column out.
    notes : sequence of str
        What reading has decided.
    units : collection of str
        The subsets whose first row has units in place of values.

    Raises
    ------
    SourceError
        If there is no such target, it is a date, or no other column is left.
    """
    columns, lines = columns or {}, list(notes)
    names = tables["train"].names
    target = choose_target(names, target, where)
    at = names.index(target)
    if tables["train"].columns[at].kind == "date":
        raise SourceError(f"{where}: the target {target!r} is a date; expected classes or numbers")
    given = frozenset(columns)
    index = [c.name for c in tables["train"].columns
             if c.name not in given and c.name != target and is_index(c)]  # fmt: skip
    ignored = [c for c, kind in columns.items() if kind == "ignore" and c != target]
    others = [i for i, c in enumerate(names) if c not in (target, *index, *ignored)]
    if not others:
        raise SourceError(f"{where}: has no column but the target {target!r}; expected others too")
    removed: dict[str, int] = {_INDEX: len(index)} if index else {}
    if index:
        listed = ", ".join(map(repr, index))
        lines.append(f"left out as row numbers: {listed}; --column NAME=number uses a column")
    targets = {subset: table.columns[at].values for subset, table in tables.items()}
    skip = {subset: np.arange(len(targets[subset])) == 0 for subset in units}
    if units:
        removed[_UNITS] = len(units)
        which = f"row 1 of {' and '.join(units)}" if len(tables) > 1 else "row 1"
        lines.append(f"{which} {_HAS_UNITS}")
    labels = make_labels(targets, f"{where}: {target!r}", task=task, skip=skip)
    x = {subset: Table(tuple(table.columns[i] for i in others)) for subset, table in tables.items()}
    x = without_identifiers(x, given)
    return Dataset.from_subsets(
        {subset: table[labels.kept[subset]] for subset, table in x.items()},
        labels.by_subset,
        name=name,
        source=source,
        class_names=labels.class_names,
        label_type=labels.label_type,
        target=target,
        removed={**removed, **labels.removed},
        names=name_rows(labels.kept, files),
        columns={n: kind for n, kind in columns.items() if isinstance(kind, str)},
        target_type=ColumnType(
            tables["train"].columns[at].kind, tables["train"].columns[at].written
        ),
        notes=(*lines, *labels.notes),
    )


def _table(
    raw: RawFrame,
    path: Path,
    types: Mapping[str, ColumnType],
    notes: list[str],
    *,
    trained: bool = False,
) -> Table:
    with polars_errors(path):
        return Table(
            columns_from_series(
                raw.frame.get_columns(),
                path,
                types,
                notes,
                trained=trained,
                separator=raw.separator,
            )
        )
