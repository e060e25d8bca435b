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
from danqing.evaluation.parity import Samples, choose_samples, compare_outputs
from danqing.networks.onnx_graph import to_onnx
from danqing.prediction.session import Session
from danqing.training.prepare_training import TrainingPlan

__all__ = ["ExportedNetwork", "export_network"]

_BATCH = 5000  # examples in memory at once


class ExportedNetwork(NamedTuple):
    """A trained network, ready to be written.

    Attributes
    ----------
    tensors : dict of ndarray
        The weights by name, such as ``conv/kernel``.
    onnx : bytes
        The same network for ONNX Runtime, at its temperature.
    temperature : float
    samples : Samples
        Examples for which both were compared.
    keras_outputs : ndarray
        What Keras predicts for them, at the temperature.
    """

    tensors: dict[str, NDArray[np.float32]]
    onnx: bytes
    temperature: float = 1.0
    samples: Samples = Samples((), "")
    keras_outputs: NDArray[Any] = np.empty(0)


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
    from danqing.networks.build import build, load_tensors, tensors_of
    from danqing.networks.keras_predictions import predict_by_keras

    tensors = tensors_of(model)
    exported = ExportedNetwork(tensors, to_onnx(plan.architecture, plan.preparation, tensors))
    classes = plan.architecture.task == "classification"
    if calibrated and classes:
        temperature = _temperature(plan, Session(exported.onnx))
        architecture = replace(plan.architecture, temperature=temperature)
        onnx = to_onnx(architecture, plan.preparation, tensors)
        exported = ExportedNetwork(tensors, onnx, temperature)
    if plan.architecture.tta_views > 1:
        model = build(plan.architecture, plan.preparation)
        load_tensors(model, tensors)
    target = None if classes else plan.preparation.target
    samples, session = choose_samples(plan.splits), Session(exported.onnx)
    examples = [plan.preparation.encoded(some) for some in samples.examples()]
    expected = np.concatenate(
        [
            predict_by_keras(model, some, target=target, temperature=exported.temperature)
            for some in examples
        ]
    )
    found = np.concatenate([session.predict(some) for some in examples])
    parity = compare_outputs(expected, found, target)
    if not parity["agrees"]:
        raise ParityError(
            "the ONNX network's predictions differ from the trained one's by "
            f"{parity['largest_difference']:.2g}; it is not written. Please report this network: "
            f"{plan.recipe.spec}"
        )
    return exported._replace(samples=samples, keras_outputs=expected)


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
