"""The report's parts on confidence: calibration, selective prediction, prediction intervals.

Knows the results, not how they were computed.
"""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from danqing.evaluation.calibration import BINS, reliability
from danqing.evaluation.confidence import confidence_of, untempered
from danqing.evaluation.examination import Examination
from danqing.evaluation.report.report_words import both, figure, say, table
from danqing.evaluation.selection import risk_coverage
from danqing.pages.charts import Chart, legend, ticks
from danqing.pages.number_format import coverage_text, interval, number, percent

__all__ = ["calibration", "margins", "selection"]

_POINTS = 300  # of a curve


def calibration(found: Examination) -> str:
    """Show how well confidence and accuracy agree, before and after temperature scaling."""
    known = found.calibration
    if known is None or found.run.task == "regression":
        return ""
    temperature = known["temperature"]
    if temperature == 1:
        fitted = say("temperature-none")
    else:
        direction = "near" if 0.9 < temperature < 1.1 else "over" if temperature > 1 else "under"
        fitted = say(f"temperature-{direction}", temperature=number(temperature, 3))
    caption = say("calibration-caption", bins=_bins(found)) + _legend(known)
    drawn = _diagram(found).svg("calibration-caption")
    return (
        f"<p>{say('calibration-what', bins=BINS)}</p><p>{fitted}</p>{_table(known)}"
        f"{figure('calibration-caption', drawn, caption, 'wide')}"
    )


def selection(found: Examination) -> str:
    """Show risk against coverage, and the confidence below which a prediction is unsure."""
    if found.run.task == "regression":
        return ""
    confidence, right = confidence_of(found.test)
    coverage, risk = risk_coverage(confidence, right)
    chosen = (found.calibration or {}).get("selection")
    top = max(float(risk.max()), 1e-3)
    if len(risk) > 20:
        # At the lowest coverage the risk jumps: one mistake in three predictions is no third.
        top = float(max(risk[coverage > 0.05].max(), risk[-1], 1e-3))
    if chosen is not None:
        top = max(top, min(chosen["risk"], 4 * top))
    chart = Chart(
        (0, 1),
        (0, top * 1.2),
        both("axis-coverage"),
        both("axis-risk"),
        x_text=lambda share: percent(share, 0),
        y_text=lambda share: percent(share, 1 if top > 0.02 else 2),
    )
    kept = np.unique(np.linspace(0, len(risk) - 1, min(_POINTS, len(risk))).astype(int))
    inside = kept[risk[kept] <= top * 1.2]
    chart.line(zip(coverage[inside].tolist(), risk[inside].tolist(), strict=True), "azure")
    if chosen is not None and chosen["risk"] <= top * 1.2:
        chart.line([(0, chosen["risk"]), (1, chosen["risk"])], "goal")
        chart.note(0.1, chosen["risk"], both("note-asked"))
    caption = say("unsure-caption")
    at = (chosen or {}).get("test")
    if at is not None and at["given"]:
        caption += say("unsure-caption-dot")
        chart.points([(at["coverage"], at["risk"])], "cinnabar", 5)
    caption = f'<span class="sentences">{caption}</span>'
    drawn = figure("unsure-caption", chart.svg("unsure-caption"), caption, "wide")
    return f"<p>{say('unsure-what')}</p>{_choice(chosen)}{drawn}"


def margins(found: Examination) -> str:
    """Show how wide a prediction interval has to be."""
    known = found.calibration
    if known is None:
        return ""
    rows = ""
    for line in known["margins"]:
        cells = f"<td colspan=2>{say('margin-too-few')}</td>"
        if line["margin"] is not None:
            cells = (
                f"<td>± {number(line['margin'])}</td><td>{percent(line['covered'], 1)}"
                f"<small>{interval(line['covered_ci95'], lambda v: percent(v, 1))}</small></td>"
            )
        rows += f"<tr><th scope=row>{percent(line['level'], 0)}</th>{cells}</tr>"
    heads = map(say, ("column-nominal", "column-margin", "column-observed"))
    return f"<p>{say('margins-what')}</p>{table(heads, rows, 'figures narrow')}"


