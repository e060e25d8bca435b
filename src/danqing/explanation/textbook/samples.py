"""Which test examples the textbook shows: a doubtful one, typical ones, and the mistakes.

Knows a run only by its answers; knows no page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset
from danqing.data.table import Table
from danqing.runs.run_folder import RunFolder

__all__ = ["Mistakes", "Sample", "choose_samples", "mistakes_of"]

_TYPICAL, _WRONG = 10, 8
_BYTES = 400_000  # of raw examples in the page
_FEWEST = 3
_UNSURE = 0.8  # a probability at which loss and gradients are neither zero nor wild


@dataclass(frozen=True)
class Sample:
    """One test example.

    Attributes
    ----------
    row : int
        Its place in the test set, from 0.
    number : int
        Its place in the data, from 0, by which all pages and commands call it.
    kind : {"doubt", "typical", "mistake"}
    examples : ndarray, shape (1, height, width, channels) or (1, features)
        What the network takes.
    target, answer : int or float
        What is right, and what the run says.
    cells : mapping of str to str
        A table's raw values, by column.
    """

    row: int
    number: int
    kind: Literal["doubt", "typical", "mistake"]
    examples: NDArray[Any]
    target: int | float
    answer: int | float
    cells: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistakes:
    """How many answers were wrong, and the rows of the wrong ones, the surest first.

    For numbers: rows by falling error; `count` is of the errors above the mean one.
    """

    count: int
    total: int
    rows: NDArray[np.int64]


def mistakes_of(answers: NDArray[np.float32], labels: NDArray[Any]) -> Mistakes:
    """Find the wrong answers.

    Examples
    --------
    >>> answers = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32)
    >>> mistakes = mistakes_of(answers, np.array([1, 1, 1]))
    >>> mistakes.count, mistakes.rows.tolist()
    (2, [0, 1])
    """
    if answers.ndim == 1:
        errors = np.abs(answers - labels)
        count = int((errors > errors.mean()).sum())
        return Mistakes(count, len(labels), np.argsort(-errors, kind="stable"))
    wrong = np.flatnonzero(answers.argmax(axis=1) != labels)
    surest = np.argsort(-answers[wrong].max(axis=1), kind="stable")
    return Mistakes(len(wrong), len(labels), wrong[surest])


def choose_samples(run: RunFolder, subset: Subset, answers: NDArray[np.float32]) -> list[Sample]:
    """Choose the examples to show, the one that the page opens with first."""
    labels, mistakes = subset.labels, mistakes_of(answers, subset.labels)
    if answers.ndim == 1:
        errors = np.abs(answers - labels)
        label_issues = int(np.argmin(np.abs(errors - np.median(errors))))
        by_target = np.argsort(labels, kind="stable")
        typical = by_target[np.linspace(0, len(labels) - 1, min(6, len(labels))).astype(int)]
    else:
        right = answers.argmax(axis=1) == labels
        certainty = answers[np.arange(len(labels)), labels]
        distance = np.abs(certainty - _UNSURE) + 10.0 * ~right
        label_issues = int(np.argmin(distance))
        typical = np.array(
            [np.flatnonzero(right & (labels == c))[0] for c in np.unique(labels[right])], int
        )
    chosen: dict[int, Literal["doubt", "typical", "mistake"]] = {label_issues: "doubt"}
    typical_rows, wrong_rows = typical[:_TYPICAL].tolist(), mistakes.rows[:_WRONG].tolist()
    size = 4 if len(run.input_shape) == 1 else 1
    room = max(_FEWEST, _BYTES // (size * math.prod(run.input_shape)))
    if room < len(typical_rows) + len(wrong_rows) + 1:
        typical_rows = typical_rows[: max(1, room // 2)]
        wrong_rows = wrong_rows[: max(1, room - len(typical_rows) - 1)]
    for row in wrong_rows:
        chosen.setdefault(int(row), "mistake")
    for row in typical_rows:
        chosen.setdefault(int(row), "typical")
    order = ("doubt", "typical", "mistake")
    ordered = sorted(chosen.items(), key=lambda item: order.index(item[1]))
    said = answers if answers.ndim == 1 else answers.argmax(axis=1)
    return [_sample(run, subset, row, kind, said[row].item()) for row, kind in ordered]


def _sample(
    run: RunFolder,
    subset: Subset,
    row: int,
    kind: Literal["doubt", "typical", "mistake"],
    answer: int | float,
) -> Sample:
    raw = subset.x[subset.rows[row : row + 1]]
    target = subset.labels[row].item()
    encoded = np.asarray(run.preparation.encoded(raw)).reshape(1, *run.input_shape)
    cells: dict[str, str] = {}
    if isinstance(raw, Table):
        for column in raw.columns:
            value = column.values[0]
            missing = bool(column.missing[0])
            cells[column.name] = "" if missing else _text(value)
    return Sample(row, int(subset.rows[row]), kind, encoded, target, answer, cells)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
