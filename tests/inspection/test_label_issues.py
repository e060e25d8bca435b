"""Confident learning against planted wrong labels, and what `danqing data inspect` says of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from danqing import load_data
from danqing.data.dataset import Dataset
from danqing.data.table import Column, Table
from danqing.inspection.all_rows import AllRows
from danqing.inspection.confident_learning import confident_learning
from danqing.inspection.finding import Finding
from danqing.inspection.inspect import inspect
from danqing.inspection.label_issues import estimate_label_issues, find_label_issues
from danqing.inspection.text_report import report_lines


def issues_of(dataset: Dataset) -> list[Finding]:
    return find_label_issues(AllRows(dataset), estimate_label_issues(dataset))


def flip(y: np.ndarray, share: float, classes: int) -> tuple[np.ndarray, set[int]]:
    random = np.random.default_rng(0)
    rows = random.choice(len(y), round(share * len(y)), replace=False)
    flipped = y.copy()
    flipped[rows] = (y[rows] + random.integers(1, classes, len(rows))) % classes
    return flipped, set(rows.tolist())


def test_planted_wrong_labels_are_found() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 1000)
    p = np.full((1000, 4), 0.02, np.float32)
    p[np.arange(1000), true] = 0.94
    p += rng.random((1000, 4), dtype=np.float32) * 0.02
    p /= p.sum(axis=1, keepdims=True)
    labels = true.copy()
    planted = rng.choice(1000, 20, replace=False)
    labels[planted] = (true[planted] + 1) % 4
    found = confident_learning(p, labels)
    assert set(found.rows) <= set(planted)
    assert len(found.rows) >= 18
    assert found.suggested.tolist() == true[found.rows].tolist()
    assert found.agreement == 0.98


def test_thresholds_by_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    p, labels = rng.dirichlet([0.3] * 5, 400), rng.integers(0, 5, 400)
    expected = []
    for row in range(400):
        predicted = p[row].argmax()
        if predicted != labels[row] and p[row].max() >= p[labels == predicted, predicted].mean():
            expected.append((p[row, labels[row]] - p[row].max(), row))
    found = confident_learning(p, labels)
    assert found.rows.tolist() == [row for _, row in sorted(expected)]
    assert len(expected) > 50


def test_of_a_class_without_rows_there_are_no_issues() -> None:
    p = np.array([[0.2, 0.8], [0.9, 0.1]], np.float32)
    assert confident_learning(p, np.array([0, 0])).rows.size == 0


def test_only_the_predicted_class_is_suggested() -> None:
    # The rare class 1 has a low threshold, which the first row's second-best class exceeds.
    p = np.array([[0.6, 0.4], [0.9, 0.1], [0.9, 0.1], [0.7, 0.3]])
    assert confident_learning(p, np.array([0, 0, 0, 1])).rows.size == 0


def test_wrong_labels_among_pictures(mnist: Dataset) -> None:
    clean = replace(mnist, x_train=mnist.x_train[:3000], y_train=mnist.y_train[:3000])
    flipped, wrong = flip(clean.y_train, 0.02, 10)
    made = replace(clean, y_train=flipped)
    issues = estimate_label_issues(made)
    assert issues is not None
    right = len(wrong & set(issues.rows.tolist()))
    # Measured: 46 issues, of them 42 of the 60 planted.
    assert right / len(issues.rows) >= 0.8
    assert right / len(wrong) >= 0.6
    hits = [row in wrong for row in issues.rows.tolist()]
    assert np.mean(hits[:10]) >= 0.9
    named = dict(zip(issues.rows.tolist(), issues.suggested.tolist(), strict=True))
    restored = [named[row] == clean.y_train[row] for row in wrong & named.keys()]
    assert np.mean(restored) >= 0.9


def test_clean_pictures_have_no_label_issues(small: Dataset) -> None:
    few = replace(small, x_train=small.x_train[:1000], y_train=small.y_train[:1000])
    assert issues_of(few) == []


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes"])
def test_clean_tables_have_no_label_issues(name: str) -> None:
    assert issues_of(load_data(name)) == []


def test_few_issues_are_a_note_only() -> None:
    (found,) = issues_of(load_data("breast-cancer"))
    assert (found.severity, found.count) == ("note", 3)


def test_unreliable_models_report_nothing() -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(600, 3))
    y = (numbers[:, 0] + random.normal(size=600) > 0).astype(np.int64)
    x = Table(tuple(Column(f"c{at}", "number", numbers[:, at]) for at in range(3)))
    found = inspect(Dataset("made", "", x, y, x[:0], y[:0], ("a", "b")))
    assert found.findings == ()
    assert found.summary["labels"]["issues"] > 20
    assert "not checked for errors" in "\n".join(report_lines(found))


def test_wrong_labels_in_a_table() -> None:
    dataset = load_data("breast-cancer")
    flipped, wrong = flip(dataset.y_train, 0.04, 2)
    (found,) = issues_of(replace(dataset, y_train=flipped))
    issues = estimate_label_issues(replace(dataset, y_train=flipped))
    assert issues is not None
    assert found.severity == "warning"
    right = len(wrong & set(issues.rows.tolist()))
    assert right / len(issues.rows) >= 0.6
    assert right / len(wrong) >= 0.6
