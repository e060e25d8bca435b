"""Temperature, calibration error and threshold, against scikit-learn and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from danqing.evaluation.calibration import (
    brier_score,
    calibration_error,
    fit_temperature,
    log_loss_of_each,
    measure_calibration,
    reliability,
)
from danqing.evaluation.selection import (
    RISKS,
    apply_threshold,
    choose_threshold,
    choose_thresholds,
    risk_coverage,
)
from danqing.networks.temperature import scale_temperature


def predictions(n: int, temperature: float = 1.0, classes: int = 4, seed: int = 0) -> tuple:
    """Labels drawn from probabilities, which are then made `temperature` times colder."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet(np.full(classes, 0.3), n)
    labels = (true.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return scale_temperature(true, 1 / temperature).astype(np.float32), labels


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=6).filter(lambda p: max(p) > 0),
    st.floats(0.05, 20),
)
def test_temperature_never_changes_a_label(weights: list[float], temperature: float) -> None:
    p = np.array([weights], np.float32)
    p /= p.sum()
    assert scale_temperature(p, temperature).argmax() == p.argmax()


def test_temperature_keeps_even_the_closest_decision() -> None:
    half = np.float32(0.5)
    p = np.array([[half, np.nextafter(half, np.float32(1))]], np.float32)
    for temperature in (0.05, 1.0, 20.0):
        assert scale_temperature(p, temperature).argmax() == 1
    certain = np.array([[0, 1, 0]], np.float32)
    assert scale_temperature(certain, 20.0).argmax() == 1
    assert np.isfinite(scale_temperature(certain, 20.0)).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    p, y = predictions(20_000, temperature)
    found = fit_temperature(p, y)
    assert found == pytest.approx(temperature, rel=0.05)
    losses = {
        t: metrics.log_loss(y, scale_temperature(p, t), labels=range(4))
        for t in (found * 0.9, found, found * 1.1)
    }
    assert min(losses, key=losses.get) == found


@pytest.mark.parametrize(("n", "low", "high"), [(5000, 0.05, 20), (199, 0.5, 2)])
def test_few_rows_bound_the_temperature(n: int, low: float, high: float) -> None:
    for temperature in (0.02, 50.0):
        p, y = predictions(n, temperature)
        found = fit_temperature(p, y)
        assert low <= found <= high
        assert found == pytest.approx(low if temperature < 1 else high, rel=0.2)


def test_without_mistakes_the_temperature_is_bounded() -> None:
    p = np.tile(np.float32([0.7, 0.2, 0.1]), (5000, 1))
    assert fit_temperature(p, np.zeros(5000, int)) == pytest.approx(0.5, rel=1e-3)
    wrong = np.zeros(5000, int)
    wrong[:5] = 1
    assert fit_temperature(p, wrong) < 0.4


def test_a_few_rows_that_are_right_by_luck_move_the_temperature_little() -> None:
    confident = np.tile(np.float32([0.97, 0.02, 0.01]), (12, 1))
    assert 0.85 < fit_temperature(confident, np.zeros(12, int)) < 1
    assert fit_temperature(confident[:0], np.zeros(0, int)) == 1


def test_the_temperature_by_brute_force() -> None:
    p, y = predictions(300, 1.6)
    tried = np.geomspace(0.05, 20, 4001)
    # The loss of all rows, and the logarithm's normal distribution before any row is seen.
    losses = [
        metrics.log_loss(y, scale_temperature(p, t), labels=range(4), normalize=False)
        + (np.log(t) / (np.log(2) / 2)) ** 2 / 2
        for t in tried
    ]
    assert fit_temperature(p, y) == pytest.approx(tried[np.argmin(losses)], rel=2e-3)


def test_figures_agree_with_scikit_learn() -> None:
    p, y = predictions(3000)
    figures = measure_calibration(p, y)
    assert figures["nll"] == pytest.approx(metrics.log_loss(y, p, labels=range(4)), rel=1e-5)
    assert log_loss_of_each(p, y).shape == (3000,)
    by_class = [metrics.brier_score_loss(y == c, p[:, c]) for c in range(4)]
    assert brier_score(p, y) == pytest.approx(sum(by_class), rel=1e-5)


def test_bins_agree_with_scikit_learn() -> None:
    p, y = predictions(3000, 2.0)
    confidence, right = p.max(axis=1).astype(float), p.argmax(axis=1) == y
    accuracy, mean = calibration_curve(right, confidence, n_bins=15, strategy="quantile")
    bins = reliability(confidence, right)
    assert [one["n"] for one in bins] == [200] * 15
    assert [one["accuracy"] for one in bins] == pytest.approx(accuracy.tolist())
    assert [one["confidence"] for one in bins] == pytest.approx(mean.tolist())
    error = np.abs(accuracy - mean).mean()
    assert calibration_error(confidence, right) == pytest.approx(error)


