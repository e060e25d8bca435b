from __future__ import annotations

import datetime
import gzip
import io
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.table import Table
from danqing.data.tables import frame_files
from danqing.data.tables.table_files import load_table, read_table
from danqing.errors import DanqingError, SourceError


def written(tmp_path: Path, content: str | bytes, name: str = "pets.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def plain(table: Table) -> dict[str, tuple[str, list[object]]]:
    """Columns as (kind, values), with None for whatever is missing."""
    return {
        column.name: (
            column.kind,
            [
                None if missing else value
                for value, missing in zip(column.values.tolist(), column.missing, strict=True)
            ],
        )
        for column in table.columns
    }


PETS = "kind,weight,born,tame,legs\ncat,4.5,2020-01-02,True,4\ndog,,2021-03-04,False,4\n,2e1,,,3\n"


def test_kinds_of_columns(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, PETS))
    assert plain(table) == {
        "kind": ("category", ["cat", "dog", None]),
        "weight": ("number", [4.5, None, 20.0]),
        "born": ("date", [datetime.datetime(2020, 1, 2), datetime.datetime(2021, 3, 4), None]),
        "tame": ("category", ["True", "False", None]),
        "legs": ("number", [4.0, 4.0, 3.0]),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PETS.encode(),
        PETS.encode("utf-16"),
        PETS.replace("\n", "\r\n").encode(),
        PETS.replace("\n", "\r").encode(),
        PETS.replace(",", "\t").encode(),
        PETS.replace(",", "|").encode(),
        PETS.replace(",", ";").replace(".", ",").encode(),
        ("\n\n" + PETS.replace("\ndog", "\n\n\ndog") + "\n").encode(),
        gzip.compress(PETS.encode()),
    ],
    ids=["bom", "utf-16", "crlf", "cr", "tab", "pipe", "semicolon", "blank lines", "gzip"],
)
def test_ways_of_writing(tmp_path: Path, content: bytes) -> None:
    expected = plain(read_table(written(tmp_path, PETS)))
    assert plain(read_table(written(tmp_path, content, "other.csv"))) == expected


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["猫", "小狗", "中华人民共和国", "镕"], "gb18030"),
        (["猫", "狗", "鱼"], "gbk"),
        (["Müller", "café", "señor", "naïve"], "latin-1"),
        (["猫", "Müller"], "utf-8"),
    ],
)
def test_encodings(tmp_path: Path, words: list[str], encoding: str) -> None:
    path = written(tmp_path, ("name,n\n" + "".join(f"{w},1\n" for w in words)).encode(encoding))
    assert plain(read_table(path))["name"] == ("category", words)


@pytest.mark.parametrize(
    ("fields", "kind", "values"),
    [
        (["1", "NA", "?", " 2 "], "number", [1.0, None, None, 2.0]),
        (["inf", "1", "-Infinity", "1e999"], "number", [None, 1.0, None, None]),
        (["nan", "0.1", "+.5", "1e-3"], "number", [None, 0.1, 0.5, 1e-3]),
        (["NA", "x", "1", ""], "category", ["NA", "x", "1", None]),
        (["", "", "", "-"], "number", [None] * 4),
        (["1700000000", "1700000001", "2", "3"], "number", [1700000000.0, 1700000001.0, 2.0, 3.0]),
        (["2020-13-01", "2020-12-01", ""], "category", ["2020-13-01", "2020-12-01", None]),
        (["a", '"b,c"', '"d\ne"', '"say ""f"""'], "category", ["a", "b,c", "d\ne", 'say "f"']),
    ],
)  # fmt: skip
def test_odd_fields(tmp_path: Path, fields: list[str], kind: str, values: list[object]) -> None:
    path = written(tmp_path, "a,b\n" + "".join(f"{field},1\n" for field in fields))
    assert plain(read_table(path))["a"] == (kind, values)


@pytest.mark.parametrize(
    ("field", "year", "hour"),
    [
        ("2024/5/31", 2024, 0),
        ("2024年5月31日", 2024, 0),
        ("2024-05-31T07:08:09", 2024, 7),
        ("2024-05-31 07:08", 2024, 7),
        ("2024-05-31 07:08:09.123456", 2024, 7),
        ("2024-05-31T07:08:09Z", 2024, 7),
        ("2024-05-31T07:08:09+02:00", 2024, 5),
    ],
)
def test_ways_of_writing_dates(tmp_path: Path, field: str, year: int, hour: int) -> None:
    table = read_table(written(tmp_path, f"day,b\n{field},1\n,2\n"))
    moment = plain(table)["day"][1][0]
    assert isinstance(moment, datetime.datetime)
    assert (moment.year, moment.month, moment.day, moment.hour) == (year, 5, 31, hour)
    assert table.columns[0].values.dtype == "datetime64[ms]"


