from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from danqing import load_data
from danqing.data.dataset import Dataset
from danqing.data.split import split
from danqing.data.table import Column, Table
from danqing.inspection.all_rows import AllRows
from danqing.inspection.class_findings import find_class_problems
from danqing.inspection.duplicate_examples import find_duplicates
from danqing.inspection.finding import Finding, worst_first


def by_kind(findings: list[Finding]) -> dict[str, Finding]:
    assert len({finding.kind for finding in findings}) == len(findings)
    return {finding.kind: finding for finding in findings}


@pytest.fixture
def few(mnist: Dataset) -> Dataset:
    """Clean pictures, with validation and test sets of their own."""
    return replace(
        mnist,
        x_train=mnist.x_train[:500].copy(), y_train=mnist.y_train[:500].copy(),
        x_validation=mnist.x_train[600:700].copy(), y_validation=mnist.y_train[600:700].copy(),
        x_test=mnist.x_test[:100].copy(), y_test=mnist.y_test[:100].copy(),
    )  # fmt: skip


def test_clean_pictures_repeat_nothing(few: Dataset) -> None:
    assert find_duplicates(AllRows(few)) == []
    assert find_class_problems(AllRows(few)) == []


def test_copies(few: Dataset) -> None:
    few.x_train[490:] = few.x_train[:10]
    few.y_train[490:] = few.y_train[:10]
    found = by_kind(find_duplicates(AllRows(few)))
    assert list(found) == ["duplicates"]
    assert found["duplicates"].count == 10
    assert found["duplicates"].examples[0] == "train[491] = train[1]"


def test_leaks_are_counted_as_training_leaves_them_out(few: Dataset) -> None:
    for at, (x, y) in enumerate([(few.x_test, few.y_test), (few.x_validation, few.y_validation)]):
        few.x_train[at * 10 : at * 10 + 5], few.y_train[at * 10 : at * 10 + 5] = x[:5], y[:5]
    few.x_validation[50], few.y_validation[50] = few.x_test[50], few.y_test[50]
    found = by_kind(find_duplicates(AllRows(few)))
    assert list(found) == ["leakage"]
    assert found["leakage"].count == sum(split(few, 0.1).removed.values()) == 11
    assert found["leakage"].examples[0] == "train[1] = test[1]"
    assert found["leakage"].severity == "error"


def test_same_picture_under_two_labels(few: Dataset) -> None:
    few.x_train[499] = few.x_train[3]
    few.y_train[3], few.y_train[499] = 1, 7
    few.x_train[498], few.y_train[498] = few.x_test[5], (few.y_test[5] + 1) % 10
    found = by_kind(find_duplicates(AllRows(few)))
    assert found["conflicting-labels"].count == 4
    assert found["conflicting-labels"].examples[0] == "train[4] (1) = train[500] (7)"
    assert split(few, 0.1).removed == {"the same picture under two labels": 3}


def test_regression_may_repeat() -> None:
    x = Table((Column("a", "number", np.arange(100.0) % 98),))
    empty = {"x_test": x[:0], "y_test": np.empty(0), "class_names": ()}
    made = Dataset("made", "", x, np.arange(100.0), **empty)
    found = by_kind(find_duplicates(AllRows(made)))
    assert found["conflicting-targets"].severity == "note"
    assert found["conflicting-targets"].count == 4


def test_of_a_coarse_table_it_is_said_what_is_possible() -> None:
    x = Table((Column("a", "number", np.repeat([0.0, 1.0], 50)),))
    y = np.array([0] * 40 + [1] * 10 + [1] * 45 + [0] * 5)
    made = Dataset("made", "", x, y, x[:0], y[:0], ("no", "yes"))
    (found,) = find_duplicates(AllRows(made))
    assert found.kind == "coarse-columns"
    assert "more than about 85.0% of them" in found.meaning
    assert split(made, 0.1).removed == {}


def labelled(y: Any, names: str, y_test: Any = ()) -> AllRows:
    x = np.random.default_rng(0).integers(0, 255, (len(y), 4, 4, 1), dtype=np.uint8)
    x_test = np.random.default_rng(1).integers(0, 255, (len(y_test), 4, 4, 1), dtype=np.uint8)
    y, y_test = np.array(y, dtype=np.int64), np.array(y_test, dtype=np.int64)
    return AllRows(Dataset("made", "", x, y, x_test, y_test, tuple(names)))


def test_small_and_imbalanced_classes() -> None:
    found = by_kind(find_class_problems(labelled([0] * 50 + [1] * 2 + [2] * 30 + [3], "abcd")))
    assert list(found) == ["small-classes", "imbalanced-classes"]
    assert found["small-classes"].examples == ("d: 1 picture", "b: 2 pictures")
    imbalanced = found["imbalanced-classes"]
    assert imbalanced.count == 2
    assert "a, has 50 times as many pictures as the smallest, d" in imbalanced.message
    assert "right for 60.2%" in imbalanced.meaning


def test_class_that_is_only_tested() -> None:
    found = find_class_problems(labelled([0, 1] * 20, "abc", y_test=[0, 1, 2, 2]))
    assert [(one.kind, one.severity, one.examples) for one in found] == [
        ("classes-without-training", "error", ("c: 2 pictures",))
    ]


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer"])
def test_even_enough_classes_are_no_finding(name: str) -> None:
    assert find_class_problems(AllRows(load_data(name))) == []


def test_worst_comes_first() -> None:
    made = [Finding(kind, kind, 1, "", "", "") for kind in ("note", "warning", "error")]
    assert [one.kind for one in worst_first(made)] == ["error", "warning", "note"]


def test_one_class_only() -> None:
    found = by_kind(find_class_problems(labelled([1] * 30, "ab")))
    assert list(found) == ["one-class", "classes-without-training"]
    assert found["one-class"].severity == "error"
    assert "Every training picture has the class b." in found["one-class"].message
    assert found["one-class"].examples == ("b: 30 pictures",)
