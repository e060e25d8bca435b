"""Explanations on one picture: maps, checks, nearest examples, counterfactual, columns.

Drawn with Pillow alone. Knows no network: all is in an `ExplanationSet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from danqing.explanation.colours import (
    AGAINST,
    FOR,
    change_colours,
    map_colours,
    picture_of,
)
from danqing.explanation.pen import INK, PALE, PAPER, RULE, Pen
from danqing.explanation.results import Explanation, ExplanationSet, Map
from danqing.explanation.verdicts import TITLES, verdicts
from danqing.pages.number_format import minus

__all__ = ["draw_sheet"]

_MARGIN, _GAP, _SIDE, _SMALL, _LINE = 36, 22, 208, 112, 24
_BAR = 300
_MOST_COLUMNS = 12


def draw_sheet(found: ExplanationSet) -> Image.Image:
    """Draw all explanations below each other.

    Returns
    -------
    Image
        RGB, as high as needed.
    """
    pictures = not found.columns
    columns = max((len(one.maps) for one in found.explanations), default=1) + 1
    width = 2 * _MARGIN + columns * (_SIDE + _GAP) - _GAP if pictures else 1180
    width = max(width, 1180)
    draft = Pen(Image.new("RGB", (1, 1)), _text_in(found))
    height = _head(draft, found, width)
    for one in found.explanations:
        height = (_picture_card if pictures else _row_card)(draft, found, one, height, width)
    height = _importance(draft, found, height, width)
    sheet = Image.new("RGB", (width, height + _MARGIN // 2), PAPER)
    pen = Pen(sheet, _text_in(found))
    top = _head(pen, found, width)
    for one in found.explanations:
        top = (_picture_card if pictures else _row_card)(pen, found, one, top, width)
    _importance(pen, found, top, width)
    return sheet


def _head(pen: Pen, found: ExplanationSet, width: int) -> int:
    pen.write(_MARGIN, 22, "Why this answer", width, 28)
    pen.write(_MARGIN, 62, Path(found.run).name, width // 3, 17, PALE)
    left = max(_MARGIN + 360, width - 760)
    pen.write(left, 24, "speaks against", 120, 15, PALE)
    for place in range(160):
        share = place / 159 * 2 - 1
        hue = np.array(FOR if share > 0 else AGAINST)
        colour = tuple(np.rint(255 * (1 - abs(share)) + hue * abs(share)).astype(int).tolist())
        pen.draw.line((left + 120 + place, 26, left + 120 + place, 42), fill=colour)
    named = "for the class that is explained" if found.class_names else "for a higher number"
    pen.write(left + 290, 24, f"speaks {named}", 300, 15, PALE)
    tabular = bool(found.columns)
    pen.dot(left, 58, True)
    pen.write(left + 16, 58, "passed", 80, 15, PALE)
    pen.dot(left + 90, 58, False)
    pen.write(left + 106, 58, "not passed", 100, 15, PALE)
    lines = (
        "deletion, insertion: area under the answer while the map's highest "
        f"{'columns' if tabular else 'pixels'} are taken",
        f"away (small is good) or put in (large), to beat {_BEAT[tabular]};",
        "untrained: rank correlation with the map of the same network untrained (0 is good);",
        "gap: what the sum misses of the score's difference (at most 1 %), in so many steps",
    )
    for number, line in enumerate(lines):
        pen.write(left, 82 + number * 20, line, width - left - _MARGIN, 15, PALE)
    return 176


_BEAT = {True: "a random order", False: "a random map and an edge filter"}


def _picture_card(pen: Pen, found: ExplanationSet, one: Explanation, top: int, width: int) -> int:
    pen.draw.line((_MARGIN, top, width - _MARGIN, top), fill=RULE)
    top += 16
    pen.write(_MARGIN, top, _answer(one), width - 2 * _MARGIN, 20)
    top += 40
    pen.write(_MARGIN, top, one.name, _SIDE, 15, PALE)
    pen.paste(_MARGIN, top + _LINE, picture_of(one.example), _SIDE)
    below = top + _LINE + _SIDE + 8
    for line in _compared(one):
        pen.write(_MARGIN, below, line, _SIDE, 15, PALE)
        below += _LINE - 3
    bottom = below
    for place, shown in enumerate(one.maps):
        left = _MARGIN + (place + 1) * (_SIDE + _GAP)
        pen.write(left, top - 1, TITLES[shown.method][0], _SIDE, 17)
        pen.paste(left, top + _LINE, Image.fromarray(map_colours(shown.values, one.example)), _SIDE)
        bottom = max(bottom, _checks(pen, one, shown, left, top + _LINE + _SIDE + 8, _SIDE))
    if one.counterfactual is not None:
        bottom = max(bottom, _below(pen, found, one, bottom + 14))
    elif one.neighbours:
        bottom = _neighbours(pen, one, _MARGIN, bottom + 14)
    return bottom + 20


def _below(pen: Pen, found: ExplanationSet, one: Explanation, top: int) -> int:
    """Draw the counterfactual, and the nearest examples at its right."""
    change = one.counterfactual
    if change is None:
        return top
    name = found.class_names[change.target]
    left = _MARGIN
    if change.found:
        text = f"smallest change that makes it {name!r}"
        pen.write(left, top, text, 2 * _SIDE + _GAP - 20, 17)
        pen.paste(left, top + _LINE + 4, picture_of(change.picture), _SMALL)
        pen.paste(
            left + _SMALL + 12,
            top + _LINE + 4,
            Image.fromarray(change_colours(one.example, change.picture)),
            _SMALL,
        )
        pixels = "pixel" if change.changed == 1 else "pixels"
        facts = (
            f"{name}: {change.probability:.0%}",
            f"{change.changed} {pixels} changed",
            f"distance {change.distance:.2f}",
        )
        for line, fact in enumerate(facts):
            pen.write(left + 2 * _SMALL + 26, top + _LINE + 4 + line * 26, fact, 230, 15, PALE)
    else:
        pen.write(left, top, f"no change found that makes it {name!r}", 2 * _SIDE, 17)
    if one.neighbours:
        _neighbours(pen, one, _MARGIN + 2 * (_SIDE + _GAP), top)
    return top + _LINE + 4 + _SMALL + _LINE + 6


def _neighbours(pen: Pen, one: Explanation, left: int, top: int) -> int:
    pen.write(left, top, "training examples that it sees as most alike", 600, 17)
    for place, near in enumerate(one.neighbours):
        at = left + place * (_SMALL + 28)
        pen.paste(at, top + _LINE + 4, picture_of(near.example), _SMALL)
        text = f"{near.label}  ({near.distance:.2g})"
        pen.write(at, top + _LINE + _SMALL + 8, text, _SMALL + 24, 15, PALE)
    return top + _LINE + 4 + _SMALL + _LINE + 6


def _row_card(pen: Pen, found: ExplanationSet, one: Explanation, top: int, width: int) -> int:
    pen.draw.line((_MARGIN, top, width - _MARGIN, top), fill=RULE)
    top += 16
    pen.write(_MARGIN, top, f"{one.name}: {_answer(one)}", width - 2 * _MARGIN, 20)
    top += 42
    shown = one.maps[0]
    order = np.argsort(-np.abs(shown.values), kind="stable")[:_MOST_COLUMNS]
    greatest = float(np.abs(shown.values).max()) or 1.0
    middle = _MARGIN + 330 + _BAR // 2
    for line, column in enumerate(order):
        name, value = found.columns[column], float(shown.values[column])
        text = f"{name} = {one.example.get(name, '')}"
        at = top + line * 28
        pen.write(_MARGIN, at, text, 310, 17)
        long = round(abs(value) / greatest * _BAR / 2)
        box = (middle, at + 3, middle + long, at + 19) if value > 0 else (
            middle - long, at + 3, middle, at + 19,
        )  # fmt: skip
        pen.draw.rectangle(box, fill=FOR if value > 0 else AGAINST)
        pen.write(middle + _BAR // 2 + 12, at, minus(f"{value:+.3g}"), 90, 15, PALE)
    bottom = top + len(order) * 28
    pen.draw.line((middle, top - 2, middle, bottom), fill=PALE)
    if len(found.columns) > len(order):
        rest = len(found.columns) - len(order)
        pen.write(_MARGIN, bottom, f"and {rest} columns more, each with less", 400, 15, PALE)
        bottom += _LINE
    left = middle + _BAR // 2 + 110
    right = width - _MARGIN - left
    pen.write(left, top, TITLES[shown.method][0], right, 17)
    below = _checks(pen, one, shown, left, top + 28, right)
    for line_text in _compared(one):
        pen.write(left, below, line_text, right, 15, PALE)
        below += _LINE - 3
    if one.neighbours:
        pen.write(left, below + 8, "most alike in training", right, 17)
        below += 36
        for near in one.neighbours:
            text = f"row {near.row}: {near.label}, distance {near.distance:.2g}"
            pen.write(left, below, text, right, 15, PALE)
            below += _LINE - 3
    return max(bottom, below) + 22


def _importance(pen: Pen, found: ExplanationSet, top: int, width: int) -> int:
    if not found.importance:
        return top
    pen.draw.line((_MARGIN, top, width - _MARGIN, top), fill=RULE)
    lost = "accuracy lost" if found.class_names else "mean absolute error gained"
    title = f"Over the test rows: {lost} when a column is shuffled (permutation importance)"
    pen.write(_MARGIN, top + 16, title, width - 2 * _MARGIN, 20)
    top += 58
    greatest = max(max(abs(one.mean) for one in found.importance), 1e-12)
    shown = found.importance[:_MOST_COLUMNS]
    left = _MARGIN + 330
    for line, one in enumerate(shown):
        at = top + line * 28
        pen.write(_MARGIN, at, one.column, 310, 17)
        long = max(0, round(one.mean / greatest * 2 * _BAR))
        pen.draw.rectangle((left, at + 3, left + long, at + 19), fill=INK)
        pen.write(left + long + 12, at, one.text, 240, 15, PALE)
    return top + len(shown) * 28 + 10


def _checks(pen: Pen, one: Explanation, shown: Map, left: int, top: int, width: int) -> int:
    for verdict in verdicts(one, shown):
        pen.dot(left, top, verdict.passed)
        pen.write(left + 16, top, f"{verdict.english} {verdict.value}", width - 16, 15)
        top += _LINE - 3
    return top


def _compared(one: Explanation) -> list[str]:
    lines = []
    known = "random map" if isinstance(one.example, np.ndarray) else "random order"
    for name, areas in one.compared.items():
        title = {"random": known, "edges": "edge filter"}[name]
        deletion, insertion = minus(f"{areas.deletion:.2f}"), minus(f"{areas.insertion:.2f}")
        lines += [f"{title}: {deletion}, {insertion}"]
    return lines


def _answer(one: Explanation) -> str:
    text = f"predicted {one.prediction}"
    if len(one.probabilities):
        text += f" ({one.probabilities.max():.1%})"
    if one.label and one.label != one.prediction:
        text += f", it is {one.label}"
    if one.target and one.target != one.prediction:
        text += f"; explained: why {one.target}"
    return text


def _text_in(found: ExplanationSet) -> str:
    parts: list[Any] = [found.run, *found.class_names, *found.columns]
    for one in found.explanations:
        parts += [one.name, one.label]
        if not isinstance(one.example, np.ndarray):
            parts += one.example.values()
    return "".join(map(str, parts))
