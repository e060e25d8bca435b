"""Text in encodings of the last century, and what is said about guesses."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.data.sources import load_data
from danqing.data.tables.encodings import to_utf8
from danqing.errors import SourceError

TABLES = {
    "cp1252": "größe,prix,label\n“grün”,5 €,été\n“bleu”,7 €,hiver\n",
    "gb18030": "名称,年龄,label\n玫瑰,1,是\n百合,2,否\n",
    "cp932": "名前,年齢,label\nさくら,1,はい\nアヤメ,2,いいえ\n",
}


@pytest.mark.parametrize("encoding", TABLES)
def test_a_guess_is_right_and_named(encoding: str) -> None:
    text, note = to_utf8(TABLES[encoding].encode(encoding), Path("a.csv"))
    assert text.decode() == TABLES[encoding]
    assert f"is not UTF-8, and read as {encoding}" in note


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("table", TABLES.values())
def test_unicode_is_no_guess(encoding: str, table: str) -> None:
    assert to_utf8(table.encode(encoding), Path("a.csv")) == (table.encode(), "")


def test_marks_of_files_put_together() -> None:
    assert to_utf8(b"\xef\xbb\xbf\xef\xbb\xbfa,b\n", Path("a.csv")) == (b"a,b\n", "")


@pytest.mark.parametrize("content", [b"a,b\n1,\0002\n", b"\0" * 40, b"\0\xff\0" * 9, b"a\0b\0\0c"])
def test_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match="is not text; expected CSV, saved as UTF-8"):
        to_utf8(content, Path("a.csv"))


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    try:
        text, _ = to_utf8(content, Path("a.csv"))
    except SourceError:
        return
    text.decode()


@given(st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1))
def test_western_text_comes_out_as_it_went_in(words: str) -> None:
    text = f"name,label\nété {words} fin,a\n"
    assert to_utf8(text.encode("cp1252"), Path("a.csv"))[0].decode() == text


def test_what_is_said_of_a_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"{i},{i % 7},{'aAb'[i % 3]}é\n" for i in range(40))
    (tmp_path / "a.csv").write_bytes(f"size,size,label\n{rows}".encode("latin-1"))
    with caplog.at_level(logging.WARNING):
        dataset = load_data(tmp_path / "a.csv")
    assert dataset.x_train.names == ("size", "size (2)")
    assert "it is not UTF-8, and read as cp1252 (Western European)" in caplog.text
    assert "2 columns are named 'size'; they are called 'size', 'size (2)'" in caplog.text
    assert "the classes 'Aé' and 'aé' differ in case or spaces only" in caplog.text


def test_separators_at_the_ends_of_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("size,label\n" + "1,a,\n2,b,\n" * 9)
    with pytest.raises(SourceError, match="delete the separators at the end of its lines"):
        load_data(tmp_path / "a.csv")
