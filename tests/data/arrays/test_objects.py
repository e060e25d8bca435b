from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from danqing.data.arrays.objects import examples_of, from_object
from danqing.data.table import Table
from danqing.errors import DanqingError, SourceError

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])
PIXELS = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)


class Series:
    """What we use of a pandas series, which isn't among the things that tests install."""

    def __init__(self, values: list[Any], dtype: str, kind: Any = object) -> None:
        self.values, self.dtype, self.kind = values, dtype, kind

    def isna(self) -> list[bool]:
        return [value is None or value != value for value in self.values]

    def to_numpy(self) -> np.ndarray:
        return np.array([*self.values, None], object)[:-1].astype(self.kind)


class Frame:
    """What we use of a pandas data frame."""

    def __init__(self, **columns: Series) -> None:
        self.held, self.columns = columns, list(columns)

    def __getitem__(self, name: str) -> Series:
        return self.held[name]

    def to_numpy(self) -> np.ndarray:
        raise AssertionError("its kinds would be lost")


PANDAS = Frame(
    size=Series([1, 2, 3], "int64", np.int64),
    height=Series([1.5, float("nan"), float("inf")], "float64", np.float64),
    count=Series([1, None, 3], "Int64"),
    truth=Series([True, False, True], "bool", bool),
    perhaps=Series([True, None, False], "boolean"),
    colour=Series(["red", None, " blue "], "object"),
    mixed=Series(["red", 2, 2.5], "object"),
    born=Series([np.datetime64("2024-01-02"), None, None], "datetime64[ns]", "M8[ns]"),
    moved=Series([datetime.date(2024, 1, 2), None, datetime.date(2025, 1, 2)], "object"),
    lasted=Series([np.timedelta64(3, "m"), None, None], "timedelta64[ns]", "m8[ns]"),
    code=Series([1, None, 2], "category"),
    nothing=Series([None, None, None], "object"),
    answer=Series(["yes", "no", "yes"], "category"),
)


def test_pandas_frame() -> None:
    dataset = from_object(PANDAS, "answer")
    found = {
        column.name: (column.kind, column.missing.tolist(), column.values.tolist())
        for column in dataset.x_train.columns
    }
    assert found["size"] == ("number", [False] * 3, [1, 2, 3])
    assert found["height"][:2] == ("number", [False, True, True])
    assert found["count"][:2] == ("number", [False, True, False])
    assert found["truth"] == ("category", [False] * 3, ["true", "false", "true"])
    assert found["perhaps"] == ("category", [False, True, False], ["true", None, "false"])
    assert found["colour"] == ("category", [False, True, False], ["red", None, "blue"])
    assert found["mixed"] == ("category", [False] * 3, ["red", "2", "2.5"])
    assert found["born"][:2] == ("date", [False, True, True])
    assert found["moved"][:2] == ("date", [False, True, False])
    assert found["lasted"][:2] == ("number", [False, True, True])
    assert found["lasted"][2][0] == 180
    assert found["code"] == ("category", [False, True, False], ["1", None, "2"])
    assert found["nothing"][:2] == ("number", [True] * 3)
    assert dataset.class_names == ("no", "yes")
    assert (dataset.source, dataset.target) == ("", "answer")


def test_polars_frame_keeps_text_as_text() -> None:
    frame = pl.DataFrame({"code": ["1", "2"], "size": [1, 2], "y": [0.5, 1.5]})
    dataset = from_object(frame)
    assert [column.kind for column in dataset.x_train.columns] == ["category", "number"]
    assert dataset.task == "regression"
    assert examples_of(frame).names == ("code", "size", "y")
    with pytest.raises(SourceError, match="no column 'Y2'"):
        from_object(frame, "Y2")


@pytest.mark.parametrize(
    ("given_", "rows"),
    [
        ((X, Y), 0),
        ([X.tolist(), Y.tolist()], 0),
        ((X, list("abcabc")), 0),
        ((X, Y, X[:2], Y[:2]), 2),
        (((X, Y), (X[:2], Y[:2])), 2),
        ((PIXELS, Y.reshape(-1, 1)), 0),
        ((pl.DataFrame(X), pl.Series(Y)), 0),
        ((X, Series(list(Y), "Int64")), 0),
    ],
)
def test_arrays(given_: Any, rows: int) -> None:
    dataset = from_object(given_)
    assert len(dataset.x_train) == 6
    assert dataset.y_train.tolist() == Y.tolist()
    assert len(dataset.x_test) == len(dataset.y_test) == rows
    assert (dataset.name, dataset.source) == ("data", "")
    assert from_object(dataset) is dataset


