"""How long export and evaluation are going to take, measured before training. Trains nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from danqing.evaluation.calibration import fit_temperature
from danqing.evaluation.parity import seconds_to_compare_raw
from danqing.prediction.session import Session
from danqing.training.export import export_network
from danqing.training.prepare_training import TrainingPlan

__all__ = ["measure_finish"]

_MARGIN = 1.1  # the real thing may take a little longer
_ROWS = 500

Result = TypeVar("Result")


def measure_finish(plan: TrainingPlan, model: Any) -> float:
    """Export the untrained model and predict with it, to know what time to reserve for that.

    Returns
    -------
    float
        Seconds that validation, export and evaluation take after the last step.
    """
    # Imports that would be slow the first time only.
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401

    validation, test = plan.splits.validation, plan.splits.test
    some = replace(validation, rows=validation.rows[:_ROWS])
    few = replace(plan, splits=replace(plan.splits, validation=some))
    exporting, exported = _fastest(lambda: export_network(few, model))
    session, examples = Session(exported.onnx), some.x[some.rows]
    predicting, outputs = _fastest(lambda: session.predict(plan.preparation.encoded(examples)))
    # Validation once more by TensorFlow, then validation, test and samples by ONNX Runtime; for
    # classes, validation for the temperature, too, but for what was measured with the export.
    samples = exported.samples
    predictions, fit_seconds = 2 * len(validation) + len(test) + len(samples), 0.0
    more = len(validation) - len(some)
    if plan.architecture.task == "classification":
        fit_seconds, _ = _fastest(lambda: fit_temperature(outputs, some.labels))
        predictions += more
    computing = (predicting * predictions + fit_seconds * more) / len(some)
    return _MARGIN * (exporting + computing + seconds_to_compare_raw(plan.preparation, samples))


def _fastest(work: Callable[[], Result]) -> tuple[float, Result]:
    """Time the fastest of three runs: the first may load things, and others may be at work."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result
