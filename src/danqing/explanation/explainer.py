"""Examples for one run, explained by one or more methods; every map with its sanity checks.

Knows no data source: the run's training set is passed in, if there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset
from danqing.data.table import Table
from danqing.explanation.attributions.baselines import baselines_for, has_black_background
from danqing.explanation.attributions.gradients import Integrated, integrated_gradients
from danqing.explanation.attributions.methods import DEFAULT_METHOD, attribute
from danqing.explanation.counterfactual import Counterfactual, counterfactuals
from danqing.explanation.nearest import nearest_examples
from danqing.explanation.results import Areas, Explanation, Map, Neighbour
from danqing.explanation.sanity_checks import (
    Curves,
    deletion_and_insertion,
    edge_maps,
    random_maps,
    randomised_correlations,
)
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.pages.number_format import short
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["Explainer", "text_of"]

_FEWEST_TO_RANK = 5
_RANDOM_MAPS = 3


class Explainer:
    """Encoded examples with their predictions, targets and baselines.

    Parameters
    ----------
    run : RunFolder
    network : TensorFlowNetwork
        The run's.
    examples : Table or ndarray
        Raw rows; or pictures, shape (n, height, width, channels), from 0 to 255.
    target : int or None
        The class whose scores are explained; each example's predicted class if None.

    Attributes
    ----------
    columns : tuple of str
        For a table, those that the network uses; otherwise empty.
    """

    def __init__(
        self, run: RunFolder, network: TensorFlowNetwork, examples: Any, target: int | None
    ) -> None:
        self.run, self.network, self.raw = run, network, examples
        self.encoding = run.preparation.encoding
        self.x = np.asarray(run.preparation.encoded(examples), np.float32)
        if self.x.ndim == 3 and len(network.input_shape) == 3:
            self.x = self.x[..., None]
        self.predictor = Predictor(run)
        self.predictions = self.predictor.predict_encoded(self.x)
        self.baselines = baselines_for(self.x, run.preparation)
        self.targets = np.zeros(len(self.x), np.int64)
        if run.class_names:
            self.targets = self.predictions.argmax(axis=1)
            if target is not None:
                self.targets = np.full(len(self.x), target)
        self.columns: tuple[str, ...] = ()
        self.group_of_feature = None
        if self.encoding is not None:
            self.columns = tuple(column.name for column in self.encoding.columns)
            place = {name: number for number, name in enumerate(self.columns)}
            self.group_of_feature = np.array([place[n] for n in self.encoding.column_of_feature])

    def explanations(
        self,
        methods: tuple[str, ...],
        names: Sequence[str],
        labels: list[str],
        training: Subset | None,
    ) -> tuple[Explanation, ...]:
        """Explain each example by each method; `names` and `labels` may be shorter, or empty."""
        maps, integrated = self._maps(methods)
        grouped = {method: self._grouped(values) for method, values in maps.items()}
        curves = {method: self._curves(values) for method, values in grouped.items()}
        randomised = randomised_correlations(
            self.network, maps, self.x, self.baselines, self.targets
        )
        compared = self._compared(next(iter(grouped.values())).shape)
        changes = self._counterfactuals()
        nearest = self._neighbours(training)
        return tuple(
            self._explanation(
                row,
                names[row] if row < len(names) else f"example {row + 1}",
                labels[row] if row < len(labels) else "",
                tuple(
                    self._map(
                        row,
                        method,
                        grouped[method],
                        curves[method],
                        randomised[method],
                        integrated if method == DEFAULT_METHOD else None,
                    )
                    for method in methods
                ),
                {name: areas[row] for name, areas in compared.items()},
                nearest[row] if nearest else (),
                changes[row] if changes else None,
            )
            for row in range(len(self.x))
        )

    def _map(
        self,
        row: int,
        method: str,
        values: NDArray[np.float32],
        curves: Curves,
        randomised: NDArray[np.float64],
        integrated: Integrated | None,
    ) -> Map:
        return Map(
            method,
            values[row],
            _areas(curves, row),
            curves.shares,
            curves.deletion[row],
            curves.insertion[row],
            None if values[row].size < _FEWEST_TO_RANK else float(randomised[row]),
            float(integrated.gaps[row]) if integrated else None,
            int(integrated.steps[row]) if integrated else None,
        )

    def _explanation(self, row: int, name: str, label: str, *found: Any) -> Explanation:
        black = self.x.ndim == 4 and bool(has_black_background(self.x[row : row + 1])[0])
        classes, prediction = self.run.class_names, self.predictions[row]
        return Explanation(
            name,
            self._example(row),
            label,
            classes[prediction.argmax()] if classes else short(prediction, 4),
            prediction if classes else np.zeros(0, np.float32),
            classes[self.targets[row]] if classes else "",
            "black" if black else "training mean",
            *found,
        )

    def _maps(
        self, methods: tuple[str, ...]
    ) -> tuple[dict[str, NDArray[np.float32]], Integrated | None]:
        integrated, maps = None, {}
        for method in methods:
            if method == DEFAULT_METHOD:
                integrated = integrated_gradients(
                    self.network, self.x, self.baselines, self.targets
                )
                values = integrated.values
                maps[method] = values.sum(axis=-1) if values.ndim == 4 else values
            else:
                maps[method] = attribute(method, self.network, self.x, self.baselines, self.targets)
        return maps, integrated

    def _grouped(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum the features of each column; maps of pictures stay as they are."""
        if self.group_of_feature is None:
            return values
        member = self.group_of_feature[:, None] == np.arange(len(self.columns))
        return np.asarray(values @ member.astype(np.float32))

    def _curves(self, maps: NDArray[Any], seed: int = 0) -> Curves:
        if not self.run.class_names:
            # Evidence for a number below the baseline's is what lowers it.
            lower = self.predictions < self.predictor.predict_encoded(self.baselines)
            maps = maps * np.where(lower, -1, 1).reshape(-1, *[1] * (maps.ndim - 1))
        return deletion_and_insertion(
            self._remaining,
            self.x,
            self.baselines,
            maps,
            group_of_feature=self.group_of_feature,
            seed=seed,
        )

    def _remaining(self, changed: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[Any]:
        """Give the target's probability; for regression the remaining share of the difference."""
        predictions = self.predictor.predict_encoded(changed)
        if self.run.class_names:
            return np.asarray(predictions[np.arange(len(rows)), self.targets[rows]])
        nothing = self.predictor.predict_encoded(self.baselines[rows])
        whole = self.predictions[rows] - nothing
        least = 0.1 * self.network.unit
        return np.asarray((predictions - nothing) / np.where(np.abs(whole) < least, least, whole))

    def _compared(self, shape: tuple[int, ...]) -> dict[str, list[Areas]]:
        random = [self._curves(random_maps(shape, seed), seed) for seed in range(_RANDOM_MAPS)]
        compared = {"random": [_mean_areas(random, row) for row in range(len(self.x))]}
        if self.x.ndim == 4:
            edges = self._curves(edge_maps(self.x))
            compared["edges"] = [_areas(edges, row) for row in range(len(self.x))]
        return compared

    def _counterfactuals(self) -> list[Counterfactual]:
        if self.x.ndim != 4 or not self.run.class_names:
            return []
        order = np.argsort(-self.predictions, axis=1, kind="stable")
        goals = np.where(self.targets == order[:, 0], order[:, 1], self.targets)
        pictures = np.rint(self.x).clip(0, 255).astype(np.uint8)
        return counterfactuals(self.network, pictures, goals, self.predictor.predict_encoded)

    def _neighbours(self, training: Subset | None) -> list[tuple[Neighbour, ...]]:
        if training is None:
            return []
        rows, distances = nearest_examples(self.network, self.x, training)
        return [
            tuple(
                Neighbour(
                    training.name_of_row(int(row)),
                    text_of(training.y[row], self.run),
                    float(distance),
                    _shown(training.x[np.array([row])]),
                )
                for row, distance in zip(some, apart, strict=True)
            )
            for some, apart in zip(rows, distances, strict=True)
        ]

    def _example(self, row: int) -> Any:
        if isinstance(self.raw, Table):
            return _shown(self.raw[[row]])
        if self.encoding is not None:
            return dict(zip(self.encoding.feature_names, map(str, self.x[row]), strict=True))
        return np.rint(self.x[row]).clip(0, 255).astype(np.uint8)


def _shown(one: Any) -> Any:
    """Give a picture as it is, a row as text by column."""
    if not isinstance(one, Table):
        return one[0]
    return {
        column.name: "" if column.missing[0] else short(column.values[0]) for column in one.columns
    }


def text_of(label: Any, run: RunFolder) -> str:
    """Write a label as its class name, a number as text."""
    return run.class_names[int(label)] if run.class_names else short(float(label))


def _areas(curves: Curves, row: int) -> Areas:
    return Areas(float(curves.deletion_areas[row]), float(curves.insertion_areas[row]))


def _mean_areas(several: list[Curves], row: int) -> Areas:
    return Areas(
        float(np.mean([curves.deletion_areas[row] for curves in several])),
        float(np.mean([curves.insertion_areas[row] for curves in several])),
    )
