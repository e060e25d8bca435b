"""The page's part on a regression: answers against the truth, and what is left over.

Knows what was found, not how.
"""

from __future__ import annotations

import numpy as np

from danqing.evaluation.examination import Examination
from danqing.pages.charts import Chart, ticks
from danqing.pages.words import number, say

__all__ = ["residuals"]

_POINTS = 1200
_BINS = 24


def residuals(found: Examination) -> str:
    """Draw answers against the truth, and the distribution of the errors."""
    if found.run.task != "regression":
        return ""
    test = found.test
    places = np.sort(np.random.default_rng(0).permutation(len(test))[:_POINTS])
    truth, answers = test.labels[places], test.outputs[places].astype(np.float64)
    low, high = float(min(truth.min(), answers.min())), float(max(truth.max(), answers.max()))
    room = 0.04 * ((high - low) or 1)
    ends = (low - room, high + room)
    scatter = Chart(ends, ends, "axis-truth", "axis-answer", x_ticks=ticks(*ends, 4), height=380)
    scatter.line([(low, low), (high, high)], "goal")
    scatter.points(zip(truth.tolist(), answers.tolist(), strict=True), "b faint", 3)
    named = (
        ("residuals-scatter", scatter),
        ("residuals-histogram", _histogram(test.outputs - test.labels)),
        ("residuals-answers", _against_answers(answers, answers - truth)),
    )
    drawn = "".join(
        f"<figure>{chart.svg(key)}<figcaption id={key}>{say(key)}</figcaption></figure>"
        for key, chart in named
    )
    sampled = f"<p class=hint>{say('residuals-sampled', n=f'{_POINTS:,}')}</p>"
    return (
        f'<section id="residuals"><h2>{say("residuals")}</h2><p>{say("residuals-what")}</p>'
        f'<div class="pair">{drawn}</div>{sampled if len(test) > _POINTS else ""}</section>'
    )


def _histogram(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Chart:
    # The outermost hundredth would squeeze all the rest into one bin.
    low, high = np.quantile(errors, [0.005, 0.995])
    reach = float(max(abs(low), abs(high))) or 1.0
    counts, edges = np.histogram(np.clip(errors, -reach, reach), _BINS, (-reach, reach))
    chart = Chart(
        (-reach, reach),
        (0, float(counts.max()) * 1.08),
        "axis-error",
        "axis-count",
        x_ticks=ticks(-reach, reach, 4),
        height=380,
    )
    for count, start, end in zip(counts.tolist(), edges, edges[1:], strict=False):
        tip = f"{number(float(start), 3)} – {number(float(end), 3)}: {count:,}"
        chart.box(float(start), float(end), count, "b", tip)
    chart.line([(0, 0), (0, float(counts.max()) * 1.08)], "goal")
    return chart


def _against_answers(
    answers: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Chart:
    low, high = float(answers.min()), float(answers.max())
    room = 0.04 * ((high - low) or 1)
    reach = float(np.abs(errors).max()) * 1.05 or 1.0
    chart = Chart(
        (low - room, high + room),
        (-reach, reach),
        "axis-answer",
        "axis-error",
        x_ticks=ticks(low, high, 4),
        height=380,
    )
    chart.line([(low - room, 0), (high + room, 0)], "goal")
    chart.points(zip(answers.tolist(), errors.tolist(), strict=True), "a faint", 3)
    return chart
