"""A trained Keras model becomes what a run keeps: weights, a temperature, an ONNX network.

The ONNX network is compared with the Keras model before anything is kept. Writes no file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from danqing.errors import ParityError
from danqing.evaluation.calibration import fit_temperature
from danqing.networks.onnx_graph import to_onnx
from danqing.networks.temperature import scale_temperature
from danqing.prediction.session import Session
from danqing.training.prepare_training import TrainingPlan

__all__ = ["ExportedNetwork", "export_network"]

_PARITY_ROWS = 500  # of the validation set
_BATCH = 5000  # examples in memory at once
_TOLERANCE = 1e-4  # of a probability, or of a number in standard deviations of its target


class ExportedNetwork(NamedTuple):
    """Weights by name, such as ``conv/kernel``, and the same network for ONNX Runtime.

    The temperature is part of the latter.
    """

    tensors: dict[str, NDArray[np.float32]]
    onnx: bytes
    temperature: float = 1.0


def export_network(plan: TrainingPlan, model: Any, *, calibrated: bool = True) -> ExportedNetwork:
    """Export a trained model, and compare the ONNX network's predictions with its own.

    Parameters
    ----------
    plan : TrainingPlan
    model : keras.Model
        Built from ``plan.trained_architecture``.
    calibrated : bool
        Whether a classifier's temperature is fitted to the validation set; otherwise it is 1.

    Raises
    ------
    ParityError
        If they differ.
    """
    from danqing.networks.build import build, load_tensors, logits_of, tensors_of

    tensors = tensors_of(model)
    exported = ExportedNetwork(tensors, to_onnx(plan.architecture, plan.preparation, tensors))
    if calibrated and plan.architecture.task == "classification":
        temperature = _temperature(plan, Session(exported.onnx))
        architecture = replace(plan.architecture, temperature=temperature)
        onnx = to_onnx(architecture, plan.preparation, tensors)
        exported = ExportedNetwork(tensors, onnx, temperature)
    validation = plan.splits.validation
    examples = plan.preparation.encoded(validation.x[validation.rows[:_PARITY_ROWS]])
    if plan.architecture.tta_views > 1:
        model = build(plan.architecture, plan.preparation)
        load_tensors(model, tensors)
    mean, scale = plan.preparation.target
    predicted = Session(exported.onnx).predict(examples)
    if plan.architecture.task == "regression":
        # Keras computes in float32: compared are the numbers before the offset is added.
        model, predicted = logits_of(model), (predicted - mean) / scale
    expected = np.asarray(model(examples.astype(np.float32), training=False))
    if exported.temperature != 1:
        expected = scale_temperature(expected, exported.temperature)
    difference = np.abs(predicted - expected).max()
    if not difference <= _TOLERANCE:
        raise ParityError(
            f"the ONNX network's predictions differ from the trained one's by {difference:.2g}; "
            f"it is not written. Please report this network: {plan.recipe.spec}"
        )
    return exported


def _temperature(plan: TrainingPlan, session: Session) -> float:
    """Fit the temperature of a network that has none yet to the rows held out from training."""
    validation, train = plan.splits.validation, plan.splits.train
    rows = validation.rows
    if validation.x is train.x:
        # An estimator with a few dozen rows has none to spare, and validates on those it trains on.
        rows = rows[~np.isin(rows, train.rows)]
    if not len(rows):
        return 1.0
    outputs = [
        session.predict(plan.preparation.encoded(validation.x[rows[start : start + _BATCH]]))
        for start in range(0, len(rows), _BATCH)
    ]
    return fit_temperature(np.concatenate(outputs), validation.y[rows])