def _table(known: dict[str, Any]) -> str:
    rows = ""
    for subset in ("validation", "test"):
        for when in ("before", "after"):
            one = (known[when] or {}).get(subset)
            if one:
                chance = say("by-chance", ends=interval(one["ece_if_perfect"]))
                rows += (
                    f"<tr><th scope=row>{say(f'calibration-{subset}-{when}')}</th>"
                    f"<td>{percent(one['ece'])}<small>{chance}</small></td>"
                    f"<td>{number(one['nll'])}</td><td>{number(one['brier'])}</td></tr>"
                )
    heads = map(say, ("column-ece", "column-nll", "column-brier"))
    return table(("", *heads), rows, "figures")


def _diagram(found: Examination) -> Chart:
    confidence, right = confidence_of(found.test)
    before = untempered(found.run, found.test.outputs).max(axis=1).astype(np.float64)
    curves = [("cinnabar", reliability(before, right, _bins(found)))]
    if found.run.temperature != 1:
        curves.append(("azure", reliability(confidence, right, _bins(found))))
    least = min(min(b["confidence"], b["accuracy"]) for _, bins in curves for b in bins)
    step = 100 if least > 0.95 else 20
    low = max(0.0, floor(least * step - 0.5) / step)
    few = ticks(low, 1, 4)
    digits = 0 if all(round(x * 100, 6) % 1 == 0 for x in few) else 1
    chart = Chart(
        (low, 1),
        (low, 1),
        both("axis-confidence"),
        both("axis-accuracy"),
        x_text=lambda share: percent(share, digits),
        y_text=lambda share: percent(share, digits),
        x_ticks=few,
    )
    chart.line([(low, low), (1, 1)], "goal")
    middle = low + (1 - low) * 0.6
    chart.note(middle, middle, both("note-perfect"), "end", -4)
    for kind, bins in curves:
        for one in bins:
            chart.whisker(one["confidence"], max(one["low"], low), one["high"], kind)
        chart.points(
            [(one["confidence"], one["accuracy"]) for one in bins],
            kind,
            tips=[
                f"{percent(one['confidence'])} → {percent(one['accuracy'])} (n = {one['n']:,})"
                for one in bins
            ],
        )
    return chart


def _bins(found: Examination) -> int:
    """Return the number of bins: with only two rows each, the intervals would say nothing."""
    return min(BINS, max(2, len(found.test) // 20))


def _legend(known: dict[str, Any]) -> str:
    keys = [("cinnabar", both("legend-before"))]
    if known["temperature"] != 1:
        keys.append(("azure", both("legend-after")))
    return legend(*keys)


def _choice(chosen: dict[str, Any] | None) -> str:
    if chosen is None:
        return f"<p>{say('unsure-unknown')}</p>"
    asked = percent(chosen["risk"], 1)
    if chosen["unsure_below"] is None:
        everything = (chosen.get("all") or {}).get("bound", 1.0)
        return (
            f'<p class="result">{say("unsure-impossible", risk=asked)}</p><p>'
            + say(
                "unsure-least",
                n=f"{chosen['n']:,}",
                least=percent(chosen["least"], 2),
                everything=percent(everything, 2),
            )
            + "</p>"
        )
    test = chosen["test"]
    sentence = say("unsure-below", at=f"{chosen['unsure_below']:.4f}", risk=asked)
    promise = say(
        "unsure-promise",
        n=f"{chosen['n']:,}",
        given=f"{chosen['given']:,}",
        wrong=f"{chosen['wrong']:,}",
        bound=percent(chosen["bound"]),
    )
    measured = say(
        "unsure-test",
        n=f"{test['n']:,}",
        coverage=coverage_text(test["coverage"]),
        wrong=f"{test['wrong']:,}",
        given=f"{test['given']:,}",
        risk="–" if test["risk"] is None else percent(test["risk"]),
        ends=interval(test["risk_ci95"]),
    )
    return f'<p class="result">{sentence}</p><p>{promise}</p><p>{measured}</p>'
