"""Explanations as one self-contained page, in English and Chinese. Knows no network and no file.

Everything that comes from data (names of classes, files and columns) is escaped.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.row_names import short_name
from danqing.explanation.explanation_words import WORDS, both, name_of, say
from danqing.explanation.map_colours import change_colours, map_colours
from danqing.explanation.results import Explanation, ExplanationSet, Map
from danqing.explanation.verdicts import verdicts
from danqing.pages.charts import Chart, bar, legend
from danqing.pages.images import data_uri, picture_of
from danqing.pages.number_format import minus, number, percent
from danqing.pages.resources import resource
from danqing.pages.templates import fill, make_page

__all__ = ["page_of"]

_PIXELATED = 128  # pictures up to this side keep their pixels visible
_MOST_COLUMNS = 15
_SHORT = 12  # letters


def page_of(found: ExplanationSet) -> str:
    """Return the explanations as one HTML page."""
    sections = [
        _section(one, found, f"curves-{place}") for place, one in enumerate(found.explanations)
    ]
    kind = "class" if found.class_names else "number"
    body = fill(
        resource("danqing.explanation", "body.html"),
        WORDS,
        run=say("run", run=Path(found.run).name),
        body="\n".join(sections) + _importance(found),
        **{"against": say(f"against-{kind}"), "for": say(f"for-{kind}")},
    )
    return make_page(
        WORDS,
        title=both("title"),
        style=resource("danqing.explanation", "style.css"),
        body=body,
        attributes=f'data-kind="{"table" if found.columns else "pictures"}"',
    )


def _section(one: Explanation, found: ExplanationSet, identity: str) -> str:
    inside = _columns(one, found) if found.columns else _maps(one)
    below = _curves(one, found, identity) + _probabilities(one, found) + _change(one, found)
    return (
        f"<section><h2>{_heading(one, found)}</h2>{inside}"
        f'<div class="two">{below}</div>{_near(one, found)}</section>'
    )


def _heading(one: Explanation, found: ExplanationSet) -> str:
    text = say("heading", name=name_of(one.name), predicted=one.prediction)
    if len(one.probabilities):
        text += say("aside", text=percent(one.probabilities.max(), 1))
    if one.label and one.label != one.prediction:
        text += say("heading-class" if found.class_names else "heading-value", label=one.label)
    if one.target and one.target != one.prediction:
        text += say("heading-target", target=one.target)
    return text


def _maps(one: Explanation) -> str:
    shown = [
        f"<figure><h3>{say('picture')}</h3>{_image(one.example, one.name)}"
        f"<figcaption>{_to_beat(one, '<br>')}</figcaption></figure>"
    ]
    for each in one.maps:
        image = _image(map_colours(each.values, one.example), each.method)
        title = say(f"method-{each.method}")
        shown.append(f"<figure><h3>{title}</h3>{image}{_checks(one, each)}</figure>")
    return f'<div class="grid-of-maps">{"".join(shown)}</div>'


def _to_beat(one: Explanation, between: str) -> str:
    """Return the areas that a map has to beat: those of maps that ignore the network."""
    names = {"random": "random-map", "edges": "edge-filter"}
    if not isinstance(one.example, np.ndarray):
        names = {"random": "random-order"}
    compared = [
        say(
            "areas",
            name=both(names[name]),
            deletion=minus(f"{areas.deletion:.2f}"),
            insertion=minus(f"{areas.insertion:.2f}"),
        )
        for name, areas in one.compared.items()
    ]
    return between.join((say("to-beat"), *compared))


def _checks(one: Explanation, shown: Map) -> str:
    lines = [
        f'<li class="{"passed" if each.passed else "failed"}">'
        f"{say(f'check-{each.check}')} {each.value}</li>"
        for each in verdicts(one, shown)
    ]
    return f'<ul class="checks">{"".join(lines)}</ul>'


def _columns(one: Explanation, found: ExplanationSet) -> str:
    shown = one.maps[0]
    order = np.argsort(-np.abs(shown.values), kind="stable")[:_MOST_COLUMNS]
    greatest = float(np.abs(shown.values).max()) or 1.0
    rows = []
    for column in order:
        name, value = found.columns[column], float(shown.values[column])
        rows.append(
            f"<tr><th scope=row>{escape(name)}</th>{_cell(one.example.get(name, ''))}"
            f"<td class=drawn>{bar(value, greatest, signed=True)}</td>"
            f'<td class="number">{minus(f"{value:+.3g}")}</td></tr>'
        )
    return (
        f"<h3>{say(f'method-{shown.method}')}</h3><table>{''.join(rows)}</table>"
        f'{_checks(one, shown)}<p class="hint">{_to_beat(one, " ")}</p>'
    )


def _cell(text: str) -> str:
    """Return a table cell; short text is never broken."""
    kind = ' class="short"' if len(text) <= _SHORT else ""
    return f"<td{kind}>{escape(text)}</td>"


def _curves(one: Explanation, found: ExplanationSet, identity: str) -> str:
    """Draw the first map's curves: deletion in azure, insertion in cinnabar."""
    shown = one.maps[0]
    # Of a number the share can leave 0 to 100 %: some columns alone can move it further.
    low = min(0.0, float(shown.deletion.min()), float(shown.insertion.min()))
    high = max(1.0, float(shown.deletion.max()), float(shown.insertion.max()))
    chart = Chart(
        (0, 1),
        (low, high),
        both("axis-columns" if found.columns else "axis-pixels"),
        both("axis-probability" if found.class_names else "axis-prediction"),
        x_text=lambda share: percent(share, 0),
        y_text=lambda share: percent(share, 0),
        x_ticks=(0, 0.5, 1),
        y_ticks=(0, 0.5, 1),
        width=380,
        height=230,
    )
    for values, kind in ((shown.deletion, "azure"), (shown.insertion, "cinnabar")):
        chart.line(zip(shown.shares.tolist(), values.tolist(), strict=True), kind)
    keys = legend(("azure", both("check-deletion")), ("cinnabar", both("check-insertion")))
    title = say("curves", method=both(f"method-{shown.method}"))
    return f'<div><h3 id="{identity}">{title}</h3>{chart.svg(identity)}{keys}</div>'


