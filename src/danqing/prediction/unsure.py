"""What is said of a prediction beside its label: its confidence, whether that is enough, a range.

Reads what training left in ``calibration.json``; fits nothing. Must load neither TensorFlow nor
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from danqing.errors import RecipeError
from danqing.runs.trained_network import TrainedNetwork

__all__ = ["RISK", "check_risk", "describe", "unsure_below", "why_all_are_unsure"]

RISK = 0.01
"""The default of the highest acceptable error rate."""

_LEVEL = 0.9  # of the interval around a regression's prediction


def check_risk(network: TrainedNetwork, risk: float) -> None:
    """Refuse an error rate that can't be one.

    Raises
    ------
    RecipeError
        If it isn't between 0 and 1, or the network predicts numbers.
    """
    if not isinstance(risk, int | float) or not 0 < risk < 1:
        raise RecipeError(f"risk {risk}: expected an error rate between 0 and 1, such as 0.01")
    if network.task == "regression":
        raise RecipeError(
            f"{network.name}: a regression has no error rate to limit; leave out --risk"
        )


def unsure_below(calibration: Mapping[str, Any], risk: float = RISK) -> float | None:
    """Give the confidence below which predictions are unsure.

    Parameters
    ----------
    calibration : mapping
        The content of ``calibration.json``.
    risk : float
        The highest acceptable error rate of the predictions that aren't marked. Between two risks
        of the run's table the lower one counts.

    Returns
    -------
    float or None
        None if no confidence guarantees the risk: then every prediction is unsure.

    Examples
    --------
    >>> lines = [(0.01, None), (0.05, 0.9), (0.2, 0.6)]
    >>> table = {"thresholds": [{"risk": r, "unsure_below": at} for r, at in lines]}
    >>> [unsure_below(table, risk) for risk in (0.001, 0.01, 0.05, 0.1, 0.3)]
    [None, None, 0.9, 0.9, 0.6]
    """
    within = [line for line in calibration.get("thresholds", []) if line["risk"] <= risk]
    found = max(within, key=lambda line: line["risk"])["unsure_below"] if within else None
    return None if found is None else float(found)


def why_all_are_unsure(network: TrainedNetwork, risk: float) -> str:
    """Say in a line why `unsure_below` found nothing, and what would."""
    known = network.calibration
    start = f"no confidence guarantees an error rate of at most {risk:.4g}, so that every "
    start += "prediction is marked unsure: "
    if "thresholds" not in known:
        return (
            f"{start}nothing is known yet about the confidence of {network.name}; call "
            f"danqing evaluate {network.name}"
        )
    reached = [line["risk"] for line in known["thresholds"] if line["unsure_below"] is not None]
    if reached and min(reached) > risk:
        return f"{start}the lowest that the validation set guarantees is {min(reached):g}; use it"
    rows = f"its {known['validation_rows']:,} validation rows"
    if known["least_risk"] > risk:
        return (
            f"{start}{rows} could guarantee {known['least_risk']:.2g} at best; use a higher --risk,"
            " or train on more data"
        )
    return f"{start}too many of {rows} are wrong; use a higher --risk, or a better network"


def describe(
    names: Sequence[str],
    outputs: NDArray[Any],
    classes: Sequence[Any],
    calibration: Mapping[str, Any],
    *,
    risk: float = RISK,
    flags: Sequence[list[str]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Describe predictions as ``danqing predict --json`` prints them.

    Parameters
    ----------
    names : sequence of str
        One per prediction.
    outputs : ndarray, shape (n, classes) or (n,)
        Probabilities, or numbers.
    classes : sequence
        The label of each column; empty for regression.
    calibration : mapping
        The content of ``calibration.json``.
    risk : float
        The highest acceptable error rate of the predictions that aren't marked as unsure.
    flags : sequence of list of str, optional
        What is unusual about each example, from `Preparation.flags`.

    Yields
    ------
    dict
        ``name``, ``label`` (always the best guess), ``confidence``, ``unsure``, ``flags`` and
        ``probabilities``; or ``name``, ``value``, ``interval`` (of 90 %; None if unknown) and
        ``flags``.

    Examples
    --------
    >>> import numpy as np
    >>> known = {"thresholds": [{"risk": 0.01, "unsure_below": 0.9}]}
    >>> list(describe(["a.png"], np.array([[0.25, 0.75]]), ["cat", "dog"], known))
    [{'name': 'a.png', 'label': 'dog', 'confidence': 0.75, 'unsure': True, 'flags': [], \
'probabilities': {'cat': 0.25, 'dog': 0.75}}]
    >>> list(describe(["a:1"], np.array([5.0]), [], {"margins": [{"level": 0.9, "margin": 2.0}]}))
    [{'name': 'a:1', 'value': 5.0, 'interval': [3.0, 7.0], 'flags': []}]
    """
    flags = flags or [[] for _ in names]
    if not len(classes):
        margin = _margin(calibration)
        for name, output, unusual in zip(names, outputs.tolist(), flags, strict=True):
            interval = None if margin is None else [output - margin, output + margin]
            yield {"name": name, "value": output, "interval": interval, "flags": unusual}
        return
    below = unsure_below(calibration, risk)
    best = outputs.argmax(axis=1)
    for name, label, row, unusual in zip(names, best, outputs.tolist(), flags, strict=True):
        confidence = row[label]
        yield {
            "name": name,
            "label": classes[label],
            "confidence": confidence,
            "unsure": below is None or confidence < below,
            "flags": unusual,
            "probabilities": dict(zip(classes, row, strict=True)),
        }


def _margin(calibration: Mapping[str, Any]) -> float | None:
    for line in calibration.get("margins", []):
        if line["level"] == _LEVEL and line["margin"] is not None:
            return float(line["margin"])
    return None