def test_names_are_made_distinct(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,a, b ,,a (2)\n1,2,3,4,5\n"))
    assert table.names == ("a", "a (2)", "b", "column 4", "a (2) (2)")
    assert read_table(written(tmp_path, "x^2,y\n1,2\n")).names == ("x^2", "y")


def test_known_kinds_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "code,size,day\n01,1,2024-01-02\n02,NA,\n")
    kinds = {"code": "category", "size": "number", "day": "date", "other": "number"}
    table = read_table(path, kinds)  # type: ignore[arg-type]
    assert plain(table)["code"] == ("category", ["01", "02"])
    path = written(tmp_path, "code,size\n01,1\n02,big\n")
    with pytest.raises(SourceError, match="row 2 of the column 'size' is 'big'; expected a number"):
        read_table(path, {"size": "number"})
    with pytest.raises(SourceError, match="row 1 of the column 'size' is '1'; expected a date"):
        read_table(path, {"size": "date"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "has no rows"),
        ("a,b\n1,2\n1,2,3\n4,5\n", "line 3 has 3 fields, the header 2"),
        ('a,b\n1,"2\n3,4\n', "can't be read as a table"),
        (b"a,b\n1,\0\n", "is not text"),
        (b"\xff\xfea", "is not valid utf-16"),
        (gzip.compress(b"a,b\n1,2\n")[:-9], "is damaged"),
        (b"PAR1" + b"\0" * 50 + b"PAR1", "can't be read as a table"),
        (b"PAR1", "can't be read as a table"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SourceError, match=words) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_large_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danqing.data.file_checks.LARGEST", 1000)
    with pytest.raises(SourceError, match="bytes of memory; at most"):
        read_table(written(tmp_path, PETS * 20))
    with pytest.raises(SourceError, match="bytes of memory; at most"):
        read_table(written(tmp_path, gzip.compress(PETS.encode() * 20)))
    frame = pl.DataFrame({"a": pl.Series([0] * 10_000, dtype=pl.UInt8)})
    frame.write_parquet(tmp_path / "many.parquet")
    with pytest.raises(SourceError, match="bytes of memory; at most"):
        read_table(tmp_path / "many.parquet")


def test_a_panic_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*arguments: object, **settings: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(pl, "read_csv", panic)
    with pytest.raises(SourceError, match="index out of bounds"):
        read_table(written(tmp_path, PETS))


def test_the_end_of_the_trial_process_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a's table.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert len(read_table(path)) == 1
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(SourceError, match="is damaged: reading it crashes the process") as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_parquet_keeps_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "number": pl.Series([1, None, 3], dtype=pl.Int16),
            "code": ["1", "2", "x"],
            "decimal": pl.Series(["1.25", "2.5", None]).cast(pl.Decimal(10, 2)),
            "truth": [True, None, False],
            "kind": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
            "day": [datetime.date(2024, 1, 2), None, datetime.date(1969, 1, 2)],
            "moment": pl.Series([datetime.datetime(2024, 1, 2, 3)] * 3).dt.replace_time_zone(
                "Asia/Shanghai"
            ),
            "clock": [datetime.time(1, 0), None, datetime.time(2, 0)],
            "span": [datetime.timedelta(hours=1)] * 3,
            "nothing": [None] * 3,
        }
    )
    frame.write_parquet(tmp_path / "types.parquet")
    assert plain(read_table(tmp_path / "types.parquet")) == {
        "number": ("number", [1.0, None, 3.0]),
        "code": ("category", ["1", "2", "x"]),
        "decimal": ("number", [1.25, 2.5, None]),
        "truth": ("category", ["true", None, "false"]),
        "kind": ("category", ["a", "b", "a"]),
        "day": ("date", [datetime.datetime(2024, 1, 2), None, datetime.datetime(1969, 1, 2)]),
        "moment": ("date", [datetime.datetime(2024, 1, 1, 19)] * 3),
        "clock": ("number", [3600.0, None, 7200.0]),
        "span": ("number", [3600.0] * 3),
        "nothing": ("number", [None] * 3),
    }
    frame.select(pl.concat_list("number").alias("many")).write_parquet(tmp_path / "list.parquet")
    with pytest.raises(SourceError, match="'many' contains values of type List"):
        read_table(tmp_path / "list.parquet")


