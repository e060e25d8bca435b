"""In-memory data -> a Dataset: arrays, data frames, and objects with `.data` and `.target`.

Knows no files. Never imports pandas: a data frame is recognised by its attributes.
"""

from __future__ import annotations

import datetime
import decimal
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.from_arrays import (
    check_lengths,
    examples_from_arrays,
    pictures_as_of,
    target_from_array,
)
from danqing.data.dataset import Dataset
from danqing.data.labels import WITHOUT_TARGET, make_labels, text_of_number
from danqing.data.table import Column, Table
from danqing.data.tables.columns import column_from_series
from danqing.data.tables.table_files import dataset_of_tables
from danqing.errors import SourceError

__all__ = ["examples_of", "from_object"]

_HERE = "the data given"
_INK = 16.0  # the maximum of scikit-learn's digits: pixels with ink in a 4x4 block


def from_object(obj: Any, target: str | None = None, task: str | None = None) -> Dataset:
    """Make a Dataset of in-memory data.

    Parameters
    ----------
    obj : object
        ``(X, y)``, ``(X_train, y_train, X_test, y_test)`` or
        ``((X_train, y_train), (X_test, y_test))``; a pandas or Polars data frame; an object with
        `.data` and `.target`, such as scikit-learn's data sets; or a Dataset, returned unchanged.
    target : str, optional
        The column of a data frame to predict.
    task : {"classification", "regression"}, optional
        Inferred from the targets if not given.

    Raises
    ------
    SourceError
        If it is none of these, lengths differ, targets are missing, or values are unusable.

    Examples
    --------
    >>> dataset = from_object((np.eye(4), ["cat", "dog", "cat", "dog"]))
    >>> dataset.class_names, dataset.x_train.shape
    (('cat', 'dog'), (4, 4))
    """
    if isinstance(obj, Dataset):
        return obj
    if _is_frame(obj):
        table = _table_of_frame(obj)
        _check_rows(table)
        return dataset_of_tables({"train": table}, _HERE, target, task, name="data", source="")
    if target is not None:
        raise SourceError(
            f"{_HERE} has no named columns, so it has no {target!r}; leave out target"
        )
    if isinstance(obj, tuple | list):
        return _from_pairs(_pairs(obj), task)
    if hasattr(obj, "data") and hasattr(obj, "target"):
        return _from_bunch(obj, task)
    raise SourceError(
        f"{_HERE} is of type {type(obj).__name__}; expected (X, y), a data frame with a target, "
        "an object with .data and .target, or the name or path of a source"
    )


def examples_of(x: Any) -> Any:
    """Convert examples without targets to pictures or a table.

    Parameters
    ----------
    x : array-like, data frame or Table
        As for `from_object`.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, channels), or Table

    Examples
    --------
    >>> examples_of([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """
    return _examples({"train": x})["train"]


def _examples(objects: dict[str, Any], names: Any = ()) -> dict[str, Any]:
    """Convert the examples of each subset, training first."""
    tables = {
        subset: x if isinstance(x, Table) else _table_of_frame(x) if _is_frame(x) else None
        for subset, x in objects.items()
    }
    first = tables["train"]
    for subset, x in objects.items():
        table = tables[subset]
        if (table is None) != (first is None):
            raise SourceError(f"{_HERE} mixes data frames and arrays; use one of them")
        if table is not None and first is not None and table.names != first.names:
            raise SourceError(f"{_HERE} has other columns for testing than for training")
        if table is None and hasattr(x, "toarray") and hasattr(x, "nnz"):
            raise SourceError(f"{_HERE} is a sparse matrix; expected a dense one, x.toarray()")
    if first is not None:
        return tables
    arrays = {subset: _array(x) for subset, x in objects.items()}
    return examples_from_arrays(arrays, _HERE, [str(name) for name in names])


def _array(x: Any) -> NDArray[Any]:
    try:
        array = np.asarray(x)
        if array.dtype.kind == "U" and isinstance(x, list | tuple):
            # NumPy converts numbers among text to text; which was meant can't be guessed.
            array = np.asarray(x, dtype=object)
            if all(isinstance(value, str) for value in array.flat):
                return array.astype(str)
        return array
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"{_HERE} can't be converted to an array ({str(error).splitlines()[0]}); expected rows "
            "of equal length"
        ) from None


def _target(y: Any) -> NDArray[Any]:
    if hasattr(y, "isna"):  # a pandas series: its various missing values become NaN or None
        y = _values_of_pandas(y)
    return target_from_array(_array(y), _HERE)


def _pairs(obj: Any) -> list[tuple[Any, Any]]:
    if len(obj) == 2 and all(isinstance(pair, tuple) and len(pair) == 2 for pair in obj):
        return list(obj)
    if len(obj) in (2, 4):
        return [(obj[i], obj[i + 1]) for i in range(0, len(obj), 2)]
    raise SourceError(
        f"{_HERE} is a {type(obj).__name__} of {len(obj)}; expected (X, y), "
        "(X_train, y_train, X_test, y_test) or ((X_train, y_train), (X_test, y_test))"
    )


