"""Drawings for the page, as SVG: axes with labels, lines, points, bars. Knows no figures.

Colours are the style sheet's, so that a drawing follows the page from light to dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import floor, log10

from danqing.pages.words import number, say_svg

__all__ = ["Chart", "ticks"]

Point = tuple[float, float]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Give round numbers between two others.

    Examples
    --------
    >>> ticks(0, 1), ticks(0.97, 1.0, 3)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.97, 0.98, 0.99, 1.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    unit = 10.0 ** floor(log10(rough))
    step = min((unit * m for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
    first = -floor(-low / step + 1e-9)
    count = floor(high / step + 1e-9) - first
    return [float(f"{(first + i) * step:.12g}") for i in range(count + 1)]


class Chart:
    """One drawing with two axes.

    Parameters
    ----------
    x, y : (low, high)
        The ranges of the axes.
    x_label, y_label : str
        Keys of strings.json.
    x_text, y_text : callable
        Writes the numbers at the ticks.
    width, height : int
        In the drawing's own units; on the page it is as wide as its place.
    x_ticks : sequence of float, optional
        Where the numbers stand, if not as `ticks` says.
    """

    def __init__(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str,
        y_label: str,
        *,
        x_text: Callable[[float], str] = number,
        y_text: Callable[[float], str] = number,
        width: int = 460,
        height: int = 320,
        x_ticks: Sequence[float] | None = None,
    ) -> None:
        self._x, self._y = x, y
        self.width, self.height = width, height
        self._left, self._right, self._top, self._bottom = 84, 20, 14, 50
        self._parts: list[str] = []
        self._axes(x_label, y_label, x_text, y_text, ticks(*x) if x_ticks is None else x_ticks)

    def line(self, points: Iterable[Point], kind: str) -> None:
        """Join points by a line of a class of the style sheet."""
        path = " ".join(f"{self._across(x)},{self._up(y)}" for x, y in points)
        self._parts.append(f'<polyline class="line {kind}" points="{path}"/>')

    def points(
        self, points: Iterable[Point], kind: str, radius: float = 3.5, tips: Sequence[str] = ()
    ) -> None:
        """Draw dots; `tips` are shown where the pointer rests."""
        tips = list(tips)
        for number_, (x, y) in enumerate(points):
            tip = f"<title>{escape(tips[number_])}</title>" if tips else ""
            end = f">{tip}</circle>" if tip else "/>"
            self._parts.append(
                f'<circle class="dot {kind}" cx="{self._across(x)}" cy="{self._up(y)}" '
                f'r="{radius}"{end}'
            )

    def bar(self, x: float, low: float, high: float, kind: str) -> None:
        """Draw an upright interval."""
        across = self._across(x)
        self._parts.append(
            f'<line class="whisker {kind}" x1="{across}" x2="{across}" '
            f'y1="{self._up(low)}" y2="{self._up(high)}"/>'
        )

    def box(self, left: float, right: float, top: float, kind: str, tip: str = "") -> None:
        """Draw a column from the ground up to `top`."""
        start, end = self._across(left), self._across(right)
        up, ground = self._up(top), self._up(self._y[0])
        self._parts.append(
            f'<rect class="box {kind}" x="{start}" y="{up}" width="{max(end - start - 1, 1):.1f}" '
            f'height="{max(ground - up, 0):.1f}"><title>{escape(tip)}</title></rect>'
        )

    def note(self, x: float, y: float, key: str, anchor: str = "start", dy: int = -6) -> None:
        """Write a word at a point."""
        place = f'class="note" x="{self._across(x)}" y="{self._up(y) + dy}" text-anchor="{anchor}"'
        self._parts.append(say_svg(key, place))

    def svg(self, labelled_by: str) -> str:
        """Give the drawing; the element of that id says in words what it shows."""
        return (
            f'<svg class="chart" role="img" aria-labelledby="{labelled_by}" '
            f'viewBox="0 0 {self.width} {self.height}">{"".join(self._parts)}</svg>'
        )

    def _axes(
        self,
        x_label: str,
        y_label: str,
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
        x_ticks: Sequence[float],
    ) -> None:
        left, right = self._left, self.width - self._right
        top, bottom = self._top, self.height - self._bottom
        for y in ticks(*self._y):
            up = self._up(y)
            self._parts.append(
                f'<line class="grid" x1="{left}" x2="{right}" y1="{up}" y2="{up}"/>'
                f'<text class="tick" x="{left - 8}" y="{up + 4:.1f}" text-anchor="end">'
                f"{escape(y_text(y))}</text>"
            )
        for x in x_ticks:
            across = self._across(x)
            self._parts.append(
                f'<line class="axis" x1="{across}" x2="{across}" y1="{bottom}" y2="{bottom + 4}"/>'
                f'<text class="tick" x="{across}" y="{bottom + 18}" text-anchor="middle">'
                f"{escape(x_text(x))}</text>"
            )
        self._parts.append(
            f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
        )
        middle = (left + right) / 2
        self._parts.append(
            say_svg(
                x_label, f'class="label" x="{middle}" y="{self.height - 8}" text-anchor="middle"'
            )
        )
        middle = (top + bottom) / 2
        turned = (
            f'class="label" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle"'
        )
        self._parts.append(say_svg(y_label, turned))

    def _across(self, x: float) -> float:
        share = (x - self._x[0]) / ((self._x[1] - self._x[0]) or 1)
        return round(self._left + share * (self.width - self._left - self._right), 1)

    def _up(self, y: float) -> float:
        share = (y - self._y[0]) / ((self._y[1] - self._y[0]) or 1)
        return round(
            self.height - self._bottom - share * (self.height - self._top - self._bottom), 1
        )