def test_target_and_source(tmp_path: Path) -> None:
    path = written(tmp_path, "Label,size\nb,1\n,2\na,3\n")
    dataset = load_table(path)
    assert dataset.class_names == ("a", "b")
    assert dataset.y_train.tolist() == [1, 0]
    assert plain(dataset.x_train) == {"size": ("number", [1.0, 3.0])}
    assert dataset.removed == {"rows without a target": 1}
    assert (dataset.name, dataset.target) == ("pets", "Label")
    assert dataset.source == str(path.resolve())
    again = load_table(dataset.source, dataset.target)
    assert again.fingerprint == dataset.fingerprint
    assert load_table(path, "size", "regression").task == "regression"


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        (PETS, None, "which column is the target.*'kind', 'weight', 'born'"),
        (PETS, "wieght", "no column 'wieght'; did you mean 'weight'"),
        (PETS, "KIND", "did you mean 'kind'"),
        ("y,label\n1,2\n3,4\n", None, "which column is the target"),
        (PETS, "born", "target 'born' is a date"),
        ("a\n1\n2\n", "a", "no column but the target"),
    ],
)
def test_targets_that_can_not_be(
    tmp_path: Path, content: str, target: str | None, words: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(SourceError, match=words) as caught:
        load_table(path, target)
    assert str(path) in str(caught.value)


def test_row_numbers_of_a_data_frame_are_left_out(tmp_path: Path) -> None:
    dataset = load_table(written(tmp_path, ",size,y\n0,5,a\n1,7,b\n2,8,a\n"))
    assert dataset.x_train.names == ("size",)
    assert dataset.removed == {"unnamed columns of row numbers": 1}
    shuffled = load_table(written(tmp_path, ",size,y\n4,5,a\n1,7,b\n2,8,a\n"))
    assert shuffled.x_train.names == ("size",)
    kept = load_table(written(tmp_path, ",size,y\n4,5,a\n1,7,b\n1,8,a\n"))
    assert kept.x_train.names == ("column 1", "size")


def test_folder_with_subsets(tmp_path: Path) -> None:
    written(tmp_path, "code,y\n1,a\n2,b\n", "train.csv")
    written(tmp_path, "extra,y,code\n0,b,x\n0,b,3\n", "test.csv")
    written(tmp_path, "y,code\n,4\na,5\n", "validation.csv")
    dataset = load_table(tmp_path)
    assert dataset.name == tmp_path.name
    # One "x" in the test set makes the column a category everywhere.
    assert plain(dataset.x_train) == {"code": ("category", ["1", "2"])}
    assert plain(dataset.x_test) == {"code": ("category", ["x", "3"])}
    assert plain(dataset.x_validation) == {"code": ("category", ["5"])}
    assert dataset.y_test.tolist() == [1, 1]
    written(tmp_path, "y\nb\n", "test.csv")
    with pytest.raises(SourceError, match=r"test.csv: lacks the columns 'code' of train.csv"):
        load_table(tmp_path)


fields = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.dates().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1c\x1d\x1e\x1f"), max_size=6),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(fields, fields), min_size=1, max_size=8))
def test_what_polars_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, str | None]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    frame = pl.DataFrame({"a": [row[0] for row in rows], "b": [row[1] for row in rows], "c": "x"})
    frame.cast(pl.String).write_csv(path, quote_style="always")
    table = read_table(path, {"a": "category", "b": "category"})
    for column, position in zip(table.columns[:2], (0, 1), strict=True):
        assert column.values.tolist() == [(row[position] or "").strip() or None for row in rows]
    for column in read_table(path).columns:
        if column.kind == "number":
            texts = frame[column.name].cast(pl.String).to_list()
            for text, value in zip(texts, column.values, strict=True):
                assert np.isnan(value) or float(text) == value


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('a,";\t\n\r|1.-é猫', max_size=40)))
def test_any_bytes_give_a_table_or_a_plain_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = written(tmp_path_factory.mktemp("any"), content)
    message = ""
    try:
        table = read_table(path)
        assert len({len(column.values) for column in table.columns}) == 1
        assert len(set(table.names)) == len(table.names)
    except DanqingError as error:
        message = str(error)
    assert not message or (str(path) in message and "\n" not in message)


def test_read_frame_never_touches_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, PETS)
    before = path.stat().st_mtime_ns, path.read_bytes()
    path.chmod(0o444)
    frame_files.read_frame(path)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert [file.name for file in tmp_path.iterdir()] == ["pets.csv"]


def test_many_rows_of_one_text_share_it(tmp_path: Path) -> None:
    file = io.StringIO()
    file.write("a,b\n" + "same old text,1\n" * 1000)
    values = read_table(written(tmp_path, file.getvalue())).columns[0].values
    assert len({id(value) for value in values}) == 1
