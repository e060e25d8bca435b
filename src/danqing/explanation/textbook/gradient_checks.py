"""The textbook's numbers, checked against three other computations of them.

These are automatic differentiation in TensorFlow (float64), central finite differences, and ONNX
Runtime, by which the run predicts. Knows no page.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import keras, tf
from danqing.networks.build import build, load_tensors
from danqing.networks.losses import loss_and_gradient, row_losses
from danqing.networks.numpy_network import NumpyNetwork
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["AutomaticDifferentiation", "check", "loss_of", "scaled_target"]

# Of finite differences. With the first, the errors of rounding and of curvature are both small; a
# shorter step is needed where a ReLU's corner lies within it and bends the loss.
_STEPS = (1e-5, 1e-6, 1e-7)
_CURVATURE = 1e-3
# Errors are relative to no less than this, or they would measure rounding: near certainty all
# gradients vanish, and the loss's last digit, divided by the step, is 1e-11.
_LEAST, _LEAST_SLOPE = 1e-12, 1e-6
_WEIGHTS = 3  # of each tensor, those with the largest gradients


def scaled_target(run: RunFolder, target: float) -> NDArray[Any]:
    """Give a target as the loss takes it, shape (1,): a class, or a standardised number."""
    if run.task == "classification":
        return np.array([int(target)])
    mean, scale = run.preparation.target
    return np.array([(target - mean) / scale])


def loss_of(
    run: RunFolder, outputs: list[NDArray[np.float64]], targets: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute each row's loss, as the run was trained with, and its gradient by the logits.

    Parameters
    ----------
    run : RunFolder
    outputs : list of ndarray
        Those of `NumpyNetwork.outputs`.
    targets : ndarray, shape (n,)
        As `scaled_target` gives them.
    """
    smoothing = run.config.get("label_smoothing", 0.0)
    return loss_and_gradient(run.config["loss"], outputs[-2], targets, smoothing)


class AutomaticDifferentiation:
    """Loss and gradients by TensorFlow, in float64 (Abadi et al. 2016, "TensorFlow").

    Parameters
    ----------
    run : RunFolder
    network : NumpyNetwork
        Of which only architecture and preparation are used: Keras builds the network anew.
    """

    def __init__(self, run: RunFolder, network: NumpyNetwork) -> None:
        with _double_precision():
            model = build(network.architecture, network.preparation)
            load_tensors(model, run.tensors)
            outputs = [layer.output for layer in model.layers[1:]]
            self._model = keras.Model(model.inputs, outputs)
        self._weights = {
            f"{layer.name}/{weight.name}": weight
            for layer in model.layers
            for weight in layer.trainable_weights
        }
        self._loss = run.config["loss"]
        self._smoothing = run.config.get("label_smoothing", 0.0)

    def __call__(
        self, examples: NDArray[Any], targets: NDArray[Any]
    ) -> tuple[float, list[NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
        """Give one example's loss, and its gradient by each output and by each weight.

        The outputs are those of `NumpyNetwork.outputs` but the last.
        """
        with tf.GradientTape(persistent=True) as tape:
            examples = tf.constant(examples, tf.float64)
            tape.watch(examples)
            values = self._model(examples, training=False)
            loss = row_losses(self._loss, values[-2], targets, self._smoothing)[0]
        by_output = [tape.gradient(loss, value).numpy() for value in values[:-1]]
        by_weight = tape.gradient(loss, self._weights)
        return float(loss), by_output, {name: g.numpy() for name, g in by_weight.items()}


def check(
    run: RunFolder,
    predictor: Predictor,
    network: NumpyNetwork,
    differentiate: AutomaticDifferentiation,
    examples: NDArray[Any],
    target: float,
) -> dict[str, Any]:
    """Compare one example's loss, gradients and prediction with the other computations.

    A tensor's error is the largest absolute difference, relative to the tensor's largest absolute
    value (but no less than a bound, where all values nearly vanish); the loss's is relative to it.

    Returns
    -------
    dict
        ``loss``; ``layers``: of each layer but the last its ``name``, the largest gradient
        ``by_output`` and ``by_weight``, and its errors against automatic differentiation
        (``autodiff``) and finite differences (``finite``; None without weights); ``autodiff``,
        ``finite`` and ``onnx``: the worst of all.
    """
    targets = scaled_target(run, target)
    outputs = network.outputs(examples)
    loss, at_logits = loss_of(run, outputs, targets)
    by_output, by_weight = network.gradients(outputs, at_logits)
    true_loss, true_by_output, true_by_weight = differentiate(examples, targets)
    layers: list[dict[str, Any]] = []
    for number, layer in enumerate(network.architecture.layers[:-1], 1):
        names = [name for name in by_weight if name.startswith(f"{layer.name}/")]
        errors = [_error(by_output[number], true_by_output[number])]
        errors += [_error(by_weight[name], true_by_weight[name]) for name in names]
        finite = [
            _finite_error(run, network, examples, targets, name, by_weight[name]) for name in names
        ]
        layers.append(
            {
                "name": layer.name,
                "by_output": float(np.abs(true_by_output[number]).max()),
                "by_weight": float(np.abs(true_by_weight[names[0]]).max()) if names else None,
                "autodiff": max(errors),
                "finite": max(finite) if finite else None,
            }
        )
    shipped = np.asarray(predictor.predict_encoded(examples), np.float64).reshape(-1)
    return {
        "loss": true_loss,
        "layers": layers,
        "autodiff": max(
            abs(float(loss[0]) - true_loss) / max(abs(true_loss), 1e-12),
            *(layer["autodiff"] for layer in layers),
        ),
        "finite": max(layer["finite"] for layer in layers if layer["finite"] is not None),
        "onnx": _error(outputs[-1].reshape(-1), shipped),
    }


def _finite_error(
    run: RunFolder,
    network: NumpyNetwork,
    examples: NDArray[Any],
    targets: NDArray[Any],
    name: str,
    gradient: NDArray[np.float64],
) -> float:
    """Move the weights with the largest gradients up and down, and compare the slopes."""

    def loss_with(place: int, nudge: float) -> float:
        tensor = network.tensors[name].copy()
        tensor.flat[place] += nudge
        nudged = network.with_tensors({name: tensor})
        return float(loss_of(run, nudged.outputs(examples), targets)[0][0])

    middle = loss_with(0, 0.0)
    worst = 0.0
    for place in np.argsort(-np.abs(gradient), axis=None)[:_WEIGHTS].tolist():
        for step in _STEPS:
            up, down = loss_with(place, step), loss_with(place, -step)
            if abs(up - 2 * middle + down) <= _CURVATURE * abs(up - down):
                break
        worst = max(worst, abs((up - down) / (2 * step) - float(gradient.flat[place])))
    return worst / max(float(np.abs(gradient).max()), _LEAST_SLOPE)


def _error(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    return float(np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), _LEAST))


@contextmanager
def _double_precision() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
