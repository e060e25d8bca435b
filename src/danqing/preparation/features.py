"""Features of one column: of numbers, of categories, of dates.

Each is fitted on the column of the training rows, and encodes any column of its kind with NumPy
alone. Knows no table: which columns are worth encoding is decided in `encoding`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from danqing.data.natural_order import natural_key
from danqing.data.table import Column, ColumnKind, ColumnType

__all__ = [
    "CategoryFeatures",
    "DateFeatures",
    "Features",
    "NumberFeatures",
    "features_from_json",
    "features_to_json",
    "fit_features",
]

MOST_VALUES = 50
_FAR = 1e30  # float32 reaches to 3e38: far enough to sum and scale without overflow
_DAY = 86_400_000  # milliseconds
_LATEST = 8e15  # milliseconds, some 250,000 years: as far as NumPy counts years


@dataclass(frozen=True)
class NumberFeatures:
    """A number minus the training median, and an indicator of missing ones if training had any.

    Attributes
    ----------
    name : str
        The column's.
    median : float
        Of the values present, as scikit-learn's ``SimpleImputer(strategy="median")`` takes it.
    varies : bool
        Whether the values present differ; if not, there is only the indicator.
    missing : bool
        Whether some values were missing.
    written : str
        How numbers are written as text: see `ColumnType`.
    """

    name: str
    median: float
    varies: bool
    missing: bool
    written: str = ""
    kind: ClassVar[ColumnKind] = "number"

    @property
    def type(self) -> ColumnType:
        """What the column's values are, and how they are written."""
        return ColumnType(self.kind, self.written)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return _present((self.name, self.varies), (f"{self.name} (missing)", self.missing))

    def write(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Encode `values`, shape (n,), into `out`, shape (n, features)."""
        absent = ~np.isfinite(values)
        if self.varies:
            # In float64: float32 would not distinguish 1700000000 from 1700000001.
            with np.errstate(over="ignore"):
                out[:, 0] = np.clip(np.where(absent, 0.0, values - self.median), -_FAR, _FAR)
        if self.missing:
            out[:, -1] = absent


@dataclass(frozen=True)
class CategoryFeatures:
    """One-hot features: one for each frequent value, one for all others, one for missing ones.

    As scikit-learn's ``OneHotEncoder(max_categories=51, handle_unknown="infrequent_if_exist")``,
    with missing as a value of its own.

    Attributes
    ----------
    name : str
    values : tuple of str
        At most the 50 most frequent, in natural order.
    other : bool
        Whether training had rarer values; they share a feature with unseen ones.
    missing : bool
        Whether some values were missing.
    """

    name: str
    values: tuple[str, ...]
    other: bool
    missing: bool
    kind: ClassVar[ColumnKind] = "category"

    @property
    def type(self) -> ColumnType:
        """What the column's values are."""
        return ColumnType(self.kind)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return (
            *(f"{self.name}={value}" for value in self.values),
            *_present(
                (f"{self.name} (other)", self.other), (f"{self.name} (missing)", self.missing)
            ),
        )

    @cached_property
    def _position(self) -> Mapping[str | None, int]:
        position: dict[str | None, int] = {value: i for i, value in enumerate(self.values)}
        # Programs differ in how they write booleans: true, True, TRUE.
        if {value.lower() for value in self.values} <= {"true", "false"}:
            for value in self.values:
                for spelling in (value.lower(), value.upper(), value.title()):
                    position.setdefault(spelling, position[value])
        if self.missing:
            position[None] = len(self.feature_names) - 1
        return position

    def write(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Encode `values`, shape (n,), into `out`, shape (n, features)."""
        unseen = len(self.values) if self.other else -1
        found = map(self._position.get, values.tolist(), repeat(unseen))
        positions = np.fromiter(found, dtype=np.int64, count=len(values))
        rows = np.flatnonzero(positions >= 0)
        out[...] = 0
        out[rows, positions[rows]] = 1


@dataclass(frozen=True)
class DateFeatures:
    """Days since the training median, and the place in the year, the week and the day.

    A place in a cycle becomes the sine and cosine of its angle, so that December is near January.

    Attributes
    ----------
    name : str
    median : float
        In days since 1970-01-01.
    cycles : tuple of str
        Those of "year", "week" and "day" in which training rows differ.
    varies, missing, written
        As for numbers.
    """

    name: str
    median: float
    cycles: tuple[str, ...]
    varies: bool
    missing: bool
    written: str = ""
    kind: ClassVar[ColumnKind] = "date"

    @property
    def type(self) -> ColumnType:
        """What the column's values are, and how they are written."""
        return ColumnType(self.kind, self.written)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return (
            *_present((f"{self.name} days", self.varies)),
            *(f"{self.name} {cycle} {wave}" for cycle in self.cycles for wave in ("sin", "cos")),
            *_present((f"{self.name} (missing)", self.missing)),
        )

    def write(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Encode `values`, shape (n,), into `out`, shape (n, features)."""
        absent = np.isnat(values)
        moments = _milliseconds(values, round(self.median * _DAY))
        at = 0
        if self.varies:
            days = moments / _DAY - self.median
            out[:, at] = np.where(absent, 0.0, days)
            at += 1
        for cycle in self.cycles:
            angle = 2 * np.pi * _place(moments, cycle)
            out[:, at], out[:, at + 1] = np.sin(angle), np.cos(angle)
            at += 2
        if self.missing:
            out[:, at] = absent


Features = NumberFeatures | CategoryFeatures | DateFeatures


def fit_features(column: Column) -> Features | None:
    """Fit a column's features; None if all its values are the same.

    Examples
    --------
    >>> fit_features(Column("size", "number", np.array([1.0, 5.0, np.nan]))).feature_names
    ('size', 'size (missing)')
    """
    absent = column.missing
    missing = bool(absent.any())
    present = column.values[~absent]
    if column.kind == "category":
        counts = Counter(present.tolist())
        if len(counts) + missing < 2:
            return None
        often = sorted(counts, key=lambda value: (-counts[value], natural_key(value)))
        values = tuple(sorted(often[:MOST_VALUES], key=natural_key))
        return CategoryFeatures(column.name, values, len(counts) > MOST_VALUES, missing)
    varies = bool(len(present) and present.min() != present.max())
    if not len(present) or not (varies or missing):
        return None
    if column.kind == "number":
        # Halves first: the mean of two huge numbers would overflow.
        return NumberFeatures(
            column.name, float(np.median(present / 2) * 2), varies, missing, column.written
        )
    moments = _milliseconds(present, 0)
    median = float(np.median(moments))
    cycles = tuple(c for c in ("year", "week", "day") if np.ptp(_place(moments, c)) > 1e-9)
    return DateFeatures(column.name, median / _DAY, cycles, varies, missing, column.written)


def features_from_json(plain: Mapping[str, Any]) -> Features:
    """Rebuild from what `features_to_json` gave."""
    made: dict[str, type[Features]] = {
        "number": NumberFeatures,
        "category": CategoryFeatures,
        "date": DateFeatures,
    }
    settings = {key: value for key, value in plain.items() if key != "kind"}
    for key in ("values", "cycles"):
        if key in settings:
            settings[key] = tuple(settings[key])
    return made[plain["kind"]](**settings)


def features_to_json(features: Features) -> dict[str, Any]:
    """Give fitted features as plain data."""
    plain = {"kind": features.kind, **asdict(features)}
    if not plain.get("written"):
        plain.pop("written", None)
    return {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}


def _present(*names: tuple[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, there in names if there)


def _milliseconds(moments: NDArray[np.datetime64], instead: int) -> NDArray[np.float64]:
    """Give milliseconds since 1970, and `instead` for missing moments."""
    absent = np.isnat(moments)
    counted = moments.astype("datetime64[ms]").astype(np.int64).astype(np.float64)
    return np.clip(np.where(absent, instead, counted), -_LATEST, _LATEST)


def _place(moments: NDArray[np.float64], cycle: str) -> NDArray[np.float64]:
    """Give the place in a cycle, from 0 to 1; in the year and the week, by whole days."""
    days = np.floor(moments / _DAY)
    if cycle == "day":
        return moments / _DAY - days
    if cycle == "week":
        return np.asarray((days + 3) % 7 / 7)  # 1970-01-01 was a Thursday; 0 is Monday
    dates = days.astype(np.int64).astype("datetime64[D]")
    years = dates.astype("datetime64[Y]")
    start, end = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    return np.asarray((dates - start) / (end - start))
