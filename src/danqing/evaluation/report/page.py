"""The page: its parts in order, in one file that needs nothing else. Knows no figures."""

from __future__ import annotations

import json
from html import escape
from string import Template

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.classes import behind_the_cells, confusion, each_class
from danqing.evaluation.report.conditions import curves, robustness, slices
from danqing.evaluation.report.examples import label_issues, worst
from danqing.evaluation.report.residuals import residuals
from danqing.evaluation.report.summary import comparison, heading, title_of, verdict
from danqing.evaluation.report.trust import calibration, margins, selection
from danqing.pages.images import Album
from danqing.pages.words import resource, say

__all__ = ["page_of"]

_CARDS = 600_000  # bytes of pictures that are shown at once
_BEHIND = 1_200_000  # bytes of what is behind the cells of the confusion matrix


def page_of(found: Examination) -> str:
    """Put what was found into one HTML page.

    It needs no network, shows English or Chinese, light or dark, and can be printed.
    """
    classes = found.run.task == "classification"
    cards = Album(_CARDS)
    sections = [
        comparison(found),
        each_class(found) if classes else residuals(found),
        confusion(found) if classes else margins(found),
        calibration(found),
        selection(found),
        worst(found, cards),
        label_issues(found, cards),
        robustness(found),
        slices(found),
        curves(found),
    ]
    behind = behind_the_cells(found, Album(_BEHIND)) if classes else {}
    named = [
        (section.partition('id="')[2].partition('"')[0], section) for section in sections if section
    ]
    links = "".join(
        f'<li><a href="#{name}">{say(name)}</a></li>' for name in [*(n for n, _ in named), "method"]
    )
    return Template(resource("template.html")).substitute(
        title=escape(title_of(found)),
        style=resource("style.css"),
        choices=resource("choices.js"),
        script=resource("page.js"),
        # "</script>" in a class name would end the script.
        behind=json.dumps(behind, ensure_ascii=False).replace("<", "\\u003c"),
        heading=heading(found),
        verdict=verdict(found),
        links=links,
        sections="\n".join(section for _, section in named),
        method=resource("method-classes.html" if classes else "method-numbers.html"),
        skip=say("skip"),
        contents=say("contents"),
        language=say("other-language"),
        theme=say("theme"),
        close=say("close"),
        method_title=say("method"),
        behind_title=say("behind-title"),
        behind_shown=say("behind-shown"),
        footer=say("footer"),
    )
