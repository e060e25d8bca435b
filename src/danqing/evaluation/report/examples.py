"""The report's parts that show examples: the worst mistakes, and label issues.

Knows the results, not how they were computed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table
from danqing.evaluation.examination import Examination
from danqing.evaluation.mistakes import find_mistakes
from danqing.evaluation.predictions import SubsetPredictions
from danqing.evaluation.report.report_words import say, table
from danqing.inspection.confident_learning import RELIABLE_ACCURACY
from danqing.pages.images import Album
from danqing.pages.number_format import number, percent

__all__ = ["fields_of", "label_issues", "name_of", "worst"]

_SHOWN = 24  # pictures; half as many rows
_MOST_COLUMNS = 10
_LONGEST = 40  # characters of a value


def worst(found: Examination, album: Album) -> str:
    """Show the most confident mistakes, or the largest errors."""
    test = found.test
    most = _SHOWN // 2 if found.dataset.tabular else _SHOWN
    places = find_mistakes(test.outputs, test.labels).rows[:most]
    if found.run.task == "regression":
        captions = [
            say(
                "example-number",
                truth=number(test.labels[place]),
                predicted=number(float(test.outputs[place])),
            )
            for place in places
        ]
    else:
        captions = [_caption(found, test, int(place), "example-mistake") for place in places]
    body = (
        _cards(found, test, places, captions, album)
        if len(places)
        else f"<p>{say('no-mistakes')}</p>"
    )
    return f"<p>{say(f'worst-what-{found.run.task}')}</p>{body}"


def label_issues(found: Examination, album: Album) -> str:
    """Show the labels that are probably wrong."""
    if found.run.task == "regression":
        return ""
    total = sum(map(len, found.label_issues.values()))
    looked = sum(len(subset) for subset in found.predictions.values())
    body = f"<p>{say('label-issues-none', looked=f'{looked:,}')}</p>"
    accuracy = found.metrics["test"]["accuracy"]
    if accuracy < RELIABLE_ACCURACY:
        body = f"<p>{say('label-issues-unreliable', accuracy=percent(accuracy))}</p>"
    if total:
        body = f"<p>{say('label-issues-some', n=f'{total:,}', looked=f'{looked:,}')}</p>"
    for name, places in found.label_issues.items():
        if len(places):
            subset, shown = found.predictions[name], places[: _SHOWN // 2]
            captions = [
                _caption(found, subset, int(place), "example-label-issue") for place in shown
            ]
            every = "all-" if len(shown) == len(places) else ""
            title = say(f"label-issues-{every}{name}", n=f"{len(places):,}", shown=len(shown))
            body += f"<h3>{title}</h3>{_cards(found, subset, shown, captions, album)}"
    return body


def fields_of(table: Table) -> tuple[list[list[str]], list[str]]:
    """Return a table's rows as text, and its column names; of many columns, the first.

    Examples
    --------
    >>> fields_of(Table((Column("size", "number", np.array([1.5, np.nan])),)))
    ([['1.5'], ['–']], ['size'])
    """
    columns = table.columns[:_MOST_COLUMNS]
    written = [_written(column) for column in columns]
    return [list(row) for row in zip(*written, strict=True)], [c.name for c in columns]


def _written(column: Column) -> list[str]:
    if column.kind == "number":
        return [number(None if np.isnan(v) else v, 6) for v in column.values.tolist()]
    if column.kind == "date":
        texts = np.datetime_as_string(column.values, unit="D").tolist()
        return ["–" if text == "NaT" else text for text in texts]
    return ["–" if v is None else _short(str(v)) for v in column.values.tolist()]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _caption(found: Examination, subset: SubsetPredictions, place: int, key: str) -> str:
    outputs, names = subset.outputs[place], found.run.class_names
    label, prediction = int(subset.labels[place]), int(outputs.argmax())
    return say(
        key,
        label=_short(names[label]),
        predicted=_short(names[prediction]),
        confidence=percent(float(outputs[prediction]), 1),
        chance=percent(float(outputs[label]), 1),
    )


def name_of(found: Examination, subset: SubsetPredictions, place: int) -> str:
    """Name an example by its file or its row from 1, without the folders above its source."""
    name, source = subset.subset.name(place), found.dataset.source
    return name.removeprefix(f"{Path(source).parent}{os.sep}") if source else name


def _cards(
    found: Examination,
    subset: SubsetPredictions,
    places: NDArray[np.int64],
    captions: Sequence[str],
    album: Album,
) -> str:
    examples: Any = subset.examples(places)
    rows = [escape(name_of(found, subset, int(place))) for place in places]
    if isinstance(examples, Table):
        return _rows(examples, captions, rows)
    cards = []
    for picture, caption, row in zip(examples, captions, rows, strict=True):
        uri = album.add(picture)
        if uri:
            shown = f'<img src="{uri}" alt="" loading="lazy">'
            cards.append(
                f"<figure>{shown}<figcaption>{caption}<small>{row}</small></figcaption></figure>"
            )
    return f'<div class="cards">{"".join(cards)}</div>'


def _rows(examples: Table, captions: Sequence[str], rows: Sequence[str]) -> str:
    fields, columns = fields_of(examples)
    lines = "".join(
        f"<tr><th scope=row>{caption}<small>{row}</small></th>"
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for caption, row, values in zip(captions, rows, fields, strict=True)
    )
    more = len(examples.columns) - len(columns)
    after = f"<p class=hint>{say('more-columns', n=more)}</p>" if more > 0 else ""
    return table(("", *(escape(_short(name)) for name in columns)), lines, "rows") + after
