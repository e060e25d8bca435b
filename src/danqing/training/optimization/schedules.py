"""Learning-rate schedules: the rate of each step of a run. Knows no TensorFlow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["learning_rates"]

_WARM_UP = 0.2  # share of a one-cycle run in which the rate rises
_START, _END = 0.04, 0.01  # shares of the peak


def learning_rates(schedule: str, peak: float, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute the learning rate of each step.

    With s, the share of the run that is done before the step:

    - constant: :math:`\eta`
    - cosine: :math:`\eta \, (1 + \cos \pi s) / 2` (Loshchilov & Hutter 2017, "SGDR")
    - one-cycle: up to :math:`\eta` in the first fifth, then down, both along a cosine
      (Smith & Topin 2018, "Super-convergence")

    Parameters
    ----------
    schedule : {"constant", "cosine", "one-cycle"}
    peak : float
    shares : ndarray, shape (steps,)
        s of each step.

    Returns
    -------
    ndarray of float64, shape (steps,)

    Examples
    --------
    >>> learning_rates("cosine", 0.1, np.arange(4) / 4).round(3).tolist()
    [0.1, 0.085, 0.05, 0.015]
    """
    done = shares
    if schedule == "constant":
        return np.full(len(shares), peak)
    if schedule == "cosine":
        return np.asarray(peak * (1 + np.cos(np.pi * done)) / 2)
    up = _START + (1 - _START) * (1 - np.cos(np.pi * done / _WARM_UP)) / 2
    down = _END + (1 - _END) * (1 + np.cos(np.pi * (done - _WARM_UP) / (1 - _WARM_UP))) / 2
    return peak * np.where(done < _WARM_UP, up, down)
