"""How much of a figure is left when the pictures get worse.

Knows a run's answers to corrupted test pictures. Nothing is chosen by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.corruptions import STRENGTHS, corrupt, kinds_for
from danqing.evaluation.intervals import skewed_mean_interval, wilson
from danqing.evaluation.predictions import SubsetPredictions
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["Robustness", "measure_robustness"]

_MOST = 1000  # pictures
_FEWEST = 100
_PIXELS = 50_000_000  # of a sample, above which fewer pictures have to do
_AT_ONCE = 8_000_000  # values of pictures in memory at once, as float32
_LOOKED_AT = 20  # pictures among which one to show is chosen


@dataclass(frozen=True)
class Robustness:
    """Figures by kind and strength of corruption.

    Attributes
    ----------
    n : int
        Test pictures looked at, the same ones each time.
    clean : dict
        ``figure``, accuracy or mean absolute error, and ``ci95``, on them as they are.
    corrupted : dict of str to list of dict
        The same for each kind and strength.
    examples : dict of str to ndarray of uint8, shape (6, height, width, channels)
        One picture as it is, and at each strength.
    """

    n: int
    clean: dict[str, Any]
    corrupted: dict[str, list[dict[str, Any]]]
    examples: dict[str, NDArray[np.uint8]] = field(repr=False)


def measure_robustness(predictor: Predictor, answered: SubsetPredictions) -> Robustness:
    """Measure a run on corrupted test pictures.

    Parameters
    ----------
    predictor : Predictor
        Of a run on pictures.
    answered : SubsetPredictions
        Its answers to the test part.
    """
    run = predictor.run
    pixels = int(np.prod(run.input_shape))
    most = min(_MOST, max(_FEWEST, _PIXELS // pixels))
    places = np.sort(np.random.default_rng(0).permutation(len(answered))[:most])
    labels = answered.labels[places]
    shown = _picture_to_show(run, answered, places)
    clean = answered.examples(places[shown : shown + 1])
    corrupted: dict[str, list[dict[str, Any]]] = {}
    examples: dict[str, NDArray[np.uint8]] = {}
    for kind in kinds_for(run.input_shape):
        corrupted[kind], pictures = [], [clean[0]]
        for level in range(len(STRENGTHS[kind])):
            outputs = []
            for start in range(0, len(places), max(1, _AT_ONCE // pixels)):
                some = places[start : start + max(1, _AT_ONCE // pixels)]
                worse = corrupt(answered.examples(some), kind, level, seed=start)
                outputs.append(predictor.predict(worse))
                if start <= shown < start + len(some):
                    pictures.append(worse[shown - start])
            corrupted[kind].append(_figure(run, np.concatenate(outputs), labels))
        examples[kind] = np.stack(pictures)
    return Robustness(
        len(places), _figure(run, answered.outputs[places], labels), corrupted, examples
    )


def _picture_to_show(run: RunFolder, answered: SubsetPredictions, places: NDArray[np.int64]) -> int:
    """Give the sample's place of a picture that shows much: of some, that of most contrast."""
    right = np.arange(len(places))
    if run.task == "classification":
        is_right = answered.outputs[places].argmax(axis=1) == answered.labels[places]
        right = right[is_right] if is_right.any() else right
    some = right[:_LOOKED_AT]
    return int(some[answered.examples(places[some]).std(axis=(1, 2, 3)).argmax()])


def _figure(run: RunFolder, outputs: NDArray[np.float32], labels: NDArray[Any]) -> dict[str, Any]:
    if run.task == "regression":
        away = np.abs(outputs.astype(np.float64) - labels)
        found = skewed_mean_interval(away)
        # No error is negative, though Student's interval does not know.
        ends = None if found is None else [max(found[0], 0.0), found[1]]
        return {"figure": float(away.mean()), "ci95": ends}
    right = int((outputs.argmax(axis=1) == labels).sum())
    low, high = wilson(right, len(labels))
    return {"figure": right / len(labels), "ci95": [float(low), float(high)]}
