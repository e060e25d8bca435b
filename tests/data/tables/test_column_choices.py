"""A type that is asked for gives the same column, whatever kind of source holds the values."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from danqing.data.sources import load_data
from danqing.data.table import Column
from danqing.errors import SourceError

DAYS = [datetime.date(2024, 1, day + 1) for day in range(30)]
VALUES: dict[str, list[Any]] = {
    "whole": list(range(100, 130)),
    "half": [number + 0.5 for number in range(30)],
    "text": [f"{number}.25" for number in range(30)],
    "large": [2**53 + number for number in range(30)],
    "day": DAYS,
    "truth": [number % 3 == 0 for number in range(30)],
}


def column(source: Any, kind: str) -> Column:
    return load_data(source, target="y", columns={"a": kind}).x_train.columns[0]


@pytest.mark.parametrize("name", VALUES)
def test_categories_are_texts_as_a_person_writes_them(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"a": VALUES[name], "y": ["p", "q", "p"] * 10})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    expected = column(tmp_path / "a.csv", "category").values.tolist()
    assert expected == frame["a"].cast(pl.String).to_list()
    pandas = pd.DataFrame(frame.to_dict(as_series=False))
    for source in (tmp_path / "a.parquet", frame, pandas):
        found = column(source, "category")
        assert (found.kind, found.values.tolist()) == ("category", expected)


@pytest.mark.parametrize("name", ["whole", "half", "text"])
def test_numbers_stay_numbers(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"a": VALUES[name], "y": ["p", "q", "p"] * 10})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    expected = [float(value) for value in VALUES[name]]
    pandas = pd.DataFrame(frame.to_dict(as_series=False))
    for source in (tmp_path / "a.csv", tmp_path / "a.parquet", frame, pandas):
        found = column(source, "number")
        assert (found.kind, found.values.tolist()) == ("number", expected)


@pytest.mark.parametrize("kind", ["number", "date"])
def test_what_can_not_become_the_type_is_refused(tmp_path: Path, kind: str) -> None:
    values = DAYS if kind == "number" else [f"word{number % 7}" for number in range(30)]
    frame = pl.DataFrame({"a": values, "y": ["p", "q", "p"] * 10})
    frame.write_parquet(tmp_path / "a.parquet")
    pandas = pd.DataFrame(frame.to_dict(as_series=False))
    for source in (tmp_path / "a.parquet", frame, pandas):
        with pytest.raises(SourceError, match="'a'"):
            column(source, kind)


def test_dates_written_as_text_in_a_frame_are_dates(tmp_path: Path) -> None:
    texts = [f"{day:%d.%m.%Y}" for day in DAYS]
    frame = pl.DataFrame({"a": texts, "y": ["p", "q", "p"] * 10})
    frame.write_csv(tmp_path / "a.csv")
    expected = column(tmp_path / "a.csv", "date").values.tolist()
    assert [moment.date() for moment in expected] == DAYS
    for source in (frame, pd.DataFrame(frame.to_dict(as_series=False))):
        assert column(source, "date").values.tolist() == expected
