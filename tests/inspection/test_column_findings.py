from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing import load_data
from danqing.data.dataset import Dataset
from danqing.data.table import Column, Table
from danqing.inspection.column_findings import find_column_problems, summarise_columns
from danqing.inspection.finding import Finding
from danqing.inspection.inspect import Inspection, inspect
from danqing.inspection.label_issues import estimate_label_issues
from danqing.inspection.target_leakage import find_target_leakage
from danqing.inspection.text_report import report_lines

CLEAN = ["iris", "wine", "breast-cancer", "diabetes"]


def with_column(dataset: Dataset, name: str, kind: str, values: Any) -> Dataset:
    column = Column(name, kind, np.asarray(values, dtype=object if kind == "category" else None))
    return replace(dataset, x_train=Table((*dataset.x_train.columns, column)))


def problems(dataset: Dataset) -> dict[str, Finding]:
    found = find_column_problems(dataset.x_train, summarise_columns(dataset.x_train))
    return {finding.kind: finding for finding in found}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_tables_have_no_column_problem(name: str) -> None:
    dataset = load_data(name)
    assert problems(dataset) == {}
    assert find_target_leakage(dataset) == []


@pytest.fixture(scope="module")
def wine() -> Dataset:
    return load_data("wine")


GAPS = np.where(np.arange(178) < 120, np.nan, np.linspace(0, 1, 178) ** 2)
INFINITE = np.where(np.arange(178) == 7, np.inf, np.linspace(0, 1, 178) ** 2)
PLANTED = {
    "constant-columns": ("number", np.full(178, 3.0)),
    "mostly-missing": ("number", GAPS),
    "infinite-values": ("number", INFINITE),
    "identifiers": ("category", [f"invoice {row * 7 % 178}" for row in range(178)]),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_column_is_found(wine: Dataset, kind: str) -> None:
    found = problems(with_column(wine, "planted", *PLANTED[kind]))
    assert list(found) == [kind]
    assert found[kind].count == 1
    assert found[kind].examples[0].startswith("planted")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("category", [None] * 178),
        ("number", [np.nan] * 178),
        ("date", np.full(178, np.datetime64("NaT", "ms"))),
        ("category", ["a"] * 100 + [None] * 78),
    ],
)
def test_columns_that_never_change(wine: Dataset, kind: str, values: Any) -> None:
    assert list(problems(with_column(wine, "planted", kind, values))) == ["constant-columns"]


def test_identical_column(wine: Dataset) -> None:
    found = problems(with_column(wine, "again", "number", wine.x_train.columns[2].values))
    assert list(found) == ["identical-columns"]
    assert found["identical-columns"].examples == (f"again = {wine.x_train.columns[2].name}",)


def test_row_numbers_are_identifiers(wine: Dataset) -> None:
    numbers = np.random.default_rng(0).permutation(178) + 1000.0
    found = problems(with_column(wine, "number", "number", numbers))
    assert found["identifiers"].severity == "warning"


