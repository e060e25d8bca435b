"""The report's parts on classes: precision and recall of each, and the confusion matrix.

Knows the results, not how they were computed. A click on a cell of the matrix shows its examples.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Table
from danqing.evaluation.examination import Examination
from danqing.evaluation.predictions import SubsetPredictions
from danqing.evaluation.report.examples import fields_of, name_of
from danqing.evaluation.report.report_words import say, table
from danqing.pages.charts import interval_mark
from danqing.pages.images import Album
from danqing.pages.number_format import interval, percent

__all__ = ["behind_the_cells", "confusion", "each_class"]

_MOST_CLASSES = 30  # in a matrix; of more, the most frequent confusions are listed
_MOST_PAIRS = 40
_WRONG, _RIGHT = 24, 8  # most examples behind a cell


def each_class(found: Examination) -> str:
    """Show precision, recall and F1 of each class, with intervals."""
    lines = []
    intervals = found.intervals["per_class"]
    least = min((one["f1"][0] for one in intervals if one["f1"]), default=0.0)
    floor = math.floor(least * 1000) / 1000
    for row, ends in zip(found.metrics["test"]["per_class"], intervals, strict=True):
        cells = "".join(
            f"<td>{percent(row[name])}<small>{interval(ends[name])}</small></td>"
            if row["n"]
            else "<td>–</td>"
            for name in ("precision", "recall", "f1")
        )
        drawn = interval_mark(row["f1"], ends["f1"], floor, 1) if row["n"] else ""
        lines.append(
            f"<tr><th scope=row>{escape(row['class'])}</th><td>{row['n']:,}</td>{cells}"
            f"<td class=drawn>{drawn}</td></tr>"
        )
    named = (say(f"column-{name}") for name in ("class", "n", "precision", "recall", "f1"))
    scale = f"{percent(floor, 1)} – 100%"
    return f"<p>{say('classes-what')}</p>{table((*named, scale), ''.join(lines), 'figures scaled')}"


def confusion(found: Examination) -> str:
    """Show the confusion matrix or, if it is too large, the most frequent confusions."""
    matrix = np.array(found.metrics["test"]["confusion_matrix"])
    names = [escape(name) for name in found.run.class_names]
    body = _matrix(matrix, names) if len(names) <= _MOST_CLASSES else _pairs(matrix, names)
    thing = "rows" if found.dataset.tabular else "pictures"
    return f"<p class=sentences>{say('confusion-what')}{say(f'confusion-open-{thing}')}</p>{body}"


def behind_the_cells(found: Examination, album: Album) -> dict[str, Any]:
    """Return the examples behind the cells, as plain data for the page's script.

    Returns
    -------
    dict
        ``names``; ``columns`` of a table; ``cells``: from "true-predicted" to a list of
        ``name``, ``confidence`` and ``picture`` or ``values``, as many as there is room for.
    """
    test = found.test
    predicted, labels = test.outputs.argmax(axis=1), test.labels
    confidence = test.outputs.max(axis=1)
    cells: dict[str, list[dict[str, Any]]] = {}
    queue: list[tuple[int, str, int]] = []
    for label, prediction in _cells_shown(np.array(found.metrics["test"]["confusion_matrix"])):
        places = np.flatnonzero((labels == label) & (predicted == prediction))
        # Of mistakes the most confident, of correct predictions the least.
        order = confidence[places] if label == prediction else -confidence[places]
        shown = places[np.argsort(order, kind="stable")]
        most = _RIGHT if label == prediction else _WRONG
        key = f"{label}-{prediction}"
        cells[key] = []
        rank = most if label == prediction else 0
        queue += [(rank + i, key, int(place)) for i, place in enumerate(shown[:most])]
    # Mistakes first, and one of each cell before the second of any: room is short.
    queue.sort(key=lambda one: one[0])
    contents, columns = _contents(test, [place for *_, place in queue], album)
    for (_, key, place), content in zip(queue, contents, strict=True):
        if content:
            line = {"name": name_of(found, test, place), "confidence": float(confidence[place])}
            cells[key].append({**line, **content})
    return {"names": found.run.class_names, "columns": columns, "cells": cells}


def _contents(
    test: SubsetPredictions, places: list[int], album: Album
) -> tuple[list[dict[str, Any]], list[str]]:
    examples = test.examples(places)
    if isinstance(examples, Table):
        fields, columns = fields_of(examples)
        made: list[dict[str, Any]] = []
        for values in fields:
            size = sum(map(len, values)) + 80
            made.append({"values": values} if size <= album.room else {})
            album.room -= size if made[-1] else 0
        return made, columns
    pictures = (album.add(picture) for picture in examples)
    return [{"picture": uri} if uri else {} for uri in pictures], []


def _matrix(matrix: NDArray[np.int64], names: list[str]) -> str:
    long = "long" if max(map(len, names)) > 3 else ""
    heads = "".join(f"<th scope=col><span>{name}</span></th>" for name in names)
    totals = np.maximum(matrix.sum(axis=1), 1)
    rows = "".join(
        f"<tr><th scope=row>{name}</th>"
        + "".join(
            _cell(label, prediction, int(matrix[label, prediction]), int(totals[label]), names)
            for prediction in range(len(names))
        )
        + "</tr>"
        for label, name in enumerate(names)
    )
    return (
        f'<div class=scroll><table class="matrix {long}"><thead>'
        f"<tr><td></td><th colspan={len(names)}>{say('predicted-class')}</th></tr>"
        f"<tr><th scope=col>{say('true-class')}</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(label: int, prediction: int, count: int, total: int, names: list[str]) -> str:
    if not count:
        return "<td></td>"
    kind = "right" if label == prediction else "wrong"
    # The root, so that three mistakes in a thousand are seen.
    share = (count / total) ** 0.5
    title = f"{names[label]} → {names[prediction]}"
    return (
        f'<td><button type=button class="{kind}" style="--share:{share:.2f}" title="{title}" '
        f'data-cell="{label}-{prediction}">{count:,}</button></td>'
    )


def _cells_shown(matrix: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the true and the predicted class of each cell, or line, that is shown."""
    counts = matrix
    if len(matrix) > _MOST_CLASSES:
        counts = matrix * (1 - np.eye(len(matrix), dtype=np.int64))
    order = np.argsort(-counts, axis=None, kind="stable")
    cells = [divmod(int(place), len(matrix)) for place in order if counts.flat[place]]
    return cells if len(matrix) <= _MOST_CLASSES else cells[:_MOST_PAIRS]


def _pairs(matrix: NDArray[np.int64], names: list[str]) -> str:
    rows = "".join(
        f"<tr><th scope=row>{names[label]}</th><td>{names[prediction]}</td>"
        f'<td><button type=button class="wrong" data-cell="{label}-{prediction}">'
        f"{matrix[label, prediction]:,}</button></td></tr>"
        for label, prediction in _cells_shown(matrix)
    )
    heads = map(say, ("true-class", "predicted-class", "column-n"))
    return f"<p>{say('confusion-many')}</p>{table(heads, rows)}"
