from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.data.labels import make_labels, missing_labels, text_of_number
from danqing.data.natural_order import natural_key
from danqing.errors import SourceError


def task_of(targets: object, **settings: object) -> str:
    labels = make_labels({"train": np.asarray(targets)}, "here", **settings)  # type: ignore[arg-type]
    return "classification" if labels.class_names else "regression"


def test_classes_are_named_in_natural_order() -> None:
    targets = {
        "train": np.array(["10", "9", None], object),
        "test": np.array(["cat", " 9 "], object),
    }
    labels = make_labels(targets, "here")
    assert labels.class_names == ("9", "10", "cat")
    assert [y.tolist() for y in labels.by_subset.values()] == [[1, 0], [2, 0]]
    assert labels.by_subset["train"].dtype == np.int64
    assert [rows.tolist() for rows in labels.kept.values()] == [[True, True, False], [True, True]]
    assert labels.removed == {"rows without a target": 1}


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ([True, False], ("false", "true")),
        ([10, 2, -1], ("-1", "2", "10")),
        ([2.0, 10.0], ("2", "10")),
        (np.array([255, 0], np.uint8), ("0", "255")),
    ],
)
def test_numbers_and_truth_become_names(targets: object, names: tuple[str, ...]) -> None:
    assert make_labels({"train": np.asarray(targets)}, "here").class_names == names


def test_given_names_are_used_where_they_fit() -> None:
    y = np.array([0, 2])
    assert make_labels({"train": y}, "here", names=["a", "b", "c"]).class_names == ("a", "c")
    assert make_labels({"train": y}, "here", names=["a", "b"]).class_names == ("0", "2")
    assert make_labels({"train": y}, "here", names=["a", "b", "a"]).class_names == ("0", "2")


def test_task_is_chosen_from_the_target() -> None:
    assert task_of([0.5, 1.0]) == "regression"
    assert task_of(np.arange(20)) == "classification"
    assert task_of(np.arange(21)) == "regression"
    assert task_of(np.arange(21), pictures=True) == "classification"
    assert task_of(np.arange(21), names=[str(n) for n in range(21)]) == "classification"
    # How many rows there are doesn't matter, but how close together the values lie.
    assert task_of(np.repeat(np.arange(21), 100)) == "regression"
    assert task_of(np.arange(0, 42, 2)) == "regression"
    assert task_of(np.arange(0, 63, 3)) == "classification"
    assert task_of(np.arange(0, 500, 10)) == "classification"
    assert task_of(np.arange(0, 510, 10)) == "regression"
    assert task_of(np.array([f"{n:03}" for n in range(100)], object)) == "classification"


def test_a_line_says_what_whole_numbers_were_taken_for() -> None:
    few, many = (make_labels({"train": np.arange(n)}, "here").notes for n in (3, 60))
    assert few == (
        "the target has 3 different whole numbers: taken for classes; for numbers to predict, "
        "--task regression",
    )
    assert "60 different whole numbers" in many[0]
    assert "--task classification" in many[0]
    for targets in ([0.5, 1.5], ["a", "b"]):
        values = np.array(targets, object if isinstance(targets[0], str) else float)
        assert make_labels({"train": values}, "here").notes == ()
    assert make_labels({"train": np.arange(3)}, "here", task="regression").notes == ()


def test_rows_without_a_target_are_named() -> None:
    values = np.array(["a", None, "b", " "], object)
    one = make_labels({"train": values}, "here")
    assert one.notes == ("2 rows without a target are left out: rows 2, 4",)
    two = make_labels({"train": values, "test": values[:2]}, "here")
    assert two.notes == ("3 rows without a target are left out: rows train 2, train 4, test 2",)


def test_labels_beyond_float64_stay_exact() -> None:
    names = [2**53, 2**53 + 1, 2**63 + 1]
    labels = make_labels(
        {"train": np.array(names[:2]), "test": np.array(names[2:], np.uint64)}, "here"
    )
    assert labels.class_names == tuple(map(str, names))


def test_task_given_overrides() -> None:
    assert task_of([0.5, 1.0], task="classification") == "classification"
    assert task_of([0, 1], task="regression") == "regression"
    truth = make_labels({"train": np.array([True, False])}, "here", task="regression")
    assert truth.by_subset["train"].tolist() == [1.0, 0.0]
    with pytest.raises(SourceError, match="text such as 'a'"):
        task_of(np.array(["a", "b"], object), task="regression")
    with pytest.raises(SourceError, match="'clustering' is unknown"):
        task_of([1, 2], task="clustering")


def test_missing_numbers_are_counted() -> None:
    labels = make_labels({"train": np.array([np.nan, 0.5, np.inf])}, "here")
    assert labels.by_subset["train"].tolist() == [0.5]
    assert labels.removed == {"rows without a target": 2}


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.array([np.nan]), "no training row has a target"),
        (np.array([]), "no training row has a target"),
        (np.array(["", None], object), "no training row has a target"),
    ],
)
def test_what_can_not_be_learned(targets: np.ndarray, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        make_labels({"train": targets}, "here")


@given(st.lists(st.text(max_size=5), min_size=1))
def test_natural_order_is_an_order(texts: list[str]) -> None:
    backwards = texts[::-1]
    assert sorted(texts, key=natural_key) == sorted(backwards, key=natural_key)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_of_a_number_is_the_number(value: float) -> None:
    assert float(text_of_number(value)) == value


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=2))
def test_positions_lead_back_to_the_names(texts: list[str | None]) -> None:
    stripped = [text.strip() for text in texts if text is not None and text.strip()]
    array = np.array([*texts, None], object)[:-1]
    if not stripped:
        with pytest.raises(SourceError):
            make_labels({"train": array}, "here")
        return
    labels = make_labels({"train": array}, "here")
    assert [labels.class_names[position] for position in labels.by_subset["train"]] == stripped


@pytest.mark.parametrize(
    "labels",
    [
        ["a", None, "b"],
        pd.Series(["a", None, "b"]),
        pd.Series([1, None, 2], dtype="Int64"),
        pl.Series(["a", None, "b"]),
        pl.Series([1.0, float("nan"), 2.0]),
        np.array([1.0, np.nan, 2.0]),
        np.array(["a", pd.NaT, "b"], dtype=object),
    ],
)
def test_missing_labels_of_any_library_are_seen(labels: object) -> None:
    assert missing_labels(labels).tolist() == [False, True, False]


@pytest.mark.parametrize("labels", [np.array([True, False]), pl.Series([1, 2]), ["", "x"]])
def test_labels_that_are_there_are_there(labels: object) -> None:
    assert not missing_labels(labels).any()
