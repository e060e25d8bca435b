from __future__ import annotations

import datetime
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from danqing.data.table import Column, Table
from danqing.data.tables.table_files import read_table
from danqing.errors import SourceError
from danqing.preparation.encoding import Encoding, fit_encoding

RNG = np.random.default_rng(0)


def numbers(name: str, *values: float) -> Column:
    return Column(name, "number", np.array(values, dtype=np.float64))


def words(name: str, *values: str | None) -> Column:
    return Column(name, "category", np.array([*values, None], dtype=object)[:-1])


def dates(name: str, *values: str) -> Column:
    return Column(name, "date", np.array(values, dtype="datetime64[ms]"))


def encoded(train: Column, new: Column | None = None) -> list[list[float]]:
    return fit_encoding(Table((train,))).transform(Table((new or train,))).tolist()


def test_numbers_are_scikit_learns_imputation() -> None:
    values = RNG.normal(size=(500, 4))
    values[RNG.random(values.shape) < 0.2] = np.nan
    values[:, 3] = RNG.normal(size=500)
    new = np.vstack([values[:50], np.full((1, 4), np.nan)])

    def table(x: np.ndarray) -> Table:
        return Table(tuple(numbers(str(i), *column) for i, column in enumerate(x.T)))

    encoding = fit_encoding(table(values))
    imputer = SimpleImputer(strategy="median", add_indicator=True).fit(values)
    expected = imputer.transform(new)
    expected[:, :4] -= imputer.statistics_
    assert encoding.feature_names == (
        "0", "0 (missing)", "1", "1 (missing)", "2", "2 (missing)", "3"
    )  # fmt: skip
    assert encoding.column_of_feature == ("0", "0", "1", "1", "2", "2", "3")
    got = encoding.transform(table(new))
    assert got.dtype == np.float32
    assert (got == expected[:, [0, 4, 1, 5, 2, 6, 3]].astype(np.float32)).all()


@pytest.mark.parametrize("distinct", [3, 50, 80])
def test_categories_are_scikit_learns_one_hot(distinct: int) -> None:
    # Each value has a frequency of its own, so that the 50 most frequent ones are certain.
    names = [f"v{i}" for i in range(distinct)]
    train = np.array([name for i, name in enumerate(names) for _ in range(i + 2)], dtype=object)
    new = np.array([*names, "unseen"], dtype=object)
    expected = OneHotEncoder(
        max_categories=51 if distinct > 50 else None,
        handle_unknown="infrequent_if_exist" if distinct > 50 else "ignore",
        sparse_output=False,
    ).fit(train.reshape(-1, 1))
    encoding = fit_encoding(Table((words("c", *train),)))
    # scikit-learn's order is v1, v10, v2; ours v1, v2, v10.
    order = [
        f"c={name.removeprefix('x0_')}".replace("c=infrequent_sklearn", "c (other)")
        for name in expected.get_feature_names_out()
    ]
    assert sorted(order) == sorted(encoding.feature_names)
    got = encoding.transform(Table((words("c", *new),)))
    columns = [encoding.feature_names.index(name) for name in order]
    assert (got[:, columns] == expected.transform(new.reshape(-1, 1))).all()


def test_large_offsets_lose_nothing() -> None:
    base = 1_700_000_000.0
    assert encoded(numbers("t", base, base + 1, base + 2)) == [[-1.0], [0.0], [1.0]]


def test_huge_numbers_stay_finite() -> None:
    column = numbers("x", -1.7e308, 0.0, 1.7e308, np.nan)
    got = np.array(encoded(column))
    assert got[:, 0] == pytest.approx([-1e30, 0, 1e30, 0])
    assert encoded(numbers("x", 1.7e308, 1.6e308, -1.7e308, 1.7e308), column)[3] == [0.0]


