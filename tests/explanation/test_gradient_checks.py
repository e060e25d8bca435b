"""The NumPy network against TensorFlow: every kind of layer, both losses, and regression."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from danqing.explanation.textbook.gradient_checks import AutomaticDifferentiation, scaled_target
from danqing.explanation.textbook.landscape import directions
from danqing.networks.architecture import design
from danqing.networks.build import build, tensors_of
from danqing.networks.losses import loss_and_gradient
from danqing.networks.numpy_network import NumpyNetwork
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import Scaling

SPECS = [
    "conv(3,4,2)-batchnorm-relu-pool-conv(4,3,valid,tanh)-flatten-dense(5,elu)",
    "conv(3,5,3,gelu)-avgpool-conv(4,2,silu)-globalpool-dropout(0.3)-dense(4)-batchnorm-selu",
    "conv(2,3,stride=2,padding=valid)-leaky_relu-pool(3)-dense(4,sigmoid)",
]


def untrained(spec: str, shape: tuple[int, ...], classes: int, **settings: Any) -> Any:
    """What the checks need of a run, its weights random."""
    random = np.random.default_rng(5)
    channels = shape if len(shape) == 1 else shape[-1:]
    preparation = Preparation(
        Scaling("feature", random.normal(size=channels), random.uniform(0.5, 2, channels)),
        target=(3.0, 2.5),
    )
    architecture = design(spec, shape, classes)
    tensors = tensors_of(build(architecture, preparation, seed=1))
    for name, tensor in tensors.items():
        if name.endswith("variance"):
            tensors[name] = random.uniform(0.5, 2, tensor.shape).astype(np.float32)
        elif tensor.ndim == 1:
            tensors[name] = random.normal(size=tensor.shape).astype(np.float32)
    config = {"loss": "cross-entropy", "label_smoothing": 0.1, **settings}
    run = SimpleNamespace(
        config=config, tensors=tensors, preparation=preparation,
        task="classification" if classes else "regression",
    )  # fmt: skip
    return run, NumpyNetwork(architecture, preparation, tensors)


CASES = [
    *[(spec, (17, 14, 2), 3, {}) for spec in SPECS],
    (SPECS[0], (17, 14, 2), 3, {"loss": "mean-squared-error"}),
    ("dense(6,tanh)-dense(5)", (4,), 0, {}),
    ("dense(6)", (4,), 3, {"label_smoothing": 0.0}),
]


@pytest.mark.parametrize(("spec", "shape", "classes", "settings"), CASES)
def test_forward_and_backward_agree_with_tensorflow(
    spec: str, shape: tuple[int, ...], classes: int, settings: dict[str, Any]
) -> None:
    run, network = untrained(spec, shape, classes, **settings)
    differentiate = AutomaticDifferentiation(run, network)
    random = np.random.default_rng(0)
    for target in (0, 1):
        example = random.normal(size=(1, *shape)).astype(np.float32)
        targets = scaled_target(run, target)
        outputs = network.outputs(example)
        loss, at_logits = loss_and_gradient(
            run.config["loss"], outputs[-2], targets, run.config["label_smoothing"]
        )
        by_output, by_weight = network.gradients(outputs, at_logits)
        true_loss, true_by_output, true_by_weight = differentiate(example, targets)
        assert loss[0] == pytest.approx(true_loss, rel=1e-6)
        assert set(by_weight) == set(true_by_weight)
        # TensorFlow's inputs are scaled in float32's numbers, ours in float64's.
        for ours, theirs in zip(by_output, true_by_output, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())
        for name, theirs in true_by_weight.items():
            atol = 1e-6 * np.abs(theirs).max()
            np.testing.assert_allclose(by_weight[name], theirs, rtol=1e-5, atol=atol)


def test_directions_are_as_long_as_the_filters() -> None:
    _, network = untrained(SPECS[0], (17, 14, 2), 3)
    first, second = directions(network.tensors)
    for name in first:
        kernel = network.tensors[name]
        axes = tuple(range(kernel.ndim - 1))
        for direction in (first, second):
            lengths = np.sqrt((direction[name] ** 2).sum(axes))
            np.testing.assert_allclose(lengths, np.sqrt((kernel**2).sum(axes)), rtol=1e-4)
        assert not np.allclose(first[name], second[name])
