"""The page's parts on where and when: corrupted pictures, slices of a table, epoch by epoch.

Knows what was found, not how.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import isfinite
from typing import Any

from danqing.evaluation.examination import Examination
from danqing.evaluation.slices import Slice
from danqing.pages.charts import Chart, ticks
from danqing.pages.images import data_uri
from danqing.pages.words import interval, number, percent, say
from danqing.recipe.recipe import AUGMENTATIONS

__all__ = ["curves", "robustness", "slices"]

_SLICES = 30


def robustness(found: Examination) -> str:
    """Show each kind of corruption, growing from left to right, and what it does."""
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
                f'<td style="--share:{lost:.2f}"><img src="{data_uri(picture)}" alt="">'
                f'<span title="{interval(one["ci95"], write)}">{write(one["figure"])}</span></td>'
            )
        rows += f"<tr><th scope=row>{say(f'corruption-{kind}')}</th>{cells}</tr>"
    heads = "".join(f"<th scope=col>{level}</th>" for level in range(1, 6))
    return (
        f'<section id="robustness"><h2>{say("robustness")}</h2>'
        f"<p>{say(f'robustness-what-{found.run.task}', n=f'{measured.n:,}')}</p>"
        f"<div class=scroll><table class=strips><thead><tr><td></td>"
        f"<th scope=col>{say('as-it-is')}</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{_trained(found.run.config)}"
        f"<p class=hint>{say('robustness-how')}</p></section>"
    )


def _trained(settings: Mapping[str, Any]) -> str:
    """Say how training changed its own pictures: what is alike is no surprise any more."""
    changes = [name for name in AUGMENTATIONS if settings.get(name)]
    if not changes:
        return ""
    told = " · ".join(say(f"changed-{name}") for name in changes)
    return f"<p class=hint>{say('robustness-trained')} {told}</p>"


def slices(found: Examination) -> str:
    """Show the parts of a table where the run does worst."""
    if not found.dataset.tabular:
        return ""
    start = f'<section id="slices"><h2>{say("slices")}</h2>'
    if not found.slices:
        return f"{start}<p>{say('slices-none')}</p></section>"
    classes = found.run.task == "classification"
    shown = found.slices[:_SLICES]
    ends = [end for one in shown if one.ci95 for end in one.ci95]
    low, high = (0.0, 1.0) if classes else (0.0, max([*ends, *(one.figure for one in shown)]))
    low = min([*ends, 1.0]) if classes else low
    rows = "".join(_slice(one, low, high, classes) for one in shown)
    outstanding = sum(one.stands_out for one in found.slices)
    figure = "accuracy" if classes else "mae"
    heads = f"<th scope=col>{say('column-n')}</th><th scope=col>{say(f'tile-{figure}')}</th>"
    digits = 0 if classes else 3
    write = percent if classes else number
    summary = say(
        "slices-some" if outstanding else "slices-even",
        n=f"{len(found.slices):,}",
        outstanding=outstanding,
        shown=len(shown),
    )
    return (
        f"{start}<p class=said>{say('slices-what')}{summary}</p>"
        "<div class=scroll><table class=figures>"
        f"<thead><tr><th scope=col>{say('column-slice')}</th>{heads}"
        f"<th scope=col class=drawn>{write(low, digits)} – {write(high, digits)}</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def curves(found: Examination) -> str:
    """Show the training, epoch by epoch."""
    history = found.run.history
    if not history:
        return ""
    drawn = ""
    figure = "accuracy" if found.run.task == "classification" else "mae"
    for name in ("loss", figure):
        lines = {
            kind: [
                (row["epoch"], row[column])
                for row in history
                if column in row and isfinite(row[column])
            ]
            for kind, column in (("b", name), ("a", f"val_{name}"))
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
            "axis-epoch",
            f"axis-{name}",
            x_text=lambda epoch: f"{epoch:g}",
            y_text=(lambda share: percent(share, 1)) if percents else number,
            x_ticks=[x for x in ticks(1, last, 7) if x == int(x)] or [last],
            width=420,
        )
        for kind, points in lines.items():
            chart.line(points, kind)
            if len(points) <= 40:
                chart.points(points, kind, 2.5, [f"{x:g}: {number(y)}" for x, y in points])
        identity = f"curve-{name}"
        drawn += (
            f"<figure>{chart.svg(identity)}<figcaption id={identity}>{say(identity)}</figcaption>"
            "</figure>"
        )
    legend = "".join(
        f'<span class="key"><i class="{kind}"></i>{say(f"legend-{subset}")}</span>'
        for kind, subset in (("b", "train"), ("a", "validation"))
    )
    return (
        f'<section id="curves"><h2>{say("curves")}</h2><p>{say("curves-what")}</p>'
        f'<p class="legend">{legend}</p><div class="pair">{drawn}</div></section>'
    )


def _lost(clean: float, figure: float, classes: bool) -> float:
    """Give how much was lost, from 0 to 1, for the shade of a cell."""
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
    drawn = ""
    if one.ci95:
        places = [
            min(1.0, max(0.0, (value - low) / ((high - low) or 1)))
            for value in (*one.ci95, one.figure)
        ]
        drawn = (
            f'<span class="range" style="--low:{places[0]:.3f};--high:{places[1]:.3f};'
            f'--at:{places[2]:.3f}"></span>'
        )
    mark = f" <b class=mark>{say('slice-worse')}</b>" if one.stands_out else ""
    return (
        f"<tr><th scope=row>{what}{mark}</th><td>{one.n:,}</td><td>{write(one.figure)}"
        f"<small>{interval(one.ci95, write)}</small></td>"
        f'<td class=drawn aria-hidden="true">{drawn}</td></tr>'
    )
