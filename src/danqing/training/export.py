"""A trained Keras model becomes what a run keeps: weights by name, and an ONNX network.

Both are compared before anything is kept. Writes no file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from danqing.errors import ParityError
from danqing.networks.onnx_graph import to_onnx
from danqing.prediction.session import Session
from danqing.training.prepare_training import TrainingPlan

__all__ = ["ExportedNetwork", "export_network"]

_PARITY_ROWS = 500  # of the validation set
_TOLERANCE = 1e-4  # of a probability, or of a number in its target's scale


class ExportedNetwork(NamedTuple):
    """Weights by name, such as ``conv/kernel``, and the same network for ONNX Runtime."""

    tensors: dict[str, NDArray[np.float32]]
    onnx: bytes


def export_network(plan: TrainingPlan, model: Any) -> ExportedNetwork:
    """Export a trained model, and compare the ONNX network's predictions with its own.

    Parameters
    ----------
    plan : TrainingPlan
    model : keras.Model
        Built from ``plan.trained_architecture``.

    Raises
    ------
    ParityError
        If they differ.
    """
    from danqing.networks.build import build, load_tensors, tensors_of

    tensors = tensors_of(model)
    exported = ExportedNetwork(tensors, to_onnx(plan.architecture, plan.preparation, tensors))
    validation = plan.splits.validation
    examples = plan.preparation.encoded(validation.x[validation.rows[:_PARITY_ROWS]])
    if plan.architecture.tta_views > 1:
        model = build(plan.architecture, plan.preparation)
        load_tensors(model, tensors)
    expected = np.asarray(model(examples.astype(np.float32), training=False))
    difference = np.abs(Session(exported.onnx).predict(examples) - expected).max()
    mean, scale = plan.preparation.target
    if not difference <= _TOLERANCE * (abs(mean) + scale):
        raise ParityError(
            f"the ONNX network's predictions differ from the trained one's by {difference:.2g}; "
            f"it is not written. Please report this network: {plan.recipe.spec}"
        )
    return exported
