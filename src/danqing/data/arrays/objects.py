"""In-memory data -> a Dataset: arrays, data frames, and objects with `.data` and `.target`.

Knows no files. Never imports pandas: a data frame is recognised by its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.frames import HERE, is_frame, table_of_frame, values_of_pandas
from danqing.data.arrays.from_arrays import (
    check_lengths,
    examples_from_arrays,
    pictures_as_of,
    target_from_array,
    unmasked,
)
from danqing.data.dataset import Dataset
from danqing.data.labels import WITHOUT_TARGET, make_labels
from danqing.data.table import ColumnType, Table
from danqing.data.tables.choose_columns import chosen_types
from danqing.data.tables.table_files import dataset_of_tables
from danqing.errors import SourceError, SourceTypeError

__all__ = ["examples_of", "from_object", "pairs_of"]

_INK = 16.0  # the maximum of scikit-learn's digits: pixels with ink in a 4x4 block


def from_object(
    obj: Any,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, str | ColumnType] | None = None,
) -> Dataset:
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
    columns : mapping of str to {"category", "number", "date", "ignore"}, optional
        Types of a data frame's columns, instead of its own.

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
    if is_frame(obj):
        notes: list[str] = []
        names = tuple(str(name) for name in obj.columns)
        types, _ = chosen_types(columns or {}, names, HERE)
        table = table_of_frame(obj, types, notes)
        _check_rows(table)
        dataset = dataset_of_tables(
            {"train": table},
            HERE,
            target,
            task,
            name="data",
            source="",
            columns=columns,
            notes=notes,
        )
        _check_targets(dataset.removed)
        label = list(obj.columns)[names.index(dataset.target)]
        if str(obj[label].dtype).lower() in ("bool", "boolean"):
            dataset = replace(dataset, label_type="boolean")
        return dataset
    if columns:
        raise SourceError(f"{HERE} has no named columns; leave out columns")
    if target is not None:
        raise SourceError(f"{HERE} has no named columns, so it has no {target!r}; leave out target")
    if isinstance(obj, tuple | list):
        return _from_pairs(pairs_of(obj), task)
    if hasattr(obj, "data") and hasattr(obj, "target"):
        return _from_bunch(obj, task)
    raise SourceTypeError(
        f"{HERE} is of type {type(obj).__name__}; expected (X, y), a data frame with a target, "
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
        subset: x if isinstance(x, Table) else table_of_frame(x) if is_frame(x) else None
        for subset, x in objects.items()
    }
    first = tables["train"]
    for subset, x in objects.items():
        table = tables[subset]
        if (table is None) != (first is None):
            raise SourceError(f"{HERE} mixes data frames and arrays; use one of them")
        if table is not None and first is not None and table.names != first.names:
            raise SourceError(
                f"{HERE} has other columns for testing than for training; give both the same"
            )
        if table is None and hasattr(x, "toarray") and hasattr(x, "nnz"):
            raise SourceError(f"{HERE} is a sparse matrix; expected a dense one, x.toarray()")
    if first is not None:
        return tables
    arrays = {subset: _array(x) for subset, x in objects.items()}
    return examples_from_arrays(arrays, HERE, [str(name) for name in names])


def _array(x: Any) -> NDArray[Any]:
    try:
        array = np.asarray(unmasked(x))
        if array.dtype.kind == "U" and isinstance(x, list | tuple):
            # NumPy converts numbers among text to text; which was meant can't be guessed.
            array = np.asarray(x, dtype=object)
            if all(isinstance(value, str) for value in array.flat):
                return array.astype(str)
        return array
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"{HERE} can't be converted to an array ({str(error).splitlines()[0]}); expected rows "
            "of equal length"
        ) from None


def _target(y: Any) -> NDArray[Any]:
    if hasattr(y, "isna"):  # a pandas series: its various missing values become NaN or None
        y = values_of_pandas(y)
    return target_from_array(_array(y), HERE)


def pairs_of(obj: Any) -> list[tuple[Any, Any]]:
    """Give the pairs of a tuple or list as `from_object` takes it: training, then test.

    Raises
    ------
    SourceError
        If it is none.
    """
    if len(obj) == 2 and all(isinstance(pair, tuple) and len(pair) == 2 for pair in obj):
        return list(obj)
    if len(obj) in (2, 4):
        return [(obj[i], obj[i + 1]) for i in range(0, len(obj), 2)]
    raise SourceError(
        f"{HERE} is a {type(obj).__name__} of {len(obj)}; expected (X, y), "
        "(X_train, y_train, X_test, y_test) or ((X_train, y_train), (X_test, y_test))"
    )


def _from_pairs(
    pairs: list[tuple[Any, Any]], task: str | None, names: Any = (), class_names: Any = ()
) -> Dataset:
    by_subset = dict(zip(("train", "test"), pairs, strict=False))
    x = _examples({subset: pair[0] for subset, pair in by_subset.items()}, names)
    y = {subset: _target(pair[1]) for subset, pair in by_subset.items()}
    check_lengths(x, y, HERE)
    _check_rows(x["train"])
    labels = make_labels(
        y,
        HERE,
        pictures=not isinstance(x["train"], Table),
        task=task,
        names=[str(name) for name in class_names],
    )
    _check_targets(labels.removed)
    arrays = {} if isinstance(x["train"], Table) else {"train": _array(by_subset["train"][0])}
    return Dataset.from_subsets(
        x,
        labels.by_subset,
        name="data",
        source="",
        class_names=labels.class_names,
        label_type=labels.label_type,
        pictures_as=pictures_as_of(arrays, HERE) if arrays else {},
        notes=labels.notes,
    )


def _check_targets(removed: Mapping[str, int]) -> None:
    if missing := removed.get(WITHOUT_TARGET):
        raise SourceError(
            f"Input y contains NaN: {HERE} has {missing:,} missing or infinite targets; leave out "
            "their rows"
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
        raise SourceError(f"{HERE} has no rows; expected at least two examples")