def _from_pairs(
    pairs: list[tuple[Any, Any]], task: str | None, names: Any = (), class_names: Any = ()
) -> Dataset:
    by_subset = dict(zip(("train", "test"), pairs, strict=False))
    x = _examples({subset: pair[0] for subset, pair in by_subset.items()}, names)
    y = {subset: _target(pair[1]) for subset, pair in by_subset.items()}
    check_lengths(x, y, _HERE)
    _check_rows(x["train"])
    labels = make_labels(
        y,
        _HERE,
        pictures=not isinstance(x["train"], Table),
        task=task,
        names=[str(name) for name in class_names],
    )
    if labels.removed:
        raise SourceError(
            f"{_HERE} has {labels.removed[WITHOUT_TARGET]:,} missing or infinite targets (NaN); "
            "leave out their rows"
        )
    arrays = {} if isinstance(x["train"], Table) else {"train": _array(by_subset["train"][0])}
    return Dataset.from_subsets(
        x,
        labels.by_subset,
        name="data",
        source="",
        class_names=labels.class_names,
        label_type=labels.label_type,
        pictures_as=pictures_as_of(arrays, _HERE) if arrays else {},
    )


def _from_bunch(bunch: Any, task: str | None) -> Dataset:
    names = getattr(bunch, "feature_names", None)
    class_names = getattr(bunch, "target_names", None)
    x, ink = bunch.data, dict[str, Any]()
    images = getattr(bunch, "images", None)
    if images is not None and np.ndim(images) in (3, 4) and len(images) == len(bunch.target):
        x = np.asarray(images)
        if x.dtype.kind == "f" and x.shape[1:] == (8, 8) and 1 < x.max() <= _INK:
            x, ink = np.rint(x * (255 / _INK)), {"pictures_as": {"range": [0, _INK]}}
    pairs, names = [(x, bunch.target)], () if names is None else names
    dataset = _from_pairs(pairs, task, names, () if class_names is None else class_names)
    return replace(dataset, **ink)


def _check_rows(x: Any) -> None:
    if not len(x):
        raise SourceError(f"{_HERE} has no rows; expected at least two examples")


def _is_frame(obj: Any) -> bool:
    return not isinstance(obj, Table) and hasattr(obj, "columns") and hasattr(obj, "to_numpy")


def _table_of_frame(frame: Any) -> Table:
    names = [str(name) for name in frame.columns]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SourceError(f"{_HERE} has two columns {doubled[0]!r}; rename one")
    columns = []
    for name, key in zip(names, frame.columns, strict=True):
        series = frame[key]
        if type(series).__module__.split(".")[0] == "polars":
            columns.append(_known_text(column_from_series(series, _HERE), series))
        else:
            column = _column_of_values(name, _values_of_pandas(series))
            columns.append(_as_category(column) if str(series.dtype) == "category" else column)
    return Table(tuple(columns))


def _known_text(column: Column, series: Any) -> Column:
    """Keep a data frame's text as text: unlike in a CSV file, it was typed on purpose."""
    if column.kind != "category" and str(series.dtype) in ("String", "Categorical", "Enum"):
        return column_from_series(series, _HERE, "category")
    return column


def _as_category(column: Column) -> Column:
    if column.kind != "number":
        return column
    values = [None if v != v else text_of_number(v) for v in column.values.tolist()]
    return Column(column.name, "category", np.array([*values, None], dtype=object)[:-1])


def _values_of_pandas(series: Any) -> NDArray[Any]:
    """Return a series' values as a plain array; missing objects become None."""
    missing = np.asarray(series.isna(), dtype=bool)
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "biufM":
        return values
    if values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "s"))
    if str(series.dtype).startswith(("datetime64", "period")):
        return np.asarray(series.astype("datetime64[ns, UTC]").to_numpy("datetime64[ns]"))
    values = values.astype(object)
    values[missing] = None
    present = values[~missing].tolist()
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return np.array([None if v is None else str(bool(v)).lower() for v in values], object)
    if present and all(
        isinstance(value, int | float | np.number | decimal.Decimal) for value in present
    ):
        return np.array([np.nan if value is None else float(value) for value in values])
    return values


def _column_of_values(name: str, values: NDArray[Any]) -> Column:
    if values.ndim != 1:
        raise SourceError(f"{_HERE}: the column {name!r} is not one-dimensional; leave it out")
    if values.dtype.kind == "b":
        words = np.array(["false", "true"], dtype=object)[values.astype(np.int64)]
        return Column(name, "category", words)
    if values.dtype.kind in "iuf":
        numbers = values.astype(np.float64)
        numbers[np.isinf(numbers)] = np.nan
        return Column(name, "number", numbers)
    if values.dtype.kind == "M":
        return Column(name, "date", values.astype("datetime64[ms]"))
    present = [value for value in values.tolist() if value is not None]
    if not present:
        return Column(name, "number", np.full(len(values), np.nan))
    if all(isinstance(value, datetime.date) for value in present):
        return Column(name, "date", np.array([_moment(value) for value in values.tolist()]))
    texts = [None if value is None else _text(name, value) for value in values.tolist()]
    return Column(name, "category", np.array([*texts, None], dtype=object)[:-1])


def _moment(value: datetime.date | None) -> np.datetime64:
    if isinstance(value, datetime.datetime) and value.tzinfo:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64("NaT" if value is None else value, "ms")


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | float | np.number | decimal.Decimal):
        return text_of_number(float(value))
    raise SourceError(
        f"{_HERE}: the column {name!r} contains objects of type {type(value).__name__}; "
        "expected numbers, text, booleans or dates"
    )
