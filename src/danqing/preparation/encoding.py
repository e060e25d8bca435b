"""Encode a table's numbers, categories and dates as float32 features.

Fitted on the training rows only, kept as plain JSON, applied with NumPy alone: prediction needs no
scikit-learn. Knows no network, and no scaling, which is part of the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, ColumnKind, ColumnType, Table
from danqing.data.tables.choose_columns import case_hint
from danqing.errors import SourceError
from danqing.preparation.conversion import values_as
from danqing.preparation.features import (
    MOST_VALUES,
    Features,
    features_from_json,
    features_to_json,
    fit_features,
)

__all__ = ["Encoding", "fit_encoding"]

# Text is an identifier, not a category, if more than this share of it is distinct,
_DISTINCT = 0.9
_ROWS = 50  # in more than so many rows.
# It is free text if more than this share is distinct, and as long on average
_FREE_DISTINCT = 0.3
_FREE_LENGTH = 20  # in characters.


@dataclass(frozen=True)
class Encoding:
    """What each column of a table becomes.

    Attributes
    ----------
    columns : tuple of Features
        Of the columns used, in the training table's order.
    dropped : mapping of str to str
        The columns not used, and why.
    names : tuple of str
        All of the training table's columns in their order, which is that of an array's columns.
    """

    columns: tuple[Features, ...]
    dropped: Mapping[str, str]
    names: tuple[str, ...] = ()

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def column_of_feature(self) -> tuple[str, ...]:
        """The name of each feature's column."""
        return tuple(column.name for column in self.columns for _ in column.feature_names)

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kind of each column used."""
        return {column.name: column.kind for column in self.columns}

    @property
    def types(self) -> dict[str, ColumnType]:
        """The type of each column used, as `read_table` takes it."""
        return {column.name: column.type for column in self.columns}

    def check_columns(self, table: Table, where: object = "the table") -> None:
        """Refuse a table that lacks a column.

        Raises
        ------
        SourceError
            Names the columns, and the table by `where`.
        """
        missing = [name for name in self.kinds if name not in table.names]
        if missing:
            listed = ", ".join(map(repr, missing[:20])) + (", ..." if len(missing) > 20 else "")
            raise SourceError(
                f"{where} lacks {'columns' if len(missing) > 1 else 'the column'} {listed}"
                f"{case_hint(missing, list(table.names))}; "
                "expected every column that the network was trained on"
            )

    def transform(self, table: Table) -> NDArray[np.float32]:
        """Encode rows.

        Parameters
        ----------
        table : Table
            Columns are found by name, in any order; others are ignored.

        Returns
        -------
        ndarray of float32, shape (n, features)
            Finite, between -1e30 and 1e30.

        Raises
        ------
        SourceError
            If a column is missing, or a value doesn't fit its column's kind; the message names it.
        """
        typed = self.typed(table)
        features = np.zeros((len(table), len(self.feature_names)), dtype=np.float32)
        start = 0
        for column, found in zip(self.columns, typed.columns, strict=True):
            end = start + len(column.feature_names)
            column.write(found.values, features[:, start:end])
            start = end
        return features

    def typed(self, table: Table) -> Table:
        """Give the columns that are used, with the types of training; raises as `transform`."""
        self.check_columns(table)
        found = {column.name: column for column in table.columns}
        return Table(
            tuple(
                Column(name, wanted.kind, values_as(found[name], wanted), wanted.written)
                for name, wanted in self.types.items()
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Give what was learned as plain data."""
        return {
            "columns": [features_to_json(column) for column in self.columns],
            "dropped": dict(self.dropped),
            "names": list(self.names),
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Encoding:
        """Rebuild from what `to_json` gave."""
        columns = tuple(map(features_from_json, plain["columns"]))
        return cls(columns, dict(plain["dropped"]), tuple(plain.get("names", ())))


def fit_encoding(table: Table) -> Encoding:
    """Fit an encoding on the training rows.

    Constant columns, copies of an earlier column, row numbers, identifiers, text that is different
    in nearly every row and free text are dropped, with the reason.

    Parameters
    ----------
    table : Table
        The training rows, and no others.

    Raises
    ------
    SourceError
        If no column is left.

    Examples
    --------
    >>> table = Table((
    ...     Column("size", "number", np.array([1.0, 2.0, 6.0])),
    ...     Column("colour", "category", np.array(["red", "blue", "red"], object)),
    ...     Column("unit", "category", np.array(["cm", "cm", "cm"], object)),
    ... ))
    >>> encoding = fit_encoding(table)
    >>> encoding.feature_names, encoding.dropped
    (('size', 'colour=blue', 'colour=red'), {'unit': 'always the same'})
    >>> encoding.transform(table).tolist()
    [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [4.0, 0.0, 1.0]]
    """
    fitted: list[Features] = []
    dropped: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for column in table.columns:
        features = fit_features(column)
        digest = _digest(column)
        if column.left_out:
            dropped[column.name] = column.left_out
        elif features is None:
            dropped[column.name] = "always the same"
        elif digest in seen:
            dropped[column.name] = f"identical to {seen[digest]!r}"
        elif _identifies(column):
            dropped[column.name] = "text that is different in nearly every row"
        elif _is_free_text(column):
            dropped[column.name] = "free text"
        else:
            fitted.append(features)
        seen.setdefault(digest, column.name)
    if not fitted:
        reasons = "; ".join(f"{name!r}: {why}" for name, why in list(dropped.items())[:5])
        raise SourceError(f"no column says anything about the target ({reasons}); add others")
    return Encoding(tuple(fitted), dropped, table.names)


def _identifies(column: Column) -> bool:
    if column.kind != "category" or len(column.values) <= _ROWS:
        return False
    present = [value for value in column.values.tolist() if value is not None]
    return len(set(present)) > _DISTINCT * len(present)


def _is_free_text(column: Column) -> bool:
    """Whether a column has sentences rather than categories."""
    if column.kind != "category" or len(column.values) <= _ROWS:
        return False
    present = [value for value in column.values.tolist() if value is not None]
    distinct = set(present)
    if len(distinct) <= max(MOST_VALUES, _FREE_DISTINCT * len(present)):
        return False
    return sum(map(len, distinct)) > _FREE_LENGTH * len(distinct)


def _digest(column: Column) -> bytes:
    """Give a digest that columns with equal values share."""
    digest = hashlib.blake2b(column.kind.encode(), digest_size=16)
    if column.kind == "category":
        values = column.values.tolist()
        distinct = {value: i for i, value in enumerate(dict.fromkeys(values))}
        codes = np.fromiter((distinct[value] for value in values), np.int64, len(values))
        digest.update(codes.tobytes())
        digest.update(repr(list(distinct)).encode(errors="backslashreplace"))
    else:
        plain = column.values.astype(np.float64) + 0.0  # -0.0 equals 0.0
        plain[column.missing] = np.nan
        digest.update(plain.tobytes())
    return digest.digest()