def test_scikit_learns_objects() -> None:
    wine = from_object(sklearn.datasets.load_wine())
    assert wine.x_train.names[0] == "alcohol"
    assert wine.class_names == ("class_0", "class_1", "class_2")
    digits = sklearn.datasets.load_digits()
    pictures = from_object(digits)
    assert pictures.x_train.shape == (1797, 8, 8, 1)
    assert (pictures.x_train[..., 0] == np.rint(digits.images * 255 / 16)).all()
    assert pictures.class_names == tuple("0123456789")
    linnerud = sklearn.datasets.load_linnerud()
    with pytest.raises(SourceError, match=r"targets of shape \(20, 3\)"):
        from_object(linnerud)
    faces = SimpleNamespace(data=X, images=np.full((6, 4, 4), 0.5), target=Y)
    assert from_object(faces).x_train.max() == 128
    # Class names that are none: a regression's, as fetch_california_housing has them.
    prices = SimpleNamespace(
        data=X, target=Y + 0.5, target_names=["price"], feature_names=["a", "b"]
    )
    assert from_object(prices).task == "regression"
    assert from_object(prices).x_train.names == ("a", "b")


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ((X, Y[:5]), "has 6 examples and 5 targets"),
        ((X[:0], Y[:0]), "has no rows"),
        ((X, Y, X), "is a tuple of 3; expected"),
        ((X, X), r"targets of shape \(6, 2\); expected one per row; for one-hot"),
        ((X[:, 0], Y), r"examples of shape \(6,\)"),
        ((X * 1j, Y), "columns of type complex128"),
        ((X.astype(object), Y), "columns of type object"),
        ((X, Y * 1j), "targets of type complex128"),
        ((X, Y * np.nan), "no training row has a target"),
        ((X, np.where(Y == 1, np.nan, Y)), "Input y contains NaN: the data given has 2 missing or"),
        ((X, ["a", None, "b", "a", "a", "b"]), "has 1 missing or infinite targets; leave out"),
        ((X, ["a", 1, "b", "a", "a", "b"]), "targets of mixed types, among them int"),
        ((X, [{}, 1, 2, 3, 4, 5]), "targets of mixed types, among them dict"),
        (([[1, "a"], [2, "b"]], [0, 1]), "columns of type object"),
        (([[1, 2], [3]], [0, 1]), "can't be converted to an array"),
        ((pl.DataFrame(X), Y, X, Y), "mixes data frames and arrays"),
        ((pl.DataFrame(X), Y, pl.DataFrame({"a": [1]}), [1]), "other columns for testing"),
        (7, "is of type int; expected"),
        (None, "is of type NoneType"),
        ({"x": X}, "is of type dict"),
        (pl.DataFrame({"a": [[1]], "y": [1]}), "'a' contains values of type List"),
        (pl.DataFrame({"a": [], "y": []}), "has no rows"),
        (Frame(a=Series([{}], "object"), y=Series([1], "int64", int)), "objects of type dict"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(given_: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        from_object(given_)
    assert "\n" not in str(caught.value)


def test_targets_of_what_has_no_columns() -> None:
    with pytest.raises(SourceError, match="leave out target"):
        from_object((X, Y), "y")


def test_sparse_is_reported() -> None:
    import scipy.sparse

    with pytest.raises(SourceError, match=r"x.toarray\(\)"):
        from_object((scipy.sparse.csr_array(X), Y))


def test_new_examples() -> None:
    assert examples_of(PIXELS).shape == (6, 4, 4, 1)
    table = examples_of(X)
    assert isinstance(table, Table)
    assert examples_of(table) is table
    assert examples_of(PANDAS).names == tuple(PANDAS.columns)


kinds = st.sampled_from(
    [np.float64, np.int8, np.uint16, np.bool_, np.complex64, "U2", "S2", "M8[s]"]
)


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(kinds, arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)),
    arrays.arrays(kinds, arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)),
    st.sampled_from([None, "classification", "regression"]),
)
def test_any_arrays_give_data_or_a_plain_error(
    x: np.ndarray, y: np.ndarray, task: str | None
) -> None:
    message = ""
    try:
        dataset = from_object((x, y), task=task)
        assert len(dataset.x_train) == len(dataset.y_train) > 0
        assert task is None or dataset.task == task
        assert np.isfinite(dataset.y_train).all()
    except DanqingError as error:
        message = str(error)
    assert "\n" not in message
