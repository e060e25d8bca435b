"""Charts: curves with axes as SVG, bars and intervals for tables, bars of text. Knows no figures.

All share one arithmetic: `ticks`, `share_of` and `bar_ends`. The sheets' pen and the pages' own
JavaScript, charts.js, draw by the same. Colours are the style sheet's, so that a drawing follows
its page from light to dark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import floor, log10

from danqing.pages.number_format import number
from danqing.pages.words import Both, spans, svg_texts

__all__ = [
    "Chart",
    "bar",
    "bar_ends",
    "interval_mark",
    "legend",
    "share_of",
    "text_bar",
    "text_columns",
    "ticks",
]

Point = tuple[float, float]
_BLOCKS = " ▁▂▃▄▅▆▇█"


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers between two others.

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


def share_of(value: float, low: float, high: float) -> float:
    """Return how far a value lies from `low` to `high`: 0 at the one, 1 at the other.

    Examples
    --------
    >>> share_of(15, 10, 20), share_of(3, 3, 3)
    (0.5, 0.0)
    """
    return (value - low) / ((high - low) or 1)


def bar_ends(value: float, reach: float, *, signed: bool = False) -> tuple[float, float]:
    """Return where a bar begins and ends, as shares of its room, which is full at `reach`.

    Parameters
    ----------
    value, reach : float
    signed : bool
        Bars go from the middle, to the right above 0 and to the left below; otherwise they go
        from the left, and values below 0 have none.

    Examples
    --------
    >>> bar_ends(3, 4), bar_ends(-2, 4, signed=True), bar_ends(5, 4, signed=True)
    ((0.0, 0.75), (0.25, 0.5), (0.5, 1.0))
    """
    share = min(1.0, max(-1.0 if signed else 0.0, share_of(value, 0, reach)))
    if not signed:
        return 0.0, share
    return (0.5, 0.5 + share / 2) if share > 0 else (0.5 + share / 2, 0.5)


def bar(value: float, reach: float, *, signed: bool = False) -> str:
    """Return a bar as HTML: cinnabar above 0 and azure below, if it is signed."""
    low, high = bar_ends(value, reach, signed=signed)
    kind = "pale" if not signed else "cinnabar" if value > 0 else "azure"
    ends = f"--low:{low:.4f};--high:{high:.4f}"
    return f'<span class="track" aria-hidden="true"><i class="{kind}" style="{ends}"></i></span>'


def interval_mark(value: float, ends: Sequence[float], low: float, high: float) -> str:
    """Return an interval as HTML: a line with a dot at the value, on a scale of `low` to `high`."""
    places = (min(1.0, max(0.0, share_of(one, low, high))) for one in (*ends, value))
    start, end, at = (f"{place:.3f}" for place in places)
    return (
        '<span class="range" aria-hidden="true" '
        f'style="--low:{start};--high:{end};--at:{at}"></span>'
    )


def legend(*keys: tuple[str, Both]) -> str:
    """Return a legend as HTML: the colour and the name of each line."""
    shown = (f'<span><i class="key {kind}"></i>{spans(text)}</span>' for kind, text in keys)
    return f'<span class="legend">{"".join(shown)}</span>'


def text_bar(share: float, width: int) -> str:
    """Return a bar of block characters; anything above 0 has at least one.

    Examples
    --------
    >>> text_bar(0.5, 6), text_bar(0.001, 6), text_bar(0, 6)
    ('███', '█', '')
    """
    return _BLOCKS[-1] * max(round(bar_ends(share, 1)[1] * width), 1 if share > 0 else 0)


def text_columns(values: Sequence[float], width: int, height: int) -> list[str]:
    """Draw values as columns of block characters, scaled from the least to the greatest.

    Parameters
    ----------
    values : sequence of float
        The last ones are drawn where there are more than `width`.
    width, height : int
        Characters and lines.

    Examples
    --------
    >>> text_columns([0, 1, 4], width=4, height=2)
    ['  █ ', '▁▅█ ']
    """
    shown = list(values)[-width:]
    low, high = min(shown), max(shown)
    steps = len(_BLOCKS) - 1
    levels = [1 + round(share_of(value, low, high) * (height * steps - 1)) for value in shown]
    return [
        "".join(_BLOCKS[min(max(level - row * steps, 0), steps)] for level in levels).ljust(width)
        for row in reversed(range(height))
    ]


class Chart:
    """A drawing with two axes.

    Parameters
    ----------
    x, y : (low, high)
        The ranges of the axes.
    x_title, y_title : (str, str)
        In English and Chinese.
    x_text, y_text : callable
        Writes the numbers at the ticks.
    width, height : int
        In the drawing's own units; on the page it is as wide as its place.
    x_ticks, y_ticks : sequence of float, optional
        Where the numbers stand, if not as `ticks` says.
    """

    def __init__(
        self,
        x: Point,
        y: Point,
        x_title: Both,
        y_title: Both,
        *,
        x_text: Callable[[float], str] = number,
        y_text: Callable[[float], str] = number,
        width: int = 460,
        height: int = 320,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
    ) -> None:
        self._x, self._y = x, y
        self._left, self._right, self._top, self._bottom = 84, width - 20, 14, height - 50
        self._size = width, height
        self._parts: list[str] = []
        for value in ticks(*y) if y_ticks is None else y_ticks:
            self._level(self._up(value), y_text(value))
        for value in ticks(*x) if x_ticks is None else x_ticks:
            self._foot(self._across(value), x_text(value))
        left, right, bottom = self._left, self._right, self._bottom
        self._add(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        middle = f'x="{(left + right) / 2}" y="{height - 8}"'
        turned = f'transform="translate(13 {(self._top + bottom) / 2}) rotate(-90)"'
        for title, place in ((x_title, middle), (y_title, turned)):
            self._add(svg_texts(title, f'class="title" {place} text-anchor="middle"'))

    def line(self, points: Iterable[Point], kind: str) -> None:
        """Join points by a line of a kind that charts.css has: azure, cinnabar, goal."""
        path = " ".join(f"{self._across(x)},{self._up(y)}" for x, y in points)
        self._add(f'<polyline class="line {kind}" points="{path}"/>')

    def points(
        self, points: Iterable[Point], kind: str, radius: float = 3.5, tips: Sequence[str] = ()
    ) -> None:
        """Draw dots; `tips` are shown where the pointer rests."""
        tips = list(tips)
        for place, (x, y) in enumerate(points):
            tip = f"><title>{escape(tips[place])}</title></circle>" if tips else "/>"
            self._add(
                f'<circle class="dot {kind}" cx="{self._across(x)}" cy="{self._up(y)}" '
                f'r="{radius}"{tip}'
            )

    def whisker(self, x: float, low: float, high: float, kind: str) -> None:
        """Draw an upright interval."""
        across = self._across(x)
        self._add(
            f'<line class="whisker {kind}" x1="{across}" x2="{across}" '
            f'y1="{self._up(low)}" y2="{self._up(high)}"/>'
        )

    def column(self, left: float, right: float, top: float, tip: str) -> None:
        """Draw a column from the ground up to `top`."""
        start, end = self._across(left), self._across(right)
        up, ground = self._up(top), self._up(self._y[0])
        self._add(
            f'<rect class="column" x="{start}" y="{up}" width="{max(end - start - 1, 1):.1f}" '
            f'height="{max(ground - up, 0):.1f}"><title>{escape(tip)}</title></rect>'
        )

    def note(self, x: float, y: float, text: Both, anchor: str = "start", dy: int = -6) -> None:
        """Write at a point."""
        place = f'x="{self._across(x)}" y="{self._up(y) + dy}" text-anchor="{anchor}"'
        self._add(svg_texts(text, place))

    def svg(self, labelled_by: str) -> str:
        """Return the drawing; the element with that id describes it in words."""
        return (
            f'<svg class="chart" role="img" aria-labelledby="{labelled_by}" '
            f'viewBox="0 0 {self._size[0]} {self._size[1]}">{"".join(self._parts)}</svg>'
        )

    def _add(self, part: str) -> None:
        self._parts.append(part)

    def _level(self, up: float, text: str) -> None:
        self._add(
            f'<line class="grid" x1="{self._left}" x2="{self._right}" y1="{up}" y2="{up}"/>'
            f'<text x="{self._left - 8}" y="{up + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        )

    def _foot(self, across: float, text: str) -> None:
        bottom = self._bottom
        self._add(
            f'<line class="axis" x1="{across}" x2="{across}" y1="{bottom}" y2="{bottom + 4}"/>'
            f'<text x="{across}" y="{bottom + 18}" text-anchor="middle">{escape(text)}</text>'
        )

    def _across(self, x: float) -> float:
        return round(self._left + share_of(x, *self._x) * (self._right - self._left), 1)

    def _up(self, y: float) -> float:
        return round(self._bottom - share_of(y, *self._y) * (self._bottom - self._top), 1)
