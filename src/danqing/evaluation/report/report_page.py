"""The report as one self-contained page: its parts in order. Knows no figures."""

from __future__ import annotations

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.classes import behind_the_cells, confusion, each_class
from danqing.evaluation.report.conditions import curves, robustness, slices
from danqing.evaluation.report.examples import label_issues, worst
from danqing.evaluation.report.report_words import WORDS, both, say
from danqing.evaluation.report.residuals import residuals
from danqing.evaluation.report.summary import comparison, heading, verdict
from danqing.evaluation.report.trust import calibration, margins, selection
from danqing.pages.images import Album
from danqing.pages.resources import resource
from danqing.pages.templates import fill, make_page, script_data

__all__ = ["page_of"]

_PACKAGE = "danqing.evaluation.report"
_CARDS = 600_000  # bytes of pictures that are shown at once
_BEHIND = 1_200_000  # bytes of what is behind the cells of the confusion matrix


def page_of(found: Examination) -> str:
    """Return the report as one HTML page.

    It needs no network, shows English or Chinese, light or dark, and can be printed.
    """
    classes = found.run.task == "classification"
    cards = Album(_CARDS)
    parts = {
        "comparison": comparison(found),
        "classes": each_class(found) if classes else "",
        "residuals": residuals(found),
        "confusion": confusion(found) if classes else "",
        "margins": "" if classes else margins(found),
        "calibration": calibration(found),
        "unsure": selection(found),
        "worst": worst(found, cards),
        "label-issues": label_issues(found, cards),
        "robustness": robustness(found),
        "slices": slices(found),
        "curves": curves(found),
        "method": fill(_read("method-classes.html" if classes else "method-numbers.html"), WORDS),
    }
    sections = {
        key: f'<section id="{key}"><h2>{say(key)}</h2>{part}</section>'
        for key, part in parts.items()
        if part
    }
    body = fill(
        _read("body.html"),
        WORDS,
        heading=heading(found),
        verdict=verdict(found),
        sections="\n".join(sections.values()),
    )
    behind = behind_the_cells(found, Album(_BEHIND)) if classes else {}
    links = "".join(f'<li><a href="#{key}">{say(key)}</a></li>' for key in sections)
    return make_page(
        WORDS,
        title=both("title", name=found.dataset.name),
        style=_read("style.css"),
        body=body,
        script=resource("danqing.pages", "number_format.js") + _read("page.js"),
        data=script_data("behind-data", behind),
        contents=f'<details class="contents"><summary>{say("contents")}</summary>'
        f"<nav><ul>{links}</ul></nav></details>",
    )


def _read(name: str) -> str:
    return resource(_PACKAGE, name)
