"""The report's parts on conditions: corrupted pictures, slices of a table, learning curves.

Knows the results, not how they were computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import isfinite
from typing import Any

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.report_words import both, figure, say, table
from danqing.evaluation.slices import Slice
from danqing.pages.charts import Chart, interval_mark, legend, ticks
from danqing.pages.images import data_uri, thumbnail
from danqing.pages.number_format import interval, number, percent
from danqing.recipe.recipe import AUGMENTATIONS

__all__ = ["curves", "robustness", "slices"]

_SLICES = 30


def robustness(found: Examination) -> str:
    """Show each corruption at increasing severity, and the figure it leaves."""
    measured = found.robustness
    if measured is None:
        return ""
    classes = found.run.task == "classification"
    write = (lambda v: percent(v, 1)) if classes else number
    clean = measured.clean["figure"]
    rows = ""
    for kind, line in measured.corrupted.items():
        cells = ""
        pictures = measured.examples[kind]
        for picture, one in zip(pictures, [measured.clean, *line], strict=True):
            lost = _lost(clean, one["figure"], classes)
            cells += (
                f'<td style="--share:{lost:.2f}"><img src="{data_uri(thumbnail(picture))}" alt="">'
                f'<span title="{interval(one["ci95"], write)}">{write(one["figure"])}</span></td>'
            )
        rows += f"<tr><th scope=row>{say(f'corruption-{kind}')}</th>{cells}</tr>"
    heads = ("", say("uncorrupted"), *map(str, range(1, 6)))
    return (
        f"<p>{say(f'robustness-what-{found.run.task}', n=f'{measured.n:,}')}</p>"
        f"{table(heads, rows, 'strips')}{_augmentation(found.run.config)}"
        f"<p class=hint>{say('robustness-how')}</p>"
    )


def _augmentation(settings: Mapping[str, Any]) -> str:
    """Name the augmentation used in training: a network is robust to what it was trained with."""
    used = [name for name in AUGMENTATIONS if settings.get(name)]
    if not used:
        return ""
    named = " · ".join(say(f"augmentation-{name}") for name in used)
    return f"<p class=hint>{say('robustness-trained')} {named}</p>"


def slices(found: Examination) -> str:
    """Show the slices of a table with the worst results."""
    if not found.dataset.tabular:
        return ""
    if not found.slices:
        return f"<p>{say('slices-none')}</p>"
    classes = found.run.task == "classification"
    shown = found.slices[:_SLICES]
    ends = [end for one in shown if one.ci95 for end in one.ci95]
    low, high = (0.0, 1.0) if classes else (0.0, max([*ends, *(one.figure for one in shown)]))
    low = min([*ends, 1.0]) if classes else low
    rows = "".join(_slice(one, low, high, classes) for one in shown)
    outstanding = sum(one.stands_out for one in found.slices)
    digits = 0 if classes else 3
    write = percent if classes else number
    heads = (
        say("column-slice"),
        say("column-n"),
        say("tile-accuracy" if classes else "tile-mae"),
        f"{write(low, digits)} – {write(high, digits)}",
    )
    summary = say(
        "slices-some" if outstanding else "slices-even",
        n=f"{len(found.slices):,}",
        outstanding=outstanding,
        shown=len(shown),
    )
    what = f"<p class=sentences>{say('slices-what')}{summary}</p>"
    return what + table(heads, rows, "figures scaled")


def curves(found: Examination) -> str:
    """Show the learning curves."""
    history = found.run.history
    if not history:
        return ""
    drawn = ""
    for name in ("loss", "accuracy" if found.run.task == "classification" else "mae"):
        lines = {
            kind: [
                (row["epoch"], row[column])
                for row in history
                if column in row and isfinite(row[column])
            ]
            for kind, column in (("azure", name), ("cinnabar", f"val_{name}"))
        }
        values = [value for points in lines.values() for _, value in points]
        if not values:
            continue
        last = max(row["epoch"] for row in history)
        room = 0.06 * ((max(values) - min(values)) or abs(values[0]) or 1)
        percents = name == "accuracy"
        chart = Chart(
            (min(1.0, last - 1), last),
            (min(values) - room, max(values) + room),
            both("axis-epoch"),
            both(f"axis-{name}"),
            x_text=lambda epoch: f"{epoch:g}",
            y_text=(lambda share: percent(share, 1)) if percents else number,
            x_ticks=[x for x in ticks(1, last, 7) if x == int(x)] or [last],
            width=420,
        )
        for kind, points in lines.items():
            chart.line(points, kind)
            if len(points) <= 40:
                chart.points(points, kind, 2.5, [f"{x:g}: {number(y)}" for x, y in points])
        drawn += figure(f"curve-{name}", chart.svg(f"curve-{name}"), say(f"curve-{name}"))
    keys = legend(("azure", both("training")), ("cinnabar", both("validation")))
    return f'<p>{say("curves-what")}</p>{keys}<div class="pair">{drawn}</div>'


def _lost(clean: float, figure: float, classes: bool) -> float:
    """Return how much was lost, from 0 to 1, for the shade of a cell."""
    if classes:
        return min(1.0, max(0.0, (clean - figure) / (clean or 1)))
    return min(1.0, max(0.0, 1 - clean / (figure or 1)))


def _slice(one: Slice, low: float, high: float, classes: bool) -> str:
    write = (lambda v: percent(v, 1)) if classes else number
    if one.low is not None:
        ends = one.low if one.low == one.high else f"{one.low} – {one.high}"
        what = f"{escape(one.column)}: {escape(ends)}"
    elif one.value is not None:
        what = f"{escape(one.column)} = {escape(one.value)}"
    else:
        what = f"{escape(one.column)}: {say('slice-missing')}"
    drawn = interval_mark(one.figure, one.ci95, low, high) if one.ci95 else ""
    mark = f" <b class=mark>{say('slice-worse')}</b>" if one.stands_out else ""
    return (
        f"<tr><th scope=row>{what}{mark}</th><td>{one.n:,}</td><td>{write(one.figure)}"
        f"<small>{interval(one.ci95, write)}</small></td>"
        f"<td class=drawn>{drawn}</td></tr>"
    )
