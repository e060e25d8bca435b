"""Numbers with a unit behind each, months without a day, and columns that only look like either."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from danqing.data.table import ColumnType
from danqing.data.tables.table_files import load_table, read_table
from danqing.errors import SourceError


def table(tmp_path: Path, texts: list[str]) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("a,y\n" + "".join(f'"{t}",{"pq"[i % 2]}\n' for i, t in enumerate(texts)))
    return path


@pytest.mark.parametrize(
    ("write", "value", "unit"),
    [
        (lambda n: f"{n / 4} kg", lambda n: n / 4, "kg"),
        (lambda n: f"{n}°C", lambda n: n, "°C"),
        (lambda n: f"-{n / 10:.1f}万", lambda n: -n / 10, "万"),
        (lambda n: f"{n + 1},250 km/h", lambda n: 1000 * (n + 1) + 250, "km/h"),
        (lambda n: f"{n} V ", lambda n: n, "V"),
    ],
)
def test_a_unit_behind_every_number_is_taken_away(
    tmp_path: Path, write: Callable[[int], str], value: Callable[[int], float], unit: str
) -> None:
    dataset = load_table(table(tmp_path, [write(number) for number in range(60)]))
    column = dataset.x_train.columns[0]
    assert (column.kind, column.written) == ("number", f"1,234.5 {unit}")
    assert column.values.tolist() == [value(number) for number in range(60)]
    assert f"the column 'a' is read as numbers of {unit}" in "\n".join(dataset.notes)

    known = {"a": ColumnType("number", column.written)}
    bare = write(7).strip().removesuffix(unit)
    again = read_table(table(tmp_path, [write(5), bare]), known).columns[0]
    assert again.values.tolist() == [value(5), value(7)]
    with pytest.raises(SourceError, match=f"row 2 .* expected a number such as 1,234.5 {unit}"):
        read_table(table(tmp_path, [write(5), "5 furlongs"]), known)


@pytest.mark.parametrize(
    "texts",
    [
        [f"{n} kg" if n % 5 else f"{n} lb" for n in range(60)],  # two units
        [f"{n}B" for n in range(60)],  # houses
        [f"{n % 3} stars" for n in range(60)],  # few: as good as categories
    ],
)
def test_other_texts_stay_as_they_are(tmp_path: Path, texts: list[str]) -> None:
    column = load_table(table(tmp_path, texts)).x_train.columns[0]
    assert (column.kind, column.values.tolist()) == ("category", texts)


@pytest.mark.parametrize(
    "write", ["{0:%H:%M}", "2024-W{0:%M}", "~{0.minute}.5", "{0.minute} kg {0.minute} g"]
)
def test_many_categories_that_look_like_quantities_are_named(tmp_path: Path, write: str) -> None:
    texts = [write.format(datetime.time(9, minute)) for minute in range(60)]
    dataset = load_table(table(tmp_path, texts))
    assert dataset.x_train.columns[0].kind == "category"
    notes = "\n".join(dataset.notes)
    assert f"{texts[0]!r} are neither numbers nor dates; --column a=ignore" in notes


@pytest.mark.parametrize("write", ["{0}-{1:02}", "{0}/{1}", "{1:02}/{0}", "{2} {0}", "{0}年{1}月"])
def test_a_month_is_its_first_day(tmp_path: Path, write: str) -> None:
    months = [np.datetime64(f"{1990 + n // 12}-{n % 12 + 1:02}-01", "ms") for n in range(60)]
    texts = [
        write.format(one.astype(object).year, one.astype(object).month, f"{one.astype(object):%B}")
        for one in months
    ]
    column = load_table(table(tmp_path, texts)).x_train.columns[0]
    assert (column.kind, column.values.tolist()) == ("date", [m.astype(object) for m in months])


def test_codes_of_four_and_two_digits_are_no_months(tmp_path: Path) -> None:
    texts = [f"{7000 + n}-{n % 12 + 1:02}" for n in range(60)]
    assert load_table(table(tmp_path, texts)).x_train.columns[0].kind == "category"


def test_two_ways_of_writing_in_one_column_are_named(tmp_path: Path) -> None:
    texts = [f"{n}.5" if n % 3 else f"{n},5" for n in range(60)]
    dataset = load_table(table(tmp_path, texts))
    assert dataset.x_train.columns[0].kind == "category"
    assert "20 of its 60 values, such as '0,5', are not numbers" in "\n".join(dataset.notes)


def test_a_title_above_the_names_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Report of 2024\n\na,b,y\n1,2,p\n")
    with pytest.raises(SourceError, match="delete what stands above the names of the columns"):
        load_table(path, target="y")