def test_the_perfect_error_is_what_chance_gives() -> None:
    inside = 0
    for seed in range(60):
        figures = measure_calibration(*predictions(400, seed=seed))
        low, high = figures["ece_if_perfect"]
        inside += low <= figures["ece"] <= high
    assert inside >= 52
    overconfident = measure_calibration(*predictions(2000, 3.0))
    assert overconfident["ece"] > overconfident["ece_if_perfect"][1]


def test_few_rows_have_fewer_bins() -> None:
    p, y = predictions(4)
    assert len(reliability(p.max(axis=1), p.argmax(axis=1) == y)) == 4


def test_risk_and_coverage_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.integers(50, 80, 300) / 100  # many are equal
    right = rng.random(300) < confidence
    coverage, risk = risk_coverage(confidence, right)
    thresholds = np.unique(confidence)[::-1]
    assert coverage.tolist() == [(confidence >= t).mean() for t in thresholds]
    assert risk == pytest.approx([(~right[confidence >= t]).mean() for t in thresholds])
    assert risk[-1] == pytest.approx((~right).mean())


def test_the_threshold_keeps_its_promise_on_the_rows_it_was_chosen_on() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(2000)
    right = rng.random(2000) < 0.5 + confidence / 2
    chosen = choose_threshold(confidence, right, 0.1)
    assert chosen.unsure_below is not None
    done = apply_threshold(confidence, right, chosen.unsure_below)
    assert (done["given"], done["wrong"]) == (chosen.given, chosen.wrong)
    assert done["risk"] < chosen.bound <= 0.1
    # Not far from the most that any threshold could leave unmarked.
    _, risk = risk_coverage(confidence, right)
    assert chosen.given > 0.7 * np.flatnonzero(risk <= 0.1).max()


def test_thresholds_fall_as_the_risk_rises_and_each_keeps_its_promise() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        confidence = rng.random(3000)
        right = rng.random(3000) < 0.6 + 0.4 * confidence**0.3
        chosen = choose_thresholds(confidence, right, reversed(RISKS))
        assert [one.risk for one in chosen] == sorted(RISKS)
        given = [one.given for one in chosen]
        assert given == sorted(given)
        for one in chosen:
            assert one.given >= choose_threshold(confidence, right, one.risk).given
            if one.unsure_below is None:
                assert one.given == 0
                continue
            done = apply_threshold(confidence, right, one.unsure_below)
            assert (done["given"], done["wrong"]) == (one.given, one.wrong)
            assert one.bound <= one.risk


@pytest.mark.parametrize("risk", [0.01, 0.05])
@pytest.mark.parametrize("n", [200, 800])
def test_the_promise_is_broken_in_5_percent_of_the_draws_at_most(n: int, risk: float) -> None:
    p, y = predictions(200_000, classes=3, seed=1)
    confidence, right = p.max(axis=1).astype(float), p.argmax(axis=1) == y
    broken = 0
    for seed in range(400):
        rows = np.random.default_rng(seed).integers(0, len(y), n)
        chosen = choose_threshold(confidence[rows], right[rows], risk)
        if chosen.unsure_below is not None:
            broken += (~right[confidence >= chosen.unsure_below]).mean() > risk
    # A binomial of 400 draws at 5 % exceeds 30 once in 700 times.
    assert broken <= 30


@pytest.mark.parametrize("risk", [0.01, 0.02, 0.05, 0.2])
def test_the_bound_by_brute_force(risk: float) -> None:
    """Every threshold from the start to the chosen one passes; the next one doesn't."""
    random = np.random.default_rng(3)
    confidence = random.random(1500)
    right = random.random(1500) < 1 - 0.7 * (1 - confidence) ** 4
    order = np.argsort(-confidence)
    bounds = [
        binomtest(int(k), m).proportion_ci(0.95, method="exact").high  # both sides: 2.5 % each
        for m, k in enumerate(np.cumsum(~right[order]), 1)
    ]
    chosen = choose_threshold(confidence, right, risk)
    assert chosen.bound == pytest.approx(bounds[chosen.given - 1])
    assert chosen.bound <= risk
    assert chosen.given == 1500 or bounds[chosen.given] > risk


def test_no_rows_promise_nothing() -> None:
    chosen = choose_thresholds(np.zeros(0), np.zeros(0, bool))
    assert [one.unsure_below for one in chosen] == [None] * len(RISKS)


def test_what_can_t_be_promised_is_not() -> None:
    chosen = choose_threshold(np.linspace(0.5, 1, 12), np.ones(12, bool), 0.01)
    assert chosen.unsure_below is None
    assert chosen.least == pytest.approx(1 - 0.05 ** (1 / 12))
    assert choose_threshold(np.array([0.9]), np.array([True]), 0.5).unsure_below is None


def test_equal_confidences_are_on_the_same_side() -> None:
    confidence = np.ones(1000)
    right = np.arange(1000) >= 20
    assert choose_threshold(confidence, right, 0.01).unsure_below is None
    assert choose_threshold(confidence, right, 0.05).given == 1000