LEAKS = {
    "a code": lambda y: ("number", np.array([4.0, 1.0, 9.0])[y]),
    "a name": lambda y: ("category", [("red", "white", "rosé")[c] for c in y]),
    "a row number of sorted rows": lambda y: ("number", np.arange(float(len(y)))),
    "missing for all but one": lambda y: ("number", np.where(y == 0, np.nan, y)),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_column_that_gives_the_class_away(wine: Dataset, kind: str) -> None:
    (found,) = find_target_leakage(with_column(wine, "planted", *LEAKS[kind](wine.y_train)))
    assert found.kind == "target-leakage"
    assert found.examples[0].startswith("planted: ")
    assert "?" in found.meaning


def test_a_rare_class_is_not_given_away_by_anything() -> None:
    y = (np.arange(1000) % 200 == 0).astype(np.int64)
    x = Table((Column("noise", "number", np.random.default_rng(0).normal(size=1000)),))
    assert find_target_leakage(Dataset("made", "", x, y, x[:0], y[:0], ("no", "yes"))) == []


@pytest.mark.parametrize("made_from", [lambda y: y * 2.54 - 3, lambda y: np.round(y, 2)])
def test_column_that_gives_the_number_away(made_from: Any) -> None:
    diabetes = load_data("diabetes")
    column = made_from(diabetes.y_train)
    (found,) = find_target_leakage(with_column(diabetes, "planted", "number", column))
    assert found.examples[0].startswith("planted: ")


EDGES = {
    "number": [0.0, -0.0, 1.0, 1e308, -1e308, 5e-324, np.nan, np.inf, -np.inf, 1e-9, 7.0],
    "category": ["", "a", "b", None, "日", "a\nb", "\x1b[31m", "x" * 500],
    "date": [0, 1, -(10**13), 10**13, np.iinfo(np.int64).min, 10**12],
}


@st.composite
def datasets(draw: Any) -> Dataset:
    """Small tables of odd values; some large enough for every check to run."""
    count = draw(st.sampled_from([1, 2, 7, 60]))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    columns = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(list(EDGES)), min_size=1))):
        few = draw(st.lists(st.sampled_from(EDGES[kind]), min_size=1, max_size=5))
        picked = [few[place] for place in random.integers(len(few), size=count)]
        array = np.array(picked, dtype={"number": float, "category": object, "date": int}[kind])
        array = array.astype("datetime64[ms]") if kind == "date" else array
        columns.append(Column(f"c{number}", kind, array))
    x = Table(tuple(columns))
    if draw(st.booleans()):
        y = random.integers(draw(st.integers(1, 4)), size=count)
        return Dataset("made", "", x, y, x[:0], y[:0], tuple("abcd"))
    numbers = draw(st.lists(st.sampled_from([0.0, 1.0, 1e300, -1e300, 1e-300]), min_size=1))
    y = np.array(numbers)[random.integers(len(numbers), size=count)]
    return Dataset("made", "", x, y, x[:0], y[:0], ())


@settings(max_examples=40, deadline=None)
@given(datasets())
def test_any_table_can_be_inspected(dataset: Dataset) -> None:
    # Without the models of label_issues, which take a second each: see the next test.
    with patch("danqing.inspection.inspect.estimate_label_issues", lambda dataset: None):
        found = inspect(dataset)
    json.dumps(found.to_json(), allow_nan=False)
    assert all(line.isprintable() for line in report_lines(found))


def test_labels_of_odd_tables_can_be_examined() -> None:
    random = np.random.default_rng(0)
    columns = []
    for kind, edges in EDGES.items():
        values = [edges[place] for place in random.integers(len(edges), size=200)]
        array = np.array(values, dtype={"number": float, "category": object, "date": int}[kind])
        array = array.astype("datetime64[ms]") if kind == "date" else array
        columns.append(Column(kind, kind, array))
    columns.append(Column("missing", "number", np.full(200, np.nan)))
    columns.append(Column("huge", "number", np.full(200, 1e308)))
    x, y = Table(tuple(columns)), random.integers(3, size=200)
    issues = estimate_label_issues(Dataset("made", "", x, y, x[:0], y[:0], tuple("abc")))
    assert issues is not None
    assert issues.examined == 200


def test_report_reads_well(wine: Dataset) -> None:
    made = with_column(wine, "code", *LEAKS["a code"](wine.y_train))
    text = "\n".join(report_lines(inspect(made)))
    assert "a table of 178 rows and 14 columns; target: one of 3 classes" in text
    assert "training will hold out 20 %" in text
    assert "1 column predicts the target almost perfectly on its own." in text
    assert "Is such a column known before the target is?" in text


def test_report_of_many_classes_is_short() -> None:
    names = [{"name": f"n{i}", "train": i, "validation": 0, "test": 0} for i in range(1000)]
    counts = {"train": 499_500, "validation": 0, "test": 0}
    summary = {
        "name": "made", "task": "classification", "kind": "pictures", "counts": counts,
        "classes": names, "pictures": {"width": 8, "height": 8, "mode": "grey"},
    }  # fmt: skip
    lines = report_lines(Inspection(summary, ()))
    assert len(lines) < 40
    assert "... 980 classes between them ..." in lines


def test_the_smallest_numbers_that_there_are_do_no_harm() -> None:
    values = np.where(np.arange(60) % 3 == 0, 5e-324, 0.0)
    x = Table((Column("c", "number", values), Column("d", "number", np.arange(60.0))))
    y = np.arange(60) % 2
    dataset = Dataset("tiny", "", x, y, x[:0], y[:0], ("a", "b"))
    assert inspect(dataset).to_json()
