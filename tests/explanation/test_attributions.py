"""Attributions against independent references: finite differences, closed forms, plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from danqing.errors import RecipeError
from danqing.evaluation.confidence import untempered
from danqing.explanation.attributions.baselines import baselines_for, has_black_background
from danqing.explanation.attributions.gradients import (
    gradients,
    integrated_gradients,
    smooth_gradients,
)
from danqing.explanation.attributions.load_network import load_network
from danqing.explanation.attributions.methods import METHODS, attribute, methods_for
from danqing.explanation.attributions.windows import grad_cam, occlusion
from danqing.networks.build import tensors_of
from danqing.networks.tensorflow_network import TensorFlowNetwork, randomise
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

Make = Callable[..., TensorFlowNetwork]
SMOOTH = "conv(4,3,stride=2)-tanh-dense(6,tanh)"
KINKED = "conv(6,3)-batchnorm-relu-pool-conv(8,3)-dense(12)"


def pictures(count: int, seed: int = 0, side: int = 12) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (count, side, side, 1)).astype(np.float32)
    x[:, [0, -1]] = x[:, :, [0, -1]] = 0
    return x


def test_scores_are_the_logits_of_what_ships_without_its_temperature(run: RunFolder, small) -> None:
    network = load_network(run)
    x = small.x_test[:20].astype(np.float32)
    scores = np.stack([network.scores(x, np.full(20, c)) for c in range(10)], axis=1)
    probabilities = untempered(run, Predictor(run).predict_examples(x)).astype(np.float64)
    np.testing.assert_allclose(scores, np.log(probabilities / (1 - probabilities)), atol=2e-3)


def test_gradient_agrees_with_finite_differences(untrained: Make) -> None:
    network, x = untrained(SMOOTH), pictures(2)
    targets = np.array([0, 2])
    found = gradients(network, x, targets)
    random, step = np.random.default_rng(1), 2.0
    for _ in range(5):
        direction = random.standard_normal(x.shape).astype(np.float32)
        up, down = (network.scores(x + s * step * direction, targets) for s in (1, -1))
        numeric = (up.astype(np.float64) - down) / (2 * step)
        analytic = (found.astype(np.float64) * direction).reshape(2, -1).sum(axis=1)
        np.testing.assert_allclose(numeric, analytic, atol=2e-2 * np.abs(found).max() * 12)


def test_integrated_gradients_of_a_linear_network_are_its_weights_times_the_input(
    untrained: Make,
) -> None:
    network = untrained("dense(3,linear)", (5,), classes=2)
    tensors = tensors_of(network.model)
    # Of two classes, the logit of a probability is the difference of the two.
    weights = (tensors["dense/kernel"] @ tensors["output/kernel"]).astype(np.float64) / 80
    weights = weights - weights[:, ::-1]
    random = np.random.default_rng(2)
    x, baselines = random.uniform(0, 255, (2, 4, 5)).astype(np.float32)
    targets = np.array([0, 1, 1, 0])
    found = integrated_gradients(network, x, baselines, targets)
    np.testing.assert_allclose(
        found.values, (x - baselines) * weights[:, targets].T, rtol=1e-4, atol=1e-5
    )
    assert (found.steps == 64).all()


@pytest.mark.parametrize("spec", [SMOOTH, KINKED])
def test_integrated_gradients_are_complete(untrained: Make, spec: str) -> None:
    network, x = untrained(spec), pictures(30)
    targets = np.arange(30) % 3
    baselines = np.zeros_like(x)
    found = integrated_gradients(network, x, baselines, targets)
    truth = network.scores(x, targets).astype(np.float64) - network.scores(baselines, targets)
    np.testing.assert_allclose(found.differences, truth, atol=1e-5)
    sums = found.values.reshape(30, -1).astype(np.float64).sum(axis=1)
    gaps = np.abs(sums - truth) / np.maximum(np.abs(truth), 0.1)
    np.testing.assert_allclose(gaps, found.gaps, atol=1e-4)
    assert (gaps <= 0.0101).all()


def test_steps_are_doubled_only_where_needed(untrained: Make) -> None:
    network, x = untrained(KINKED), pictures(30)
    few = integrated_gradients(network, x, np.zeros_like(x), np.arange(30) % 3, steps=2)
    assert len(set(few.steps)) > 1
    assert (few.gaps <= 0.01).all()
    once = integrated_gradients(
        network, x, np.zeros_like(x), np.arange(30) % 3, steps=2, tolerance=np.inf
    )
    assert (once.steps == 2).all()


def test_batches_do_not_matter(untrained: Make) -> None:
    network, x = untrained(KINKED), pictures(5)
    targets = np.array([0, 1, 2, 0, 1])
    for method in methods_for(network):
        together = attribute(method, network, x, np.zeros_like(x), targets)
        assert together.shape == (5, 12, 12)
        alone = [
            attribute(method, network, x[[i]], np.zeros_like(x[[i]]), targets[[i]])[0]
            for i in range(5)
        ]
        np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-5 + 1e-4 * together.std())


def test_regression_attributes_the_number(untrained: Make) -> None:
    network = untrained("dense(6,tanh)", (4,), classes=0)
    x = np.random.default_rng(0).uniform(0, 200, (6, 4)).astype(np.float32)
    targets = np.zeros(6, int)
    found = integrated_gradients(network, x, np.full_like(x, 60), targets)
    numbers = np.asarray(network.model(x))[:, 0] - np.asarray(network.model(x * 0 + 60))[:, 0]
    np.testing.assert_allclose(found.values.sum(axis=1), numbers, atol=0.01 * np.ptp(numbers))
    assert network.unit == 2.0


def test_smoothgrad_is_the_mean_of_gradients(untrained: Make) -> None:
    network, x = untrained(SMOOTH), pictures(2)
    targets = np.array([1, 2])
    plain = gradients(network, x, targets)
    np.testing.assert_allclose(
        smooth_gradients(network, x, targets, noise=0.0), plain, rtol=1e-4, atol=1e-7
    )
    many = smooth_gradients(network, x, targets, samples=800, noise=0.1)
    random = np.random.default_rng(5)
    noise = 0.1 * np.ptp(x[0]) * random.standard_normal((800, *x.shape[1:])).astype(np.float32)
    expected = gradients(network, x[0] + noise, np.full(800, 1)).mean(axis=0)
    assert np.abs(many[0] - expected).max() < 0.15 * np.abs(expected).max()
    other = smooth_gradients(network, x, targets, seed=1)
    assert not np.array_equal(other, smooth_gradients(network, x, targets))


def test_grad_cam_in_closed_form(untrained: Make) -> None:
    # Global pooling and a linear layer: the gradient by a channel's places is weight / places.
    network = untrained("conv(5,3,stride=3,padding=valid)-relu-globalpool", classes=2)
    assert network.conv_layer == "relu"
    x = pictures(3)
    targets = np.array([0, 1, 1])
    found = grad_cam(network, x, targets)
    inner = np.asarray(network.conv_and_outputs(x)[0]).astype(np.float64)
    weights = tensors_of(network.model)["output/kernel"].astype(np.float64)
    weights = weights - weights[:, ::-1]
    places = inner.shape[1] * inner.shape[2]
    for row in range(3):
        expected = np.maximum((inner[row] * weights[:, targets[row]] / places).sum(axis=-1), 0)
        # Bilinear enlarging keeps the range, and nearly the mean.
        assert found[row].min() >= 0
        assert found[row].max() <= expected.max() * 1.001
        assert found[row].mean() == pytest.approx(expected.mean(), rel=0.1, abs=1e-5)


def test_grad_cam_layer_is_the_last_with_places(untrained: Make) -> None:
    assert untrained("conv(4,3)-pool-conv(4,3)-dropout-flatten-dense(4)").conv_layer == "relu_2"
    assert untrained("conv(4,3)-pool-globalpool").conv_layer == "pool"
    assert untrained("dense(4)").conv_layer == ""
    with pytest.raises(RecipeError, match="convolutions"):
        grad_cam(untrained("dense(4)"), pictures(1), np.array([0]))


def test_occlusion_by_hand(untrained: Make) -> None:
    network, x = untrained(KINKED), pictures(1)
    found = occlusion(network, x, np.zeros_like(x), np.array([1]))
    whole = network.scores(x, np.array([1]))[0]
    falls, covered = np.zeros((12, 12)), np.zeros((12, 12))
    for top in range(11):
        for left in range(11):
            hidden = x.copy()
            hidden[0, top : top + 2, left : left + 2] = 0
            falls[top : top + 2, left : left + 2] += (
                whole - network.scores(hidden, np.array([1]))[0]
            )
            covered[top : top + 2, left : left + 2] += 1
    np.testing.assert_allclose(found[0], falls / covered, atol=1e-4)


def test_baselines(untrained: Make) -> None:
    x = pictures(2)
    x[1] = 255 - x[1]
    assert has_black_background(x).tolist() == [True, False]
    baselines = baselines_for(x, untrained("dense(4)").preparation)
    assert (baselines[0] == 0).all()
    assert (baselines[1] == 60).all()


def test_randomise_draws_all_weights_anew(untrained: Make) -> None:
    network = untrained(KINKED)
    before = {name: value.copy() for name, value in tensors_of(network.model).items()}
    x, targets = pictures(1), np.array([0])
    scores = network.scores(x, targets)
    randomise(network, 7)
    after = tensors_of(network.model)
    assert all(not np.array_equal(before[name], after[name]) for name in before if "kernel" in name)
    assert network.scores(x, targets) != scores, "the compiled graph sees the new weights"


def test_unknown_method(untrained: Make) -> None:
    x = pictures(1)
    with pytest.raises(RecipeError, match="expected one of"):
        attribute("tea-leaves", untrained("dense(4)"), x, x, np.array([0]))
    assert "grad-cam" in METHODS
