"""OpenML's tables by name, through scikit-learn, which keeps what it has downloaded.

Knows no data frames: scikit-learn's own parser returns plain arrays and the names of categories.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import urllib.error
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from danqing.data.arrays.from_arrays import target_from_array
from danqing.data.dataset import Dataset
from danqing.data.table import Column, ColumnKind, Table
from danqing.data.tables.table_files import dataset_of_tables
from danqing.errors import SourceError

__all__ = ["OPENML", "load_openml"]

OPENML = "openml:"
_TIMEOUT = 10.0  # seconds without a response


def load_openml(name: str, target: str | None = None, task: str | None = None) -> Dataset:
    """Load a table from OpenML, through scikit-learn.

    Parameters
    ----------
    name : str
        ``openml:NAME`` or ``openml:NUMBER``.
    target : str, optional
        Column to predict; OpenML's default target if not given.
    task : {"classification", "regression"}, optional
        Inferred from the target if not given.

    Raises
    ------
    SourceError
        If there is no network, no such data set, or it isn't a table of numbers and categories.
    """
    import sklearn.datasets

    word = name.removeprefix(OPENML)
    which: dict[str, Any] = {"data_id": int(word)} if word.isdecimal() else {"name": word}
    try:
        with warnings.catch_warnings():
            # That other versions of the set exist is no news to those who ask for it by name.
            warnings.simplefilter("ignore")
            with _time_limit():
                bunch = sklearn.datasets.fetch_openml(
                    **which, target_column=target or "default-target", as_frame=False,
                    parser="liac-arff", n_retries=1, delay=0.1,
                )  # fmt: skip
    except urllib.error.HTTPError as error:
        raise SourceError(f"{name}: OpenML says {error.code}; check the name") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise SourceError(
            f"{name}: can't be downloaded ({reason}); connect to the network, or use a file"
        ) from None
    except (ValueError, KeyError, TypeError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{name}: {reason}; check the name, or save the table as CSV") from None
    if bunch.target is None or np.ndim(bunch.target) != 1:
        raise SourceError(f"{name}: has no single default target; name one with --target")
    column = str(target or (getattr(bunch, "target_names", None) or ["target"])[0])
    table = _table(bunch, column, name)
    return dataset_of_tables({"train": table}, name, column, task, name=word, source=name)


def _table(bunch: Any, target: str, name: str) -> Table:
    """Return the columns, categories by name, with the target as the last one."""
    data = bunch.data.toarray() if hasattr(bunch.data, "toarray") else np.asarray(bunch.data)
    categories = getattr(bunch, "categories", None) or {}
    columns = []
    for position, feature in enumerate(map(str, bunch.feature_names)):
        try:
            numbers = data[:, position].astype(np.float64)
        except (ValueError, TypeError):
            raise SourceError(
                f"{name}: the column {feature!r} contains no numbers; save the table as CSV"
            ) from None
        if feature in categories:
            words = np.array([*map(str, categories[feature]), None], dtype=object)
            codes = np.where(np.isnan(numbers), len(words) - 1, numbers).astype(np.int64)
            columns.append(Column(feature, "category", words[codes]))
        else:
            columns.append(Column(feature, "number", numbers))
    y = target_from_array(np.asarray(bunch.target), name)
    kind: ColumnKind = "category" if y.dtype.kind == "O" else "number"
    return Table((*columns, Column(target, kind, y if kind == "category" else y.astype(float))))


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    # scikit-learn takes no time limit; without one a silent network would hang forever.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
