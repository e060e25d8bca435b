"""The report's part on a regression: predictions against true values, and the errors.

Knows the results, not how they were computed.
"""

from __future__ import annotations

import numpy as np

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.report_words import both, figure, say
from danqing.pages.charts import Chart, ticks
from danqing.pages.number_format import number

__all__ = ["residuals"]

_POINTS = 1200
_BINS = 24


def residuals(found: Examination) -> str:
    """Draw predictions against true values, and the distribution of the errors."""
    if found.run.task != "regression":
        return ""
    test = found.test
    places = np.sort(np.random.default_rng(0).permutation(len(test))[:_POINTS])
    truth, predicted = test.labels[places], test.outputs[places].astype(np.float64)
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    room = 0.04 * ((high - low) or 1)
    ends = (low - room, high + room)
    titles = both("axis-truth"), both("axis-prediction")
    scatter = Chart(ends, ends, *titles, x_ticks=ticks(*ends, 4), height=380)
    scatter.line([(low, low), (high, high)], "goal")
    scatter.points(zip(truth.tolist(), predicted.tolist(), strict=True), "azure faint", 3)
    named = (
        ("residuals-scatter", scatter),
        ("residuals-histogram", _histogram(test.outputs - test.labels)),
        ("residuals-predictions", _against_predictions(predicted, predicted - truth)),
    )
    drawn = "".join(figure(key, chart.svg(key), say(key)) for key, chart in named)
    sampled = f"<p class=hint>{say('residuals-sampled', n=f'{_POINTS:,}')}</p>"
    after = sampled if len(test) > _POINTS else ""
    return f'<p>{say("residuals-what")}</p><div class="pair">{drawn}</div>{after}'


def _histogram(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Chart:
    # The outermost hundredth would squeeze all the rest into one bin.
    low, high = np.quantile(errors, [0.005, 0.995])
    reach = float(max(abs(low), abs(high))) or 1.0
    counts, edges = np.histogram(np.clip(errors, -reach, reach), _BINS, (-reach, reach))
    chart = Chart(
        (-reach, reach),
        (0, float(counts.max()) * 1.08),
        both("axis-error"),
        both("axis-count"),
        x_ticks=ticks(-reach, reach, 4),
        height=380,
    )
    for count, start, end in zip(counts.tolist(), edges, edges[1:], strict=False):
        tip = f"{number(float(start), 3)} – {number(float(end), 3)}: {count:,}"
        chart.column(float(start), float(end), count, tip)
    chart.line([(0, 0), (0, float(counts.max()) * 1.08)], "goal")
    return chart


def _against_predictions(
    predicted: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> Chart:
    low, high = float(predicted.min()), float(predicted.max())
    room = 0.04 * ((high - low) or 1)
    reach = float(np.abs(errors).max()) * 1.05 or 1.0
    chart = Chart(
        (low - room, high + room),
        (-reach, reach),
        both("axis-prediction"),
        both("axis-error"),
        x_ticks=ticks(low, high, 4),
        height=380,
    )
    chart.line([(low - room, 0), (high + room, 0)], "goal")
    chart.points(zip(predicted.tolist(), errors.tolist(), strict=True), "cinnabar faint", 3)
    return chart
