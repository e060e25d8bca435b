"""What is flagged as far from the training data, and what is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.table import Column, ColumnType, Table
from danqing.preparation.training_ranges import TrainingRanges, fit_ranges


def table(kind: str, *values: object) -> Table:
    dtype = {"number": np.float64, "date": "datetime64[ms]", "category": object}[kind]
    held = np.empty(len(values), dtype)
    held[:] = values
    return Table((Column("it", kind, held),))  # type: ignore[arg-type]


def flags(kind: str, training: list[object], new: list[object]) -> list[list[str]]:
    ranges = fit_ranges(table(kind, *training), ["it"])
    again = TrainingRanges.from_json(json.loads(json.dumps(ranges.to_json())))
    assert again == ranges
    return again.flags(table(kind, *new), {"it": ColumnType(kind)})  # type: ignore[arg-type]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
)
def test_numbers_beyond_the_range_by_more_than_its_width(
    training: list[float], new: list[float]
) -> None:
    low, high = min(training), max(training)
    expected = [x - high > high - low or low - x > high - low for x in new]  # of NaN false
    found = [bool(one) for one in flags("number", [*training, np.nan], list(new))]
    for x, is_far, said in zip(new, expected, found, strict=True):
        # At the very edge the rounding of two subtractions may differ.
        edge = min(abs(x - (2 * high - low)), abs(x - (2 * low - high)))
        assert is_far == said or edge <= 1e-12 * max(abs(low), abs(high))


def test_what_is_said() -> None:
    found = flags("number", [4.3, 7.9], [7.9, 11.6, -0.5, np.nan, np.inf, 12])
    assert found == [
        [],
        ["it: 11.6 is far beyond the training range, 4.3 to 7.9"],
        ["it: -0.5 is far beyond the training range, 4.3 to 7.9"],
        [],
        ["it: inf is far beyond the training range, 4.3 to 7.9"],
        ["it: 12 is far beyond the training range, 4.3 to 7.9"],
    ]
    found = flags("date", ["2020-01-01", "2021-01-01"], ["2021-12-31", "2031-05-01T06:30", "NaT"])
    assert found == [
        [],
        ["it: 2031-05-01T06:30:00.000 is far beyond the training range, 2020-01-01 to 2021-01-01"],
        [],
    ]
    found = flags("category", ["red", "blue", None], ["red", "pink", None, "Red"])
    assert found == [[], ["it: 'pink' never occurs in training"], [], [found[3][0]]]


@pytest.mark.parametrize("count", [3, 60, 5000])
def test_rare_categories_are_known_and_their_names_are_not_kept(count: int) -> None:
    training: list[object] = [f"person {i}" for i in range(count)]
    ranges = fit_ranges(table("category", *training), ["it"])
    assert "person" not in json.dumps(ranges.to_json())
    types = {"it": ColumnType("category")}
    assert ranges.flags(table("category", *training), types) == [[]] * count
    new = [f"person {i}" for i in range(count, count + 200)]
    assert all(ranges.flags(table("category", *new), types))


def test_booleans_are_known_however_they_are_written() -> None:
    assert flags("category", ["true", "false"], ["TRUE", "False", "true"]) == [[]] * 3
    assert flags("category", ["true", "maybe"], ["TRUE"]) != [[]]


def test_a_number_in_a_column_of_codes_is_compared_as_text() -> None:
    ranges = fit_ranges(table("category", "007", "A1"), ["it"])
    new = Table((Column("it", "number", np.array([7.0])),))
    found = ranges.flags(new, {"it": ColumnType("category")})
    assert found == [["it: '7' never occurs in training"]]


def test_only_columns_that_the_network_sees_are_looked_at() -> None:
    size, note = Column("size", "number", np.arange(3.0)), Column("note", "number", np.arange(3.0))
    ranges = fit_ranges(Table((size, note)), ["size"])
    wild = Column("note", "number", np.array([1e9]))
    new = Table((wild, Column("size", "number", np.array([1.0]))))
    assert ranges.flags(new, {"size": ColumnType("number")}) == [[]]


def test_an_empty_column_has_no_range() -> None:
    assert fit_ranges(table("number", np.nan, np.nan), ["it"]).columns == ()
