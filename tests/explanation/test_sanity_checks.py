"""The checks distinguish good maps from bad ones, and agree with plain loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr

from danqing.evaluation.own_data import own_splits
from danqing.explanation.attributions.gradients import integrated_gradients
from danqing.explanation.attributions.load_network import load_network
from danqing.explanation.attributions.methods import DEFAULT_METHOD, attribute
from danqing.explanation.sanity_checks import (
    deletion_and_insertion,
    edge_maps,
    foreground_of,
    random_maps,
    randomised_correlations,
    rank_correlations,
)
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


def test_curves_by_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    x, nothing = random.uniform(0, 1, (2, 4, 5, 1)), random.uniform(0, 1, (2, 4, 5, 1))
    maps, weights = random.standard_normal((2, 4, 5)), random.standard_normal((4, 5, 1))

    def predict(changed: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return (changed * weights).sum(axis=(1, 2, 3)) + rows

    curves = deletion_and_insertion(predict, x, nothing, maps)
    assert curves.shares.tolist() == pytest.approx((np.arange(21) / 20).tolist())
    for row in range(2):
        order = np.argsort(-maps[row].ravel())
        for point in range(21):
            out, within = x[row].ravel().copy(), nothing[row].ravel().copy()
            out[order[:point]] = nothing[row].ravel()[order[:point]]
            within[order[:point]] = x[row].ravel()[order[:point]]
            assert curves.deletion[row, point] == pytest.approx(out @ weights.ravel() + row)
            assert curves.insertion[row, point] == pytest.approx(within @ weights.ravel() + row)
    expected = (curves.deletion[:, 1:] + curves.deletion[:, :-1]).sum(axis=1) / 40
    np.testing.assert_allclose(curves.deletion_areas, expected)


def test_features_of_a_column_go_together() -> None:
    x, nothing = np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32)
    seen = []

    def predict(changed: np.ndarray, rows: np.ndarray) -> np.ndarray:
        seen.append(changed[0].tolist())
        return changed.sum(axis=1)

    maps = np.array([[1.0, 2.0]])
    groups = np.array([0, 1, 1])
    curves = deletion_and_insertion(predict, x, nothing, maps, group_of_feature=groups)
    assert curves.deletion.tolist() == [[3, 1, 0]]
    assert curves.insertion.tolist() == [[0, 2, 3]]
    assert [0.0, 1.0, 1.0] in seen


def test_ties_are_broken_at_random_but_the_same_each_time() -> None:
    x, nothing = np.arange(1, 101, dtype=np.float32)[None], np.zeros((1, 100), np.float32)

    def curves(seed: int) -> np.ndarray:
        flat = np.zeros((1, 100))
        return deletion_and_insertion(
            lambda c, _: c.sum(axis=1), x, nothing, flat, seed=seed
        ).deletion

    assert np.array_equal(curves(0), curves(0))
    assert not np.array_equal(curves(0), curves(1))
    assert curves(0)[0, 14] == pytest.approx(x.sum() / 2, rel=0.2)


def test_edges_are_where_brightness_changes() -> None:
    picture = np.zeros((1, 9, 9, 1), np.uint8)
    picture[0, :, 4:] = 200
    edges = edge_maps(picture)[0]
    assert set(np.flatnonzero(edges.sum(axis=0))) == {3, 4}


def test_rank_correlation_agrees_with_scipy() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(-4, 5, (2, 3, 8, 8)).astype(float)
    shown = random.random((3, 8, 8)) < 0.5
    found = rank_correlations(a, b, shown)
    for row in range(3):
        expected = spearmanr(a[row][shown[row]], b[row][shown[row]]).statistic
        assert found[row] == pytest.approx(expected)
    assert rank_correlations(a, np.zeros_like(a), shown).tolist() == [0, 0, 0]
    assert rank_correlations(a, a, np.zeros_like(shown)).tolist() == [0, 0, 0]


def test_background_is_left_out() -> None:
    x = np.zeros((1, 2, 2, 1), np.float32)
    x[0, 0, 0] = 9
    assert foreground_of(x, np.zeros_like(x)).tolist() == [[[True, False], [False, False]]]
    assert foreground_of(np.zeros((1, 3)), np.zeros((1, 3))).all()


def test_randomising_nothing_is_noticed(untrained: Callable[..., TensorFlowNetwork]) -> None:
    network = untrained("conv(6,3)-dense(8)", seed=1)
    x = np.random.default_rng(0).integers(1, 256, (4, 12, 12, 1)).astype(np.float32)
    targets, nothing = np.arange(4) % 3, np.zeros_like(x)
    maps = {DEFAULT_METHOD: attribute(DEFAULT_METHOD, network, x, nothing, targets)}
    # The seed 0 draws seed 1's weights: those that this network has already.
    same = randomised_correlations(network, maps, x, nothing, targets, seeds=[0])
    assert same[DEFAULT_METHOD] == pytest.approx(1, abs=1e-3)
    others = randomised_correlations(network, maps, x, nothing, targets, seeds=range(1, 9))
    assert abs(others[DEFAULT_METHOD].mean()) < 0.3


def test_default_map_of_a_trained_run_passes_its_checks(run: RunFolder, small) -> None:
    """A small version of benchmarks/attributions.py."""
    network, test = load_network(run), own_splits(run, small).test
    x = np.asarray(test.x[test.rows[:100]], np.float32)
    nothing, targets = np.zeros_like(x), Predictor(run).predict_examples(x).argmax(axis=1)
    found = integrated_gradients(network, x, nothing, targets)
    assert (found.gaps <= 0.01).all()

    def kept(changed: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return Predictor(run).predict_examples(changed)[np.arange(len(rows)), targets[rows]]

    maps = attribute(DEFAULT_METHOD, network, x, nothing, targets)
    mine = deletion_and_insertion(kept, x, nothing, maps)
    for other in (random_maps(x.shape[:3]), edge_maps(x)):
        theirs = deletion_and_insertion(kept, x, nothing, other)
        for gain in (
            theirs.deletion_areas - mine.deletion_areas,
            mine.insertion_areas - theirs.insertion_areas,
        ):
            assert gain.mean() - 1.96 * gain.std(ddof=1) / 10 > 0
    correlations = randomised_correlations(
        network, {DEFAULT_METHOD: maps}, x, nothing, targets, seeds=range(4)
    )
    assert abs(correlations[DEFAULT_METHOD].mean()) <= 0.1
