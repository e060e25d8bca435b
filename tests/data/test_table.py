from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.table import Column, Table

texts = st.one_of(st.none(), st.text("a\0\1\2:1", max_size=3))
Row = tuple[str | None, str | None, float]


def table(rows: list[Row]) -> Table:
    words = np.array([*((row[0], row[1]) for row in rows), (None, None)], dtype=object)[:-1]
    return Table(
        (
            Column("a", "category", words[:, 0]),
            Column("b", "category", words[:, 1]),
            Column("n", "number", np.array([row[2] for row in rows])),
        )
    )


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts, st.sampled_from([0.0, -0.0, 1.0, np.nan])), min_size=2))
def test_equal_rows_and_only_these_have_equal_digests(rows: list[Row]) -> None:
    digests = table(rows).row_digests()
    plain = [(a, b, "nan" if n != n else n + 0.0) for a, b, n in rows]
    assert len(set(digests)) == len(set(plain))
    assert [digests.index(digest) for digest in digests] == [plain.index(row) for row in plain]


def test_lone_surrogates_are_no_obstacle() -> None:
    assert len(table([("\ud800", None, 1.0)]).row_digests()) == 1


def test_rows_are_taken_as_from_an_array() -> None:
    whole = table([("x", None, 1.0), (None, "y", np.nan), ("z", "", 3.0)])
    assert whole[[2, 0]].columns[0].values.tolist() == ["z", "x"]
    assert len(whole[:0]) == 0
    assert whole[np.array([True, False, True])].columns[2].values.tolist() == [1.0, 3.0]
    assert [column.missing.tolist() for column in whole.columns] == [
        [False, True, False],
        [True, False, False],
        [False, True, False],
    ]
