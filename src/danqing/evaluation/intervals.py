"""Confidence intervals of metrics.

Knows counts and arrays of numbers; no network and no run. `benchmarks/coverage.py` measures the
coverage of every interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "bootstrap_interval",
    "clopper_pearson_upper",
    "f1_interval",
    "mean_error_interval",
    "mean_interval",
    "paired_difference_interval",
    "proportion_interval",
    "skewed_mean_interval",
    "wilson",
]

Floats = NDArray[np.float64]
_SYMMETRICAL = 1e-6  # skewness below which correcting for it only loses digits
_RESAMPLES = 2000
_CHUNK = 4_000_000  # resampled row numbers in memory at once


def wilson(successes: Any, n: Any, level: float = 0.95) -> tuple[Floats, Floats]:
    r"""Compute the score interval of a proportion.

    .. math:: \frac{\hat p + z^2/2n \pm z\sqrt{\hat p(1-\hat p)/n + z^2/4n^2}}{1 + z^2/n}

    (E. B. Wilson 1927, "Probable inference, the law of succession, and statistical inference",
    JASA 22.) With n = 0 it is 0 to 1.

    Parameters
    ----------
    successes, n : array_like of int, same shape

    Returns
    -------
    low, high : ndarray of float64, same shape

    Examples
    --------
    >>> low, high = wilson([95, 0], [100, 0])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.888, 0.0], [0.978, 1.0])
    """
    from scipy.special import ndtri

    successes, n = np.asarray(successes, np.float64), np.asarray(n, np.float64)
    z = float(ndtri(0.5 + level / 2))
    positive = np.maximum(n, 1)
    share = successes / positive
    middle = share + z * z / (2 * positive)
    half = z * np.sqrt(share * (1 - share) / positive + z * z / (4 * positive * positive))
    scale = 1 + z * z / positive
    low = np.where(n > 0, np.clip((middle - half) / scale, 0, 1), 0.0)
    high = np.where(n > 0, np.clip((middle + half) / scale, 0, 1), 1.0)
    # Exact at the ends, where rounding would leave 1e-18.
    return np.where(successes == 0, 0.0, low), np.where(successes == n, 1.0, high)


def proportion_interval(successes: int, n: int, level: float = 0.95) -> list[float]:
    """Compute Wilson's interval of one proportion, as ``[low, high]``; see `wilson`.

    Examples
    --------
    >>> [round(end, 3) for end in proportion_interval(95, 100)]
    [0.888, 0.978]
    """
    low, high = wilson(successes, n, level)
    return [float(low), float(high)]


def f1_interval(
    both: Any, only_predicted: Any, only_labelled: Any, level: float = 0.95
) -> tuple[Floats, Floats]:
    r"""Compute the interval of F1 scores.

    :math:`F_1 = 2J/(1+J)` increases with :math:`J = TP/(TP+FP+FN)`, a proportion of rows, so that
    Wilson's interval of J becomes F1's (D. J. Hand, P. Christen & N. Kirielle 2021, "F*: an
    interpretable transformation of the F-measure", Machine Learning 110).

    Parameters
    ----------
    both, only_predicted, only_labelled : array_like of int, same shape
        Number of true positives, false positives and false negatives.

    Examples
    --------
    >>> low, high = f1_interval(90, 5, 5)
    >>> round(float(low), 3), round(float(high), 3)
    (0.904, 0.972)
    """
    both = np.asarray(both)
    low, high = wilson(both, both + np.asarray(only_predicted) + np.asarray(only_labelled), level)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_interval(values: Any, level: float = 0.95) -> tuple[float, float] | None:
    r"""Compute Student's interval of a mean: :math:`\bar x \pm t_{n-1}\, s/\sqrt n`.

    (Student 1908, "The probable error of a mean", Biometrika 6.) For values that are roughly
    symmetric about their mean, as differences are. None for fewer than two values.

    Parameters
    ----------
    values : array_like, shape (n,)

    Examples
    --------
    >>> low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
    >>> round(low, 2), round(high, 2)
    (0.45, 4.55)
    """
    return _mean_interval(np.asarray(values, np.float64), level, 0.0)


def skewed_mean_interval(values: Any, level: float = 0.95) -> tuple[float, float] | None:
    r"""Compute the interval of a mean of skewed values, such as losses and errors.

    Student's, with each end corrected for the skewness g: instead of
    :math:`y = \pm t_{n-1}/\sqrt n` standard deviations,
    :math:`\frac{3}{g} \left( \sqrt[3]{1 + g\,(y - g/6n)} - 1 \right)`
    (P. Hall 1992, "On the removal of skewness by transformation", JRSS B 54). None for fewer than
    two values.

    Parameters
    ----------
    values : array_like, shape (n,)

    Examples
    --------
    >>> low, high = skewed_mean_interval([0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2.1, 3.4])
    >>> round(low, 2), round(high, 2)
    (0.35, 3.09)
    """
    values = np.asarray(values, np.float64)
    spread = values.std() if len(values) else 0.0
    skewness = float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    return _mean_interval(values, level, skewness)


def mean_error_interval(errors: Any, level: float = 0.95) -> list[float] | None:
    """Compute the interval of a mean of absolute errors, as ``[low, high]``.

    That of `skewed_mean_interval`, which does not know that errors are never negative.
    """
    interval = skewed_mean_interval(errors, level)
    return None if interval is None else [max(interval[0], 0.0), interval[1]]


def _mean_interval(values: Floats, level: float, skewness: float) -> tuple[float, float] | None:
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return None
    ends = stdtrit(n - 1, np.array([0.5 + level / 2, 0.5 - level / 2])) / np.sqrt(n)
    if abs(skewness) > _SYMMETRICAL:
        moved = np.cbrt(1 + skewness * (ends - skewness / (6 * n))) - 1
        ends = 3 / skewness * moved
    low, high = values.mean() - values.std(ddof=1) * ends
    return float(low), float(high)


def clopper_pearson_upper(errors: int, n: int, delta: float) -> float:
    """Compute an upper bound that the true error rate exceeds with probability `delta` at most.

    The solution p of P(Binomial(n, p) <= errors) = delta (C. Clopper & E. Pearson 1934, "The use
    of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26).

    Examples
    --------
    >>> round(clopper_pearson_upper(0, 100, 0.05), 4)
    0.0295
    """
    from scipy.special import betaincinv

    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, 1 - delta))


def paired_difference_interval(
    both: int, only_first: int, only_second: int, neither: int, level: float = 0.95
) -> tuple[float, float]:
    """Compute the interval of the difference between two accuracies on the same rows.

    Method 10 of R. Newcombe 1998, "Improved confidence intervals for the difference between
    binomial proportions based on paired data", Statistics in Medicine 17: Wilson's intervals of
    the two, combined by their correlation.

    Parameters
    ----------
    both, only_first, only_second, neither : int
        Rows that both, only the first, only the second, and neither predicted correctly.

    Returns
    -------
    low, high : float
        Of the first accuracy minus the second.

    Examples
    --------
    >>> low, high = paired_difference_interval(36, 12, 2, 0)
    >>> round(low, 3), round(high, 3)
    (0.057, 0.34)
    """
    n = both + only_first + only_second + neither
    first_correct, second_correct = both + only_first, both + only_second
    first, second = first_correct / n, second_correct / n
    lows, highs = wilson([first_correct, second_correct], [n, n], level)
    margins = first_correct * (n - first_correct) * second_correct * (n - second_correct)
    product = float(both * neither - only_first * only_second)
    if product > 0:
        product = max(product - n / 2, 0)
    phi = product / np.sqrt(float(margins)) if margins else 0.0

    def combined(one: float, other: float) -> float:
        return float(np.sqrt(max(one * one - 2 * phi * one * other + other * other, 0)))

    down = combined(first - float(lows[0]), float(highs[1]) - second)
    up = combined(float(highs[0]) - first, second - float(lows[1]))
    return max(first - second - down, -1.0), min(first - second + up, 1.0)


def bootstrap_interval(
    columns: Floats, statistic: Callable[[Floats, int], Floats], level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Compute the BCa bootstrap interval of a statistic of sums over rows.

    For statistics that are not means; for means, see `skewed_mean_interval`. Bias-corrected and
    accelerated, from 2,000 resamples of whole rows (B. Efron 1987, "Better bootstrap confidence
    intervals", JASA 82), widened because resampling underestimates the spread of few rows (T.
    Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician
    69). None for fewer than three rows, and if the statistic is undefined in a resample.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
    statistic : callable
        From sums over rows, shape (m, k), and the number of rows, to values, shape (m,).

    Examples
    --------
    >>> rows = np.arange(50.0)[:, None]
    >>> low, high = bootstrap_interval(rows, lambda sums, n: sums[:, 0] / n)
    >>> 20 < low < 21, 28 < high < 29
    (True, True)
    """
    from scipy.special import ndtr, ndtri, stdtrit

    n = len(columns)
    if n < 3:
        return None
    total = columns.sum(axis=0)
    found = float(statistic(total[None], n)[0])
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // n)
    drawn = np.concatenate(
        [
            statistic(_resampled_sums(columns, rng, min(step, _RESAMPLES - start)), n)
            for start in range(0, _RESAMPLES, step)
        ]
    )
    left_out = statistic(total - columns, n - 1)
    if not (np.isfinite(drawn).all() and np.isfinite(left_out).all() and np.isfinite(found)):
        return None
    # Half of the ties count as below, so that a statistic with few values is not called biased.
    below = ((drawn < found).mean() + (drawn <= found).mean()) / 2
    bias = ndtri(np.clip(below, 1 / _RESAMPLES, 1 - 1 / _RESAMPLES))
    deviations = left_out.mean() - left_out
    spread = (deviations**2).sum() ** 1.5
    acceleration = (deviations**3).sum() / (6 * spread) if spread > 0 else 0.0
    reach = float(stdtrit(n - 1, 0.5 + level / 2)) * np.sqrt(n / (n - 1))
    z = bias + np.array([-reach, reach])
    places = ndtr(bias + z / (1 - acceleration * z))
    low, high = np.quantile(drawn, places)
    return float(low), float(high)


def _resampled_sums(columns: Floats, rng: np.random.Generator, many: int) -> Floats:
    n = len(columns)
    rows = rng.integers(0, n, (many, n))
    return np.stack([columns[:, k][rows].sum(axis=1) for k in range(columns.shape[1])], axis=1)
