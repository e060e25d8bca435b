"""Tables as people and spreadsheets write them: what goes in comes out, or is named."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.arrays.objects import from_object
from danqing.data.table import ColumnType
from danqing.data.tables.csv_text import read_csv_text
from danqing.data.tables.dates import DAY_FIRST, MONTH_FIRST, parse_date
from danqing.data.tables.numbers import parse_number, read_number
from danqing.data.tables.table_files import load_table, read_rows, read_table
from danqing.errors import SourceError


def written(tmp_path: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def column_of(tmp_path: Path, texts: list[str], separator: str = ",", other: str = "x"):  # type: ignore[no-untyped-def]
    quoted = [f'"{text}"' if separator in text else text for text in texts]
    lines = "".join(f"{text}{separator}{other}\n" for text in quoted)
    return read_table(written(tmp_path, f"a{separator}b\n{lines}")).columns[0]


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,250", 1250, 1.25), ("1.250", 1.25, 1250), ("1 250", 1250, 1250),
        ("1'250.75", 1250.75, None), ("1’250", 1250, 1250), ("1\u202f250,5", None, 1250.5),
        ("1,23,456", 123456, None), ("1.250.000,5", None, 1250000.5), ("$12,400", 12400, 12.4),
        ("-$5", -5, -5), ("$-5", -5, -5), ("($1,200.50)", -1200.5, None), ("300-", -300, -300),
        ("− 5", -5, -5), ("€ 1.250,00", None, 1250), ("1.250,00 EUR", None, 1250),
        ("USD 5", 5, 5), ("Fr. 1'200.-", 1200, 1200), ("12.5%", 12.5, None), ("１２３", 123, 123),
        ("1e5", 1e5, 1e5), (".5", 0.5, None),
    ],
)  # fmt: skip
def test_numbers_written_for_people(text: str, point: float | None, comma: float | None) -> None:
    found = read_number(text)
    assert found is not None
    assert (found.point, found.comma) == (point, comma)


@pytest.mark.parametrize(
    "text",
    ["12.5*", "B2", "10:30", "12-13", "1.2.3", "--5", "(5", "5)", "1,2,3", "RM12", "5kg", "",
     "²", "10²", "①", "½", "1½", "₂", "Ⅳ"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        (["1.250", "73,5"], ";", [1250, 73.5]),
        (["2.500", "950"], ";", [2500, 950]),
        (["1,250", "73.5"], ";", [1250, 73.5]),
        (["1,250", "2,999"], ",", [1250, 2999]),
        (["1.250", "2.999"], ",", [1.25, 2.999]),
        (["1 250", "3"], ",", [1250, 3]),
        (["12.5%", "0%"], ",", [12.5, 0]),
    ],
)
def test_all_values_decide(
    tmp_path: Path, texts: list[str], separator: str, expected: list[float]
) -> None:
    assert column_of(tmp_path, texts * 20, separator).values.tolist() == expected * 20


def test_other_columns_decide(tmp_path: Path) -> None:
    german = column_of(tmp_path, ["1.250", "2.999"], ";", "0,5")
    assert german.values.tolist() == [1250, 2999]
    assert german.written == "1.234,5"
    assert column_of(tmp_path, ["1.250", "2.999"], ";", "0.5").values.tolist() == [1.25, 2.999]
    with pytest.raises(SourceError, match=r"1\.251 in the column 'a' may have a decimal mark or"):
        column_of(tmp_path, ["1.251", "2.999"], ";")


@pytest.mark.parametrize("texts", [["$5", "€6"], ["5%", "6"]])
def test_mixed_units_are_refused(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(SourceError, match=r"'a' mixes numbers with .*--column a=ignore"):
        column_of(tmp_path, texts * 20)


@pytest.mark.parametrize(
    "texts",
    [
        ["0042", "0410", "4100"], ["1E2", "1E3", "104"],
        [str(2**53 + i) for i in range(40)], [*["10", "11"] * 40, "B2"],
    ],
)  # fmt: skip
def test_codes_stay_as_they_are_written(tmp_path: Path, texts: list[str]) -> None:
    column = column_of(tmp_path, texts)
    assert (column.kind, column.values.tolist()) == ("category", texts)
    lines = "".join(f"{text},{i}\n" for i, text in enumerate(texts))
    labels = load_table(written(tmp_path, f"a,b\n{lines}"), "a")
    assert [labels.class_names[place] for place in labels.y_train] == texts


@pytest.mark.parametrize("mark", ["12.5*", "#DIV/0!", "1e400", "inf", "unknown"])
def test_stray_marks_are_missing_and_named(tmp_path: Path, mark: str) -> None:
    texts = [f"{i}.5" for i in range(100)]
    texts[6] = mark
    dataset = load_table(written(tmp_path, "a,y\n" + "".join(f"{t},p\n{t},q\n" for t in texts)))
    assert dataset.x_train.columns[0].kind == "number"
    assert np.flatnonzero(dataset.x_train.columns[0].missing).tolist() == [12, 13]
    assert any(f"{mark!r} in row 13" in note and "'a'" in note for note in dataset.notes)


def test_more_of_them_are_categories_unless_asked(tmp_path: Path) -> None:
    lines = "".join(f"{'5*' if i % 9 == 4 else f'{i}.5'},{'pq'[i % 2]}\n" for i in range(99))
    path = written(tmp_path, f"a,y\n{lines}")
    words = load_table(path)
    assert words.x_train.columns[0].kind == "category"
    assert "--column a=number takes them as missing" in words.notes[0]
    numbers = load_table(path, columns={"a": "number"})
    assert numbers.x_train.columns[0].missing.sum() == 11
    assert numbers.columns == {"a": "number"}
    with pytest.raises(SourceError, match="no column but the target"):
        load_table(path, columns={"a": "ignore"})
    with pytest.raises(SourceError, match="can't be of type 'text'; expected category, number"):
        load_table(path, columns={"a": "text"})
    with pytest.raises(SourceError, match="has no column 'A'; did you mean 'a'"):
        load_table(path, columns={"A": "number"})


def test_a_row_of_units_is_left_out(tmp_path: Path) -> None:
    lines = "".join(f"{i},{i}.5,{'pq'[i % 2]}\n" for i in range(30))
    dataset = load_table(written(tmp_path, f"height,weight,y\ncm,kg,-\n{lines}"))
    assert dataset.class_names == ("p", "q")
    assert len(dataset.x_train) == 30
    assert "row 1 has units, not values; it is left out" in dataset.notes
    assert dataset.x_train.columns[1].values.tolist() == [i + 0.5 for i in range(30)]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["13/01/2022", "05/03/2022"], DAY_FIRST),
        (["01/13/2022", "05/03/2022"], MONTH_FIRST),
        (["13.01.22 09:30", "05.03.22 17:00"], DAY_FIRST),
        (["5/1/2022 3:04 PM", "31/1/2022 12:00 AM"], DAY_FIRST),
        (["2022-01-13", "2022/3/5"], ""),
        (["13 Jan 2022", "March 5, 2022"], ""),
        (["01/02/2022", "01/03/2022", "01/04/2022"], DAY_FIRST),
    ],
)
def test_the_order_of_dates_that_all_values_allow(
    tmp_path: Path, texts: list[str], order: str
) -> None:
    column = column_of(tmp_path, [*texts, "NA"])
    assert (column.kind, column.written) == ("date", order)
    assert column.missing.tolist() == [False] * len(texts) + [True]
    assert column.values[0] == np.datetime64(parse_date(texts[0], order) or 0, "ms")


def test_an_ambiguous_order_is_said_and_a_known_one_kept(tmp_path: Path) -> None:
    lines = "05/03/2022,p\n01/02/2022,q\n" * 10
    dataset = load_table(written(tmp_path, f"day,y\n{lines}"))
    assert "day and month can't be told apart" in dataset.notes[0]
    from danqing.data.table import ColumnType

    new = written(tmp_path, "day\n08/01/2023\n31/31/2023\n")
    with pytest.raises(SourceError, match="row 2 of the column 'day' is '31/31/2023'; expected a"):
        read_table(new, {"day": ColumnType("date", DAY_FIRST)})
    new = written(tmp_path, "day\n08/01/2023\n")
    read = read_table(new, {"day": ColumnType("date", DAY_FIRST)}).columns[0].values
    assert read.astype("datetime64[D]").tolist() == [datetime.date(2023, 1, 8)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_inch_marks_merge_no_rows(tmp_path: Path, separator: str) -> None:
    rows = [['5" pipe', "1"], ['say "hi"', "2"], ['7"', '8"'], ["", ""], ["a", "b"]]
    content = "\n".join(separator.join(row) for row in [["name", "size"], *rows])
    found = read_table(written(tmp_path, content), {"name": "category", "size": "category"})
    values = [column.values.tolist() for column in found.columns]
    assert [[a or "", b or ""] for a, b in zip(*values, strict=True)] == rows


def test_empty_rows_keep_their_place(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b\n1,2\n,\n\n3,4\n"))
    assert table.columns[0].missing.tolist() == [False, True, False]
    single = read_table(written(tmp_path, "a\n1\n\n3\n"))
    assert single.columns[0].missing.tolist() == [False, True, False]


def test_the_hint_of_a_spreadsheet(tmp_path: Path) -> None:
    for mark in ",;\t":
        content = f"sep={mark}\r\na{mark}b\r\n1{mark}x\r\n"
        table = read_table(written(tmp_path, b"\xef\xbb\xbf" + content.encode()))
        assert (table.names, len(table)) == (("a", "b"), 1)
    assert read_csv_text(b"sep,b\n1,2\n", tmp_path).text == b"sep,b\n1,2\n"


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
@pytest.mark.parametrize("last", [False, True])
def test_row_numbers_are_left_out(tmp_path: Path, name: str, last: bool) -> None:
    order = np.random.default_rng(0).permutation(50)
    frame = {"x": [i % 7 for i in range(50)], "y": ["pq"[i % 2] for i in range(50)]}
    columns = {**frame, name: order} if last else {name: order, **frame}
    path = tmp_path / "a.csv"
    pl.DataFrame(columns).write_csv(path)
    dataset = load_table(path)
    assert dataset.x_train.names == ("x",)
    assert "left out as row numbers" in dataset.notes[0]


def test_numbers_that_name_rows_are_marked(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(50)
    frame = pl.DataFrame({"no": order + 1, "user_id": order * 7 + 1000, "age": order % 9,
                          "y": ["pq"[i % 2] for i in range(50)]})  # fmt: skip
    path = tmp_path / "a.csv"
    frame.write_csv(path)
    for dataset in (load_table(path), from_object(frame)):
        assert {c.name: c.left_out for c in dataset.x_train.columns} == {
            "no": "row numbers", "user_id": "identifiers, different in every row", "age": ""
        }  # fmt: skip
    kept = load_table(path, columns={"no": "number"}).x_train.columns[0]
    assert not kept.left_out


def test_whole_numbers_of_frames_and_arrays_stay_exact() -> None:
    numbers = [2**53 + 1, 2**53 + 2, 2**60 + 1]
    frame = from_object(pl.DataFrame({"id": numbers, "y": ["a", "b", "a"]}))
    array = from_object((np.array(numbers).reshape(-1, 1), ["a", "b", "a"]))
    for dataset in (frame, array):
        assert dataset.x_train.columns[0].values.tolist() == list(map(str, numbers))
    labels = from_object((np.eye(3), [2**63 + 1, 2**63 + 2, 2**70]))
    assert labels.class_names == tuple(map(str, (2**63 + 1, 2**63 + 2, 2**70)))


def test_missing_labels_of_frames_are_refused() -> None:
    with pytest.raises(SourceError, match="Input y contains NaN"):
        from_object(pl.DataFrame({"x": [1, 2, 3], "y": ["a", None, "b"]}))


amounts = st.floats(-1e9, 1e9).map(lambda value: round(value, 2))


@settings(max_examples=100, deadline=None)
@given(st.lists(amounts, min_size=3, max_size=20), st.sampled_from([",.", ".,", " ,", "'."]))
def test_amounts_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], marks: str
) -> None:
    table = str.maketrans({",": marks[0], ".": marks[1]})
    texts = [f"{value:,.2f}".translate(table) for value in values]
    column = column_of(tmp_path_factory.mktemp("amounts"), texts, ";")
    assert column.values.tolist() == values


def test_ten_thousand_rows_come_out_or_are_named(tmp_path: Path) -> None:
    rng = random.Random(0)
    letters = "abc é猫\",;\t'5."
    words = ["".join(rng.choices(letters, k=rng.randint(0, 6))).strip() for _ in range(10_000)]
    numbers = [rng.choice([rng.uniform(-1e6, 1e6), rng.randint(-9, 9)]) for _ in words]
    marks = {rng.randrange(10_000): "n/k" for _ in range(50)}
    days = [datetime.date(2000, 1, 1) + datetime.timedelta(rng.randrange(9000)) for _ in words]
    shown = [marks.get(row, repr(number)) for row, number in enumerate(numbers)]
    frame = pl.DataFrame({
        "word": words, "number": shown, "day": [f"{day:%d/%m/%Y}" for day in days],
        "y": [rng.choice(["p", "q"]) for _ in words],
    })  # fmt: skip
    path = tmp_path / "a.csv"
    frame.write_csv(path)
    dataset = load_table(path, "y", columns={"word": "category"})
    word, number, day = dataset.x_train.columns
    assert word.values.tolist() == [text or None for text in words]
    assert [None if v != v else v for v in number.values.tolist()] == [
        None if row in marks else value for row, value in enumerate(numbers)
    ]
    assert any(f"{len(marks)} values are not numbers" in note for note in dataset.notes)
    assert day.values.astype("datetime64[D]").tolist() == days


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.sampled_from(["", "1.234,5", "1,234.5%"]))
def test_any_text_is_a_number_or_none(text: str, how: str) -> None:
    value = parse_number(text, how)
    assert value is None or isinstance(value, float)
    for order in ("", DAY_FIRST, MONTH_FIRST):
        assert parse_date(text, order) is None or isinstance(parse_date(text, order), int)


def test_a_row_of_units_in_each_file(tmp_path: Path) -> None:
    lines = "".join(f"{i},{i}.5,{'pq'[i % 2]}\n" for i in range(30))
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text(f"height,weight,y\ncm,kg,-\n{lines}")
    dataset = load_table(tmp_path)
    assert len(dataset.x_train) == len(dataset.x_test) == 30
    assert "row 1 of train and test has units, not values; it is left out" in dataset.notes
    assert dataset.names["test"][0] == str(tmp_path / "test.csv:2")


def test_a_row_of_units_to_predict(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    types = {"height": ColumnType("number"), "weight": ColumnType("number"),
             "kind": ColumnType("category")}  # fmt: skip
    path = written(tmp_path, "height,kind,weight\ncm,-,kg\n1,a,2\n3,b,4\n")
    table, left_out = read_rows(path, types)
    assert left_out == 1
    assert table.columns[0].values.tolist() == [1, 3]
    assert f"{path}:1: has units, not values; it is left out" in caplog.text
    # A single stray mark is no unit; a bad value is named by its row in the file.
    table, left_out = read_rows(written(tmp_path, "height,kind,weight\nn/a,a,2\n3,b,4\n"), types)
    assert (len(table), left_out) == (2, 0)
    with pytest.raises(SourceError, match=r"row 3"):
        read_rows(written(tmp_path, "height,kind,weight\ncm,-,kg\n1,a,2\n3,b,x4\n"), types)
    with pytest.raises(SourceError, match="has a row of units and no other"):
        read_rows(written(tmp_path, "height,kind,weight\ncm,-,kg\n"), types)


@pytest.mark.parametrize(
    ("training", "alike", "other"),
    [
        ("{} €", ["1.234,50 €", "€ 1.234,50", "EUR 1.234,50", "1.234,50"], "1.234,50 $"),
        ("CHF {}", ["CHF 1.234,50", "1.234,50 CHF"], "1.234,50 €"),
        ("{} %", ["1.234,50 %", "1.234,50%"], "1.234,50 €"),
        ("{} kg", ["1.234,50 kg", "1.234,50kg", "1.234,50"], "1.234,50 lb"),
    ],
)
def test_another_unit_to_predict_is_refused(
    tmp_path: Path, training: str, alike: list[str], other: str
) -> None:
    numbers = [f"{i * 97 + 1000:,}.{i:02}" for i in range(60)]
    german = [n.replace(",", "X").replace(".", ",").replace("X", ".") for n in numbers]
    lines = [f"{training.format(n)};{'pq'[i % 2]}" for i, n in enumerate(german)]
    dataset = load_table(written(tmp_path, "\n".join(["price;label", *lines, ""])))
    types = {c.name: ColumnType(c.kind, c.written) for c in dataset.x_train.columns}
    for text in alike:
        table, _ = read_rows(written(tmp_path, f"price;x\n{text};1\n"), types)
        assert table.columns[0].values.tolist() == [1234.5], text
    with pytest.raises(SourceError, match=r"row 1 of the column 'price' is"):
        read_rows(written(tmp_path, f"price;x\n{other};1\n"), types)
