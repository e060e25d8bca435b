"""Robustness: a run's metric on corrupted test pictures, by kind and strength of corruption.

Nothing is chosen by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.corruptions import STRENGTHS, corrupt, kinds_for
from danqing.evaluation.intervals import mean_error_interval, proportion_interval
from danqing.evaluation.predictions import SubsetPredictions
from danqing.prediction.predictor import Predictor
from danqing.runs.trained_network import TrainedNetwork

__all__ = ["Robustness", "measure_robustness"]

_MOST = 1000  # pictures
_FEWEST = 100
_PIXELS = 50_000_000  # of all pictures together; large pictures are fewer
_AT_ONCE = 8_000_000  # pixel values in memory at once, as float32
_CANDIDATES = 20  # pictures from which the example is chosen


@dataclass(frozen=True)
class Robustness:
    """A run's metric by kind and strength of corruption.

    Attributes
    ----------
    n : int
        Number of test pictures; the same ones for every corruption.
    clean : dict
        ``figure``, accuracy or mean absolute error, and ``ci95``, without corruption.
    corrupted : dict of str to list of dict
        The same by kind, for each strength.
    examples : dict of str to ndarray of uint8, shape (6, height, width, channels)
        By kind, one picture as it is and at each strength.
    """

    n: int
    clean: dict[str, Any]
    corrupted: dict[str, list[dict[str, Any]]]
    examples: dict[str, NDArray[np.uint8]] = field(repr=False)


def measure_robustness(predictor: Predictor, predictions: SubsetPredictions) -> Robustness:
    """Evaluate a run on corrupted test pictures.

    Parameters
    ----------
    predictor : Predictor
        Of a run on pictures.
    predictions : SubsetPredictions
        Its predictions for the test set.
    """
    network = predictor.network
    pixels = int(np.prod(network.input_shape))
    most = min(_MOST, max(_FEWEST, _PIXELS // pixels))
    places = np.sort(np.random.default_rng(0).permutation(len(predictions))[:most])
    labels = predictions.labels[places]
    example = _example(network, predictions, places)
    clean = predictions.examples(places[example : example + 1])
    corrupted: dict[str, list[dict[str, Any]]] = {}
    examples: dict[str, NDArray[np.uint8]] = {}
    for kind in kinds_for(network.input_shape):
        corrupted[kind], pictures = [], [clean[0]]
        for level in range(len(STRENGTHS[kind])):
            outputs = []
            for start in range(0, len(places), max(1, _AT_ONCE // pixels)):
                some = places[start : start + max(1, _AT_ONCE // pixels)]
                worse = corrupt(predictions.examples(some), kind, level, seed=start)
                outputs.append(predictor.predict_examples(worse))
                if start <= example < start + len(some):
                    pictures.append(worse[example - start])
            corrupted[kind].append(_figure(network, np.concatenate(outputs), labels))
        examples[kind] = np.stack(pictures)
    return Robustness(
        len(places), _figure(network, predictions.outputs[places], labels), corrupted, examples
    )


def _example(
    network: TrainedNetwork, predictions: SubsetPredictions, places: NDArray[np.int64]
) -> int:
    """Choose the picture with the highest contrast of a few that are predicted correctly."""
    candidates = np.arange(len(places))
    if network.task == "classification":
        correct = predictions.outputs[places].argmax(axis=1) == predictions.labels[places]
        candidates = candidates[correct] if correct.any() else candidates
    some = candidates[:_CANDIDATES]
    return int(some[predictions.examples(places[some]).std(axis=(1, 2, 3)).argmax()])


def _figure(
    network: TrainedNetwork, outputs: NDArray[np.float32], labels: NDArray[Any]
) -> dict[str, Any]:
    if network.task == "regression":
        errors = np.abs(outputs.astype(np.float64) - labels)
        return {"figure": float(errors.mean()), "ci95": mean_error_interval(errors)}
    correct = int((outputs.argmax(axis=1) == labels).sum())
    return {"figure": correct / len(labels), "ci95": proportion_interval(correct, len(labels))}
