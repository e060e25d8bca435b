"""How long export and evaluation are going to take, measured before training. Trains nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

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
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401

    validation, test = plan.splits.validation, plan.splits.test
    exporting, exported = _fastest(lambda: export_network(plan, model))
    session, rows = Session(exported.onnx), validation.rows[:_ROWS]
    predicting, _ = _fastest(lambda: session.predict(plan.preparation.encoded(validation.x[rows])))
    # Validation once more by TensorFlow, then validation and test by ONNX Runtime.
    predictions = 2 * len(validation) + len(test)
    return _MARGIN * (exporting + predicting * predictions / len(rows))


def _fastest(work: Callable[[], Result]) -> tuple[float, Result]:
    """Time the fastest of three runs: the first may load things, and others may be at work."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result
