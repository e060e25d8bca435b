"""Explanations as one image: maps, checks, nearest examples, counterfactual, columns.

Drawn with Pillow alone. Knows no network: all is in an `ExplanationSet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from danqing.data.row_names import short_name
from danqing.explanation.explanation_words import WORDS, name_of
from danqing.explanation.map_colours import change_colours, map_colours
from danqing.explanation.results import Explanation, ExplanationSet, Map
from danqing.explanation.verdicts import verdicts
from danqing.pages.colours import AZURE, CARD, CINNABAR, PALE
from danqing.pages.images import picture_of
from danqing.pages.number_format import minus, number, percent
from danqing.pages.pen import Pen
from danqing.pages.words import LANGUAGES

__all__ = ["draw_sheet"]

_MARGIN, _GAP, _SIDE, _SMALL, _LINE = 36, 22, 208, 112, 24
_WIDTH = 1180  # at least
_NAMES, _BAR = 310, 300
_MOST_COLUMNS = 12


def draw_sheet(found: ExplanationSet, language: str = "en") -> Image.Image:
    """Draw all explanations below each other.

    Parameters
    ----------
    found : ExplanationSet
    language : {"en", "zh"}

    Returns
    -------
    Image
        RGB, as high as needed.
    """
    draft = _Sheet(found, language, Image.new("RGB", (1, 1)))
    size = draft.width, draft.drawn() + _MARGIN // 2
    sheet = Image.new("RGB", size, CARD)
    _Sheet(found, language, sheet).drawn()
    return sheet


class _Sheet:
    """Draws from top to bottom; a first time on a tiny image, to find the height."""

    def __init__(self, found: ExplanationSet, language: str, image: Image.Image) -> None:
        self.found, self.language = found, language
        columns = max((len(one.maps) for one in found.explanations), default=1) + 1
        wide = 2 * _MARGIN + columns * (_SIDE + _GAP) - _GAP
        self.width = _WIDTH if found.columns else max(_WIDTH, wide)
        self.pen = Pen(image, _text_in(found) + self.said("title"))

    def said(self, key: str, **values: Any) -> str:
        return WORDS.plain(key, self.language, **values)

    def drawn(self) -> int:
        """Draw everything, and return its height."""
        card = self._row_card if self.found.columns else self._picture_card
        top = self._head()
        for one in self.found.explanations:
            self.pen.rule(_MARGIN, self.width - _MARGIN, top)
            top = card(one, top + 16)
        return self._importance(top)

    def _head(self) -> int:
        pen, kind = self.pen, "class" if self.found.class_names else "number"
        pen.write(_MARGIN, 22, self.said("title"), self.width, 28)
        pen.write(_MARGIN, 62, Path(self.found.run).name, self.width // 3, 17, PALE)
        left = max(_MARGIN + 360, self.width - 760)
        after = pen.write(left, 24, self.said(f"against-{kind}"), 300, 15, PALE) + 10
        for place in range(160):
            share = place / 159 * 2 - 1
            hue = np.array(CINNABAR if share > 0 else AZURE)
            colour = np.rint(255 * (1 - abs(share)) + hue * abs(share)).astype(int)
            pen.draw.line((after + place, 26, after + place, 42), fill=tuple(colour.tolist()))
        pen.write(after + 170, 24, self.said(f"for-{kind}"), 300, 15, PALE)
        for key, passed in (("passed", True), ("failed", False)):
            pen.dot(left, 58, passed)
            left = pen.write(left + 16, 58, self.said(key), 100, 15, PALE) + 24
        left = max(_MARGIN + 360, self.width - 760)
        thing = "table" if self.found.columns else "pictures"
        keys = (f"deletion-{thing}", f"insertion-{thing}", "untrained", "gap")
        for line, key in enumerate(keys):
            text, top = self.said(f"sheet-{key}"), 82 + line * 20
            pen.write(left, top, text, self.width - left - _MARGIN, 15, PALE)
        return 176

    def _picture_card(self, one: Explanation, top: int) -> int:
        pen = self.pen
        pen.write(_MARGIN, top, self._heading(one), self.width - 2 * _MARGIN, 20)
        top += 40
        pen.write(_MARGIN, top - 1, self.said("picture"), _SIDE, 17)
        pen.paste(_MARGIN, top + _LINE, picture_of(one.example), _SIDE)
        bottom = self._compared(one, _MARGIN, top + _LINE + _SIDE + 8, _SIDE)
        for place, shown in enumerate(one.maps):
            left = _MARGIN + (place + 1) * (_SIDE + _GAP)
            pen.write(left, top - 1, self.said(f"method-{shown.method}"), _SIDE, 17)
            image = Image.fromarray(map_colours(shown.values, one.example))
            pen.paste(left, top + _LINE, image, _SIDE)
            below = self._checks(one, shown, left, top + _LINE + _SIDE + 8, _SIDE)
            bottom = max(bottom, below)
        if one.counterfactual is not None:
            bottom = max(bottom, self._change(one, bottom + 14))
        elif one.neighbours:
            bottom = self._neighbours(one, _MARGIN, bottom + 14)
        return bottom + 20

    def _change(self, one: Explanation, top: int) -> int:
        """Draw the counterfactual, and the nearest examples at its right."""
        change, pen = one.counterfactual, self.pen
        if change is None:
            return top
        name = self.found.class_names[change.target]
        title = self.said("change" if change.found else "change-none", name=repr(name))
        pen.write(_MARGIN, top, title, 2 * _SIDE + _GAP - 20, 17)
        if change.found:
            difference = Image.fromarray(change_colours(one.example, change.picture))
            pen.paste(_MARGIN, top + _LINE + 4, picture_of(change.picture), _SMALL)
            pen.paste(_MARGIN + _SMALL + 12, top + _LINE + 4, difference, _SMALL)
            likely = percent(change.probability, 0)
            facts = (
                self.said("change-probability", name=name, probability=likely),
                self.said("change-pixels", n=change.changed),
                self.said("change-distance", distance=f"{change.distance:.2f}"),
            )
            for line, fact in enumerate(facts):
                at = top + _LINE + 4 + line * 26
                pen.write(_MARGIN + 2 * _SMALL + 26, at, fact, 230, 15, PALE)
        if one.neighbours:
            self._neighbours(one, _MARGIN + 2 * (_SIDE + _GAP), top)
        return top + _LINE + 4 + _SMALL + _LINE + 6

    def _neighbours(self, one: Explanation, left: int, top: int) -> int:
        aside = self.said("aside", text=self.said("nearest-caption"))
        self.pen.write(left, top, self.said("nearest") + aside, 600, 17)
        for place, near in enumerate(one.neighbours):
            at = left + place * (_SMALL + 28)
            self.pen.paste(at, top + _LINE + 4, picture_of(near.example), _SMALL)
            text = f"{near.label}  ({number(near.distance, 2)})"
            self.pen.write(at, top + _LINE + _SMALL + 8, text, _SMALL + 24, 15, PALE)
        return top + _LINE + 4 + _SMALL + _LINE + 6

    def _row_card(self, one: Explanation, top: int) -> int:
        pen, shown, columns = self.pen, one.maps[0], self.found.columns
        pen.write(_MARGIN, top, self._heading(one), self.width - 2 * _MARGIN, 20)
        top += 42
        order = np.argsort(-np.abs(shown.values), kind="stable")[:_MOST_COLUMNS]
        greatest = float(np.abs(shown.values).max()) or 1.0
        left = _MARGIN + _NAMES + 20
        for line, column in enumerate(order):
            name, value, at = columns[column], float(shown.values[column]), top + line * 28
            pen.write(_MARGIN, at, f"{name} = {one.example.get(name, '')}", _NAMES, 17)
            pen.bar(left, at + 3, _BAR, value, greatest, signed=True)
            pen.write(left + _BAR + 12, at, minus(f"{value:+.3g}"), 90, 15, PALE)
        bottom, middle = top + len(order) * 28, left + _BAR // 2
        pen.draw.line((middle, top - 2, middle, bottom), fill=PALE)
        if len(columns) > len(order):
            more = self.said("more-columns", n=len(columns) - len(order))
            pen.write(_MARGIN, bottom, more, 500, 15, PALE)
            bottom += _LINE
        left += _BAR + 110
        right = self.width - _MARGIN - left
        pen.write(left, top, self.said(f"method-{shown.method}"), right, 17)
        below = self._checks(one, shown, left, top + 28, right)
        below = self._compared(one, left, below, right)
        if one.neighbours:
            pen.write(left, below + 8, self.said("nearest"), right, 17)
            below += 36
            for near in one.neighbours:
                facts = {"label": near.label, "distance": number(near.distance, 2)}
                text = self.said("nearest-row", name=short_name(near.name), **facts)
                pen.write(left, below, text, right, 15, PALE)
                below += _LINE - 3
        return max(bottom, below) + 22

    def _importance(self, top: int) -> int:
        if not self.found.importance:
            return top
        pen = self.pen
        pen.rule(_MARGIN, self.width - _MARGIN, top)
        title = self.said("importance-accuracy" if self.found.class_names else "importance-mae")
        pen.write(_MARGIN, top + 16, title, self.width - 2 * _MARGIN, 20)
        top += 58
        greatest = max(max(abs(one.mean) for one in self.found.importance), 1e-12)
        shown = self.found.importance[:_MOST_COLUMNS]
        for line, one in enumerate(shown):
            at = top + line * 28
            pen.write(_MARGIN, at, one.column, _NAMES, 17)
            after = pen.bar(_MARGIN + _NAMES + 20, at + 3, 2 * _BAR, one.mean, greatest)
            pen.write(after + 12, at, one.text, 240, 15, PALE)
        return top + len(shown) * 28 + 10

    def _checks(self, one: Explanation, shown: Map, left: int, top: int, width: int) -> int:
        for verdict in verdicts(one, shown):
            self.pen.dot(left, top, verdict.passed)
            text = f"{self.said(f'check-{verdict.check}')} {verdict.value}"
            self.pen.write(left + 16, top, text, width - 16, 15)
            top += _LINE - 3
        return top

    def _compared(self, one: Explanation, left: int, top: int, width: int) -> int:
        known = "random-map" if isinstance(one.example, np.ndarray) else "random-order"
        for name, areas in one.compared.items():
            key = {"random": known, "edges": "edge-filter"}[name]
            deletion, insertion = minus(f"{areas.deletion:.2f}"), minus(f"{areas.insertion:.2f}")
            ends = {"deletion": deletion, "insertion": insertion}
            text = self.said("areas", name=self.said(key), **ends)
            self.pen.write(left, top, text, width, 15, PALE)
            top += _LINE - 3
        return top

    def _heading(self, one: Explanation) -> str:
        name = name_of(one.name)[LANGUAGES.index(self.language)]
        text = self.said("heading", name=name, predicted=one.prediction)
        if len(one.probabilities):
            text += self.said("aside", text=percent(one.probabilities.max(), 1))
        if one.label and one.label != one.prediction:
            kind = "heading-class" if self.found.class_names else "heading-value"
            text += self.said(kind, label=one.label)
        if one.target and one.target != one.prediction:
            text += self.said("heading-target", target=one.target)
        return text


def _text_in(found: ExplanationSet) -> str:
    parts: list[Any] = [found.run, *found.class_names, *found.columns]
    for one in found.explanations:
        parts += [one.name, one.label]
        if not isinstance(one.example, np.ndarray):
            parts += one.example.values()
    return "".join(map(str, parts))
