"""Intervals against SciPy, against published examples, and against the truth in a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.coverage import WORLDS
from scipy import stats
from sklearn import metrics

from danqing.evaluation.comparison import compare_classifiers, compare_regressors
from danqing.evaluation.intervals import (
    bootstrap_interval,
    clopper_pearson_upper,
    f1_interval,
    mean_interval,
    paired_difference_interval,
    skewed_mean_interval,
    wilson,
)
from danqing.evaluation.regression import conformal_margin, coverage, regression_intervals


@pytest.mark.parametrize(("right", "n"), [(0, 7), (7, 7), (3, 7), (9940, 10000), (1, 1)])
def test_shares_agree_with_scipy(right: int, n: int) -> None:
    found = stats.binomtest(right, n).proportion_ci(0.95, "wilson")
    low, high = wilson(right, n)
    assert (float(low), float(high)) == pytest.approx((found.low, found.high), abs=1e-12)
    exact = stats.binomtest(right, n, alternative="less").proportion_ci(0.95, "exact")
    assert clopper_pearson_upper(right, n, 0.05) == pytest.approx(exact.high)


def test_of_nothing_a_share_can_be_anything() -> None:
    assert [float(end) for end in wilson(0, 0)] == [0, 1]


def test_mean_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).exponential(size=25)
    found = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((found.low, found.high))
    assert mean_interval([1.0]) is skewed_mean_interval([1.0]) is None
    assert mean_interval([2.0] * 3) == skewed_mean_interval([2.0] * 3) == (2, 2)
    even = np.concatenate([3 + values, 3 - values])
    assert skewed_mean_interval(even) == pytest.approx(mean_interval(even))


def test_interval_of_a_skewed_mean_undoes_halls_transformation() -> None:
    values = np.random.default_rng(3).exponential(size=25)
    n, mean, spread = 25, values.mean(), values.std(ddof=1)
    skewness = stats.skew(values)

    def transformed(u: float) -> float:
        cubic = u + skewness * u**2 / 3 + skewness**2 * u**3 / 27
        return float(cubic + skewness / (6 * n))

    for end, share in zip(skewed_mean_interval(values) or (), (0.975, 0.025), strict=True):
        u = (mean - end) / spread
        assert transformed(u) * np.sqrt(n) == pytest.approx(stats.t.ppf(share, n - 1))


def test_interval_of_a_skewed_mean_holds_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    held = [
        low <= 1 <= high
        for low, high in (
            skewed_mean_interval(random.exponential(size=30)) or () for _ in range(2000)
        )
    ]
    assert 0.935 < np.mean(held) < 0.965


def test_f1_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    y, z = rng.integers(0, 3, 90), rng.integers(0, 3, 90)
    matrix = metrics.confusion_matrix(y, z)
    both = np.diag(matrix)
    low, high = f1_interval(both, matrix.sum(0) - both, matrix.sum(1) - both)
    f1 = metrics.f1_score(y, z, average=None)
    assert np.all((low < f1) & (f1 < high))


def test_paired_difference_is_newcombes_own_example() -> None:
    # Table II of the paper, method 10, (36, 12, 2, 0).
    assert paired_difference_interval(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-4)
    low, high = paired_difference_interval(5, 0, 0, 0)
    assert low < 0 < high


def test_paired_difference_turns_with_the_runs() -> None:
    low, high = paired_difference_interval(900, 40, 20, 40)
    other_low, other_high = paired_difference_interval(900, 20, 40, 40)
    assert (low, high) == pytest.approx((-other_high, -other_low))
    assert low < 0.02 < high


def test_bootstrap_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).exponential(size=60)
    theirs = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=9999, rng=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap_interval(values[:, None], lambda sums, n: sums[:, 0] / n)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_bootstrap_of_too_few_rows_or_of_nothing_defined() -> None:
    assert bootstrap_interval(np.ones((2, 1)), lambda sums, n: sums[:, 0]) is None
    assert regression_intervals(np.arange(5.0), np.ones(5))["r2"] is None


def test_r2_of_the_intervals_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(1e6, 1, 200)  # far from zero, where sums of squares lose digits
    predictions = targets + rng.normal(0, 0.5, 200)
    found = regression_intervals(predictions, targets)
    assert found["r2"] is not None
    assert found["r2"][0] < metrics.r2_score(targets, predictions) < found["r2"][1]
    assert found["r2"][1] - found["r2"][0] < 0.2


def test_mcnemar_is_the_exact_binomial_test() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    first = np.where(rng.random(200) < 0.9, labels, 0)
    second = np.where(rng.random(200) < 0.8, labels, 1)
    found = compare_classifiers(first, second, labels)
    b, c = found["only_first"], found["only_second"]
    assert found["p_value"] == pytest.approx(min(1, 2 * stats.binom.cdf(min(b, c), b + c, 0.5)))
    assert found["difference"] == pytest.approx(
        (first == labels).mean() - (second == labels).mean()
    )
    assert found["both"] + b + c + found["neither"] == 200
    same = compare_classifiers(first, first, labels)
    assert (same["p_value"], same["difference"]) == (1.0, 0.0)


def test_numbers_are_compared_row_by_row() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=200)
    shared = rng.normal(size=200)
    found = compare_regressors(targets + shared, targets + shared * 1.1, targets)
    low, high = found["mae"]["difference_ci95"]
    assert low < found["mae"]["difference"] < high < 0
    figures = metrics.mean_absolute_error(targets, targets + shared)
    assert found["mae"]["figures"][0] == pytest.approx(figures)


def test_margins_of_few_rows() -> None:
    assert conformal_margin(np.zeros(8), np.arange(8.0), 0.9) is None
    assert conformal_margin(np.zeros(9), np.arange(9.0), 0.9) == 8
    assert coverage(np.zeros(4), np.arange(4.0), 1.0)[0] == 0.5


@pytest.mark.parametrize(
    ("name", "n", "least", "most"),
    [
        ("accuracy", 200, 0.91, 0.99),
        ("f1", 2000, 0.91, 0.99),
        ("loss", 200, 0.90, 0.98),
        ("difference", 2000, 0.91, 0.99),
        ("r2", 100, 0.90, 0.99),
        ("mae", 100, 0.90, 0.99),
        ("paired-numbers", 100, 0.90, 0.99),
        ("threshold", 500, 0.95, 1.0),
        ("margin", 19, 0.84, 0.96),
    ],
)
def test_holds_the_truth_at_its_rate(name: str, n: int, least: float, most: float) -> None:
    _, trial, _ = WORLDS[name]
    rng = np.random.default_rng(5)
    trials = {"threshold": 100}.get(name, 400)
    assert least <= sum(trial(rng, n) for _ in range(trials)) / trials <= most