def _probabilities(one: Explanation, found: ExplanationSet) -> str:
    if not len(one.probabilities):
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(found.class_names[place])}</th>"
        f"<td class=drawn>{bar(float(one.probabilities[place]), 1)}</td>"
        f'<td class="number">{percent(one.probabilities[place], 1)}</td></tr>'
        for place in np.argsort(-one.probabilities, kind="stable")[:5]
    )
    return f"<div><h3>{say('probabilities')}</h3><table>{rows}</table></div>"


def _change(one: Explanation, found: ExplanationSet) -> str:
    change = one.counterfactual
    if change is None:
        return ""
    name = found.class_names[change.target]
    if not change.found:
        return f"<div><h3>{say('change-none', name=name)}</h3></div>"
    difference = change_colours(one.example, change.picture)
    facts = (
        say("change-probability", name=name, probability=percent(change.probability, 0)),
        say("change-pixels", n=change.changed),
        say("change-distance", distance=f"{change.distance:.2f}")
        + say("aside", text=both("change-unit")),
    )
    return (
        f'<div><h3>{say("change", name=name)}</h3><div class="row">'
        f"<figure>{_image(change.picture, name)}</figure>"
        f"<figure>{_image(difference, WORDS.plain('difference', 'en'))}</figure></div>"
        f'<p class="hint">{"<br>".join(facts)}</p></div>'
    )


def _near(one: Explanation, found: ExplanationSet) -> str:
    if not one.neighbours:
        return ""
    title = say("nearest")
    if not found.columns:
        title += say("aside", text=both("nearest-caption"))
    else:
        rows = "".join(
            f"<tr><td>{escape(short_name(near.name))}</td><td>{escape(near.label)}</td>"
            f'<td class="number">{number(near.distance, 3)}</td></tr>'
            for near in one.neighbours
        )
        label = say("column-label" if found.class_names else "column-value")
        head = (
            f"<th>{say('column-row')}</th><th>{label}</th>"
            f'<th class="number">{say("column-distance")}</th>'
        )
        return f"<div><h3>{title}</h3><table><tr>{head}</tr>{rows}</table></div>"
    shown = "".join(
        f"<figure>{_image(near.example, near.label)}"
        f"<figcaption>{escape(near.label)} ({number(near.distance, 2)})</figcaption></figure>"
        for near in one.neighbours
    )
    return f'<div><h3>{title}</h3><div class="row">{shown}</div></div>'


def _importance(found: ExplanationSet) -> str:
    if not found.importance:
        return ""
    greatest = max(max(abs(one.mean) for one in found.importance), 1e-12)
    rows = "".join(
        f"<tr><th scope=row>{escape(one.column)}</th>"
        f"<td class=drawn>{bar(one.mean, greatest)}</td>"
        f'<td class="number">{one.text}</td></tr>'
        for one in found.importance[:_MOST_COLUMNS]
    )
    title = say("importance-accuracy" if found.class_names else "importance-mae")
    return f"<section><h2>{title}</h2><table>{rows}</table></section>"


def _image(pixels: NDArray[Any], words: str) -> str:
    image = picture_of(pixels)
    kind = ' class="small"' if max(image.size) <= _PIXELATED else ""
    return f'<img{kind} src="{data_uri(image)}" alt="{escape(words)}">'