def test_missing_words_are_a_value_of_their_own() -> None:
    train = words("c", "b", None, "a")
    assert fit_encoding(Table((train,))).feature_names == ("c=a", "c=b", "c (missing)")
    assert encoded(train) == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    # Never missing in training: all zeros, as for unseen ones.
    assert encoded(words("c", "a", "b"), words("c", None, "z")) == [[0, 0], [0, 0]]


def test_truth_may_be_written_as_python_r_or_parquet_do() -> None:
    train = words("c", "True", "False")
    assert encoded(train, words("c", "true", "FALSE", "True")) == [[0, 1], [1, 0], [0, 1]]
    assert encoded(words("c", "a", "B"), words("c", "A")) == [[0, 0]]


def test_dates() -> None:
    # Whole weeks apart, at midnight: weekday and time of day tell nothing.
    train = dates("d", "2024-01-01", "2024-07-01", "2024-12-30", "NaT")
    encoding = fit_encoding(Table((train,)))
    assert encoding.feature_names == ("d days", "d year sin", "d year cos", "d (missing)")
    got = encoding.transform(Table((train,)))
    assert got[:, 0].tolist() == [-182, 0, 182, 0]
    angle = 2 * math.pi * datetime.date(2024, 7, 1).timetuple().tm_yday / 366
    assert got[1, 1:3] == pytest.approx(
        [math.sin(angle - 2 * math.pi / 366), math.cos(angle - 2 * math.pi / 366)], abs=1e-6
    )
    # Missing: the median's features, and the sign that it was.
    assert got[3, :3].tolist() == got[1, :3].tolist()
    assert got[:, 3].tolist() == [0, 0, 0, 1]


@given(st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30)))
@settings(deadline=None)
def test_place_in_week_and_day_are_pythons(moment: datetime.datetime) -> None:
    moment = moment.replace(microsecond=0)
    column = dates("d", "2024-01-01T00", "2024-01-02T05", "2024-06-05T07")
    encoding = fit_encoding(Table((column,)))
    new = dates("d", moment.isoformat())
    got = dict(
        zip(encoding.feature_names, encoding.transform(Table((new,)))[0].tolist(), strict=True)
    )
    week = 2 * math.pi * moment.weekday() / 7
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    year = moment.timetuple().tm_yday - 1
    length = (
        366 if (moment.year % 4 == 0) - (moment.year % 100 == 0) + (moment.year % 400 == 0) else 365
    )
    assert got["d week cos"] == pytest.approx(math.cos(week), abs=1e-6)
    assert got["d week sin"] == pytest.approx(math.sin(week), abs=1e-6)
    assert got["d day sin"] == pytest.approx(math.sin(2 * math.pi * seconds / 86400), abs=1e-6)
    assert got["d year sin"] == pytest.approx(math.sin(2 * math.pi * year / length), abs=1e-6)


