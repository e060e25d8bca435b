"""Which test examples the textbook shows: an uncertain one, typical ones, and mistakes.

Knows a run's predictions; knows no page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from danqing.data.row_names import short_name
from danqing.data.split import Subset
from danqing.data.table import Table
from danqing.evaluation.mistakes import find_mistakes
from danqing.runs.run_folder import RunFolder

__all__ = ["Sample", "choose_samples"]

_TYPICAL, _WRONG = 10, 8
_BYTES = 400_000  # of raw examples in the page
_FEWEST = 3
_UNCERTAIN = 0.8  # a probability at which loss and gradients are neither zero nor huge

Kind = Literal["uncertain", "typical", "mistake"]
_KINDS: tuple[Kind, ...] = ("uncertain", "typical", "mistake")


@dataclass(frozen=True)
class Sample:
    """One test example.

    Attributes
    ----------
    row : int
        Its position in the test set, from 0.
    number : int
        Its row in the data, from 1.
    kind : {"uncertain", "typical", "mistake"}
    examples : ndarray, shape (1, height, width, channels) or (1, features)
        The network's input.
    target, prediction : int or float
        A class's number, or a number.
    cells : mapping of str to str
        A table's raw values, by column.
    name : str
        Its file, or FILE:ROW, without the folders above; empty where the data have no files.
    """

    row: int
    number: int
    kind: Kind
    examples: NDArray[Any]
    target: int | float
    prediction: int | float
    cells: dict[str, str] = field(default_factory=dict)
    name: str = ""


def choose_samples(run: RunFolder, subset: Subset, outputs: NDArray[np.float32]) -> list[Sample]:
    """Choose the examples to show; the page opens with the first, the uncertain one.

    Parameters
    ----------
    run : RunFolder
    subset : Subset
    outputs : ndarray, shape (n, classes) or (n,)
        The run's predictions for it.
    """
    if outputs.ndim == 1:
        uncertain, typical = _typical_numbers(outputs, subset.labels)
    else:
        uncertain, typical = _typical_classes(outputs, subset.labels)
    typical_rows = typical[:_TYPICAL].tolist()
    wrong_rows = find_mistakes(outputs, subset.labels).rows[:_WRONG].tolist()
    size = 4 if len(run.input_shape) == 1 else 1
    room = max(_FEWEST, _BYTES // (size * math.prod(run.input_shape)))
    if room < len(typical_rows) + len(wrong_rows) + 1:
        typical_rows = typical_rows[: max(1, room // 2)]
        wrong_rows = wrong_rows[: max(1, room - len(typical_rows) - 1)]
    chosen: dict[int, Kind] = {uncertain: "uncertain"}
    for row in wrong_rows:
        chosen.setdefault(int(row), "mistake")
    for row in typical_rows:
        chosen.setdefault(int(row), "typical")
    ordered = sorted(chosen.items(), key=lambda item: _KINDS.index(item[1]))
    predictions = outputs if outputs.ndim == 1 else outputs.argmax(axis=1)
    return [_sample(run, subset, row, kind, predictions[row].item()) for row, kind in ordered]


def _typical_numbers(
    outputs: NDArray[np.float32], targets: NDArray[Any]
) -> tuple[int, NDArray[np.int64]]:
    """Choose the row with the median error, and rows evenly spaced by target."""
    errors = np.abs(outputs - targets)
    by_target = np.argsort(targets, kind="stable")
    places = np.linspace(0, len(targets) - 1, min(6, len(targets))).astype(int)
    return int(np.argmin(np.abs(errors - np.median(errors)))), by_target[places]


def _typical_classes(
    outputs: NDArray[np.float32], labels: NDArray[Any]
) -> tuple[int, NDArray[np.int64]]:
    """Choose an uncertain correct prediction, and the first correct one of each class."""
    correct = outputs.argmax(axis=1) == labels
    certainty = outputs[np.arange(len(labels)), labels]
    uncertain = int(np.argmin(np.abs(certainty - _UNCERTAIN) + 10.0 * ~correct))
    firsts = [np.flatnonzero(correct & (labels == c))[0] for c in np.unique(labels[correct])]
    return uncertain, np.array(firsts, np.int64)


def _sample(
    run: RunFolder, subset: Subset, row: int, kind: Kind, prediction: int | float
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
    name = subset.name(row)
    name = short_name(name) if "/" in name or "\\" in name else ""
    number = int(subset.rows[row]) + 1
    return Sample(row, number, kind, encoded, target, prediction, cells, name)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