def test_what_is_dropped_and_why() -> None:
    n = 60
    table = Table(
        (
            numbers("size", *range(n)),
            numbers("same", *[5.0] * n),
            numbers("nothing", *[np.nan] * n),
            numbers("copy", *range(n)),
            words("id", *[f"customer {i}" for i in range(n)]),
            words("unit", *["cm"] * n),
            words("side", *["left", "right"] * (n // 2)),
            words("side 2", *["left", "right"] * (n // 2)),
            words("relabelled", *["right", "left"] * (n // 2)),
            numbers("seldom", *[np.nan, 5.0] * (n // 2)),
            dates("day", *["2024-01-01"] * n),
        )
    )
    encoding = fit_encoding(table)
    assert encoding.dropped == {
        "same": "always the same",
        "nothing": "always the same",
        "copy": "identical to 'size'",
        "id": "text that is different in nearly every row",
        "unit": "always the same",
        "side 2": "identical to 'side'",
        "day": "always the same",
    }
    # A value that never varied has no feature, whose weight would stay untrained.
    assert [name for name in encoding.feature_names if "seldom" in name] == ["seldom (missing)"]
    used = Table(tuple(c for c in table.columns if c.name not in encoding.dropped))
    assert (encoding.transform(used) == encoding.transform(table)).all()
    # In few rows, different text may still be a category.
    assert not fit_encoding(table[:50]).dropped.get("id")
    with pytest.raises(SourceError, match=r"no column says anything.*'unit': always the same"):
        fit_encoding(Table((table.columns[5],)))


def test_columns_are_found_by_name() -> None:
    table = Table((numbers("a", 1, 2, 3), words("b", "x", "y", "x")))
    encoding = fit_encoding(table)
    turned = Table((words("new", "?", "?", "?"), *table.columns[::-1]))
    assert (encoding.transform(turned) == encoding.transform(table)).all()
    with pytest.raises(SourceError, match="lacks the column 'b'; expected"):
        encoding.transform(Table(table.columns[:1]))
    with pytest.raises(SourceError, match="lacks columns 'a', 'b'"):
        encoding.transform(Table((numbers("c", 1),)))


def test_a_column_of_another_kind_is_converted() -> None:
    train = Table((
        numbers("size", 1, 2, 3), words("code", "1", "x", "2"),
        dates("day", "2024-01-01", "2024-01-02", "2024-01-04"),
    ))  # fmt: skip
    encoding = fit_encoding(train)
    expected = encoding.transform(train[[0, 2]])
    few = Table((
        words("size", " 1 ", "3.0"), numbers("code", 1, 2),
        words("day", "2024-01-01", "2024-01-04T00:00Z"),
    ))  # fmt: skip
    assert (encoding.transform(few) == expected).all()
    nothing = Table((words("size", None), numbers("code", np.nan), numbers("day", np.nan)))
    assert np.isfinite(encoding.transform(nothing)).all()
    assert encoding.kinds == {"size": "number", "code": "category", "day": "date"}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (words("size", "1", "NA", "big"), "row 3 of the column 'size' is 'big'; expected a number"),
        (dates("size", "NaT", "2024-01-01", "2024-01-01"), "row 2 of the column 'size' is 2024"),
        (words("day", "2024-01-01", None, "soon"), "row 3 of the column 'day' is 'soon'"),
        (numbers("day", 5, np.nan, 6), "row 1 of the column 'day' is 5.0; expected a date"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(column: Column, message: str) -> None:
    train = Table((numbers("size", 1, 2, 3), dates("day", "2024-01-01", "2024-01-02", "NaT")))
    new = tuple(column if column.name == old.name else old for old in train.columns)
    with pytest.raises(SourceError, match=message):
        fit_encoding(train).transform(Table(new))


def test_rows_read_from_a_file_with_known_kinds(tmp_path: Path) -> None:
    train = Table((words("code", "01", "02", "x"), numbers("size", 1, 2, 3)))
    encoding = fit_encoding(train)
    path = tmp_path / "new.csv"
    path.write_text("size,code\n1,01\n2,02\n")
    got = encoding.transform(read_table(path, encoding.kinds))
    assert (got == encoding.transform(train)[:2]).all()


values = st.one_of(st.none(), st.text(max_size=3))
floats = st.one_of(st.just(math.nan), st.floats(allow_infinity=False))
moments = st.one_of(
    st.just(np.datetime64("NaT", "ms")),
    st.integers(-(2**62), 2**62).map(lambda ms: np.datetime64(ms, "ms")),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(floats, values, moments), min_size=1, max_size=12), st.data())
def test_any_table_becomes_finite_features_and_json_keeps_all(
    rows: list[tuple[float, str | None, np.datetime64]], data: st.DataObject
) -> None:
    def table(chosen: list[tuple[float, str | None, np.datetime64]]) -> Table:
        return Table((
            numbers("n", *(row[0] for row in chosen)), words("c", *(row[1] for row in chosen)),
            Column("d", "date", np.array([row[2] for row in chosen], dtype="datetime64[ms]")),
        ))  # fmt: skip

    train = table(rows)
    distinct = [len({str(row[i]) for row in rows}) for i in range(3)]
    if max(distinct) == 1:
        with pytest.raises(SourceError):
            fit_encoding(train)
        return
    try:
        encoding = fit_encoding(train)
    except SourceError:
        assert {str(value + 0.0) for value, _, _ in rows} != {str(value) for value, _, _ in rows}
        return
    new = table(data.draw(st.lists(st.tuples(floats, values, moments), min_size=1, max_size=5)))
    for examples in (train, new):
        features = encoding.transform(examples)
        assert features.shape == (len(examples), len(encoding.feature_names))
        assert np.isfinite(features).all()
        again = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
        assert (again.transform(examples) == features).all()
        assert again == encoding
        assert again.feature_names == encoding.feature_names


def test_transform_is_quick() -> None:
    rows = 100_000
    pool = np.array([f"word {i}" for i in range(40)] + [None], dtype=object)
    columns = [Column(f"n{i}", "number", RNG.normal(size=rows)) for i in range(15)]
    columns += [Column(f"c{i}", "category", pool[RNG.integers(0, 41, rows)]) for i in range(13)]
    spread = RNG.integers(0, 10**12, rows).astype("timedelta64[ms]")
    columns += [Column(f"d{i}", "date", np.datetime64(i, "ms") + spread[::i]) for i in (1, -1)]
    table = Table(tuple(columns))
    encoding = fit_encoding(table)
    started = time.process_time()
    assert encoding.transform(table).shape[0] == rows
    assert time.process_time() - started < 2  # 0.5 s alone; the machine may be busy


def test_transform_needs_no_scikit_learn() -> None:
    code = """
import sys, numpy as np
from danqing.data.table import Column, Table
from danqing.preparation.encoding import Encoding
column = {"kind": "number", "name": "a", "median": 1.0, "varies": True, "missing": True}
plain = {"columns": [column], "dropped": {}}
table = Table((Column("a", "number", np.array([3.0, np.nan])),))
print(Encoding.from_json(plain).transform(table).tolist())
print([m for m in ("sklearn", "polars", "scipy", "tensorflow") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[[2.0, 0.0], [0.0, 1.0]]", "[]"]


def test_a_name_that_differs_in_case_is_pointed_out() -> None:
    encoding = fit_encoding(Table((numbers("Age", 1, 2, 3),)))
    with pytest.raises(SourceError, match=r"lacks the column 'Age' \(it has 'age'; upper and"):
        encoding.transform(Table((numbers("age", 1),)))


def test_what_reading_marked_is_left_out() -> None:
    marked = Column("no", "number", np.arange(3.0), left_out="row numbers")
    assert fit_encoding(Table((marked, numbers("a", 1, 2, 3)))).dropped == {"no": "row numbers"}


def test_the_way_of_writing_travels_in_the_preparation() -> None:
    price = Column("price", "number", np.array([950.0, 2500.0]), "1.234,5")
    day = Column("day", "date", np.array(["2022-01-13", "2022-03-05"], "M8[ms]"), "day-month-year")
    encoding = Encoding.from_json(
        json.loads(json.dumps(fit_encoding(Table((price, day))).to_json()))
    )
    new = Table((words("price", "2.500"), words("day", "05/03/2022")))
    old = Table((price, day))[[1]]
    assert (encoding.transform(new) == encoding.transform(old)).all()
    with pytest.raises(SourceError, match="row 1 of the column 'day' is '31/31/2022'"):
        encoding.transform(Table((words("price", "1"), words("day", "31/31/2022"))))


def test_free_text_is_left_out() -> None:
    text = words("note", *[f"a sentence about number {i // 2} of many" for i in range(120)])
    encoding = fit_encoding(Table((text, numbers("a", *range(120)))))
    assert encoding.dropped == {"note": "free text"}
