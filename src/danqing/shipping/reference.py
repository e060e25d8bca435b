"""What Keras predicts with a run's weights for samples of its data, or of other data.

Loads TensorFlow: only where the run has no certificate yet, or another format is exported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.sources import reload_data
from danqing.data.split import Splits, Subset
from danqing.errors import RunError, SourceError
from danqing.evaluation.own_data import is_own_data, own_splits
from danqing.evaluation.parity import SAMPLES, Samples, certify, choose_samples
from danqing.evaluation.predictions import evaluation_data
from danqing.networks.architecture import Architecture
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["Reference"]


class Reference:
    """A run's network in Keras, and the samples for which others are compared with it.

    Parameters
    ----------
    run : RunFolder
    source : str, path or Dataset, optional
        Other data to take samples from; the run's own if not given.

    Raises
    ------
    RunError
        If the run's own data can't be found again.
    """

    def __init__(self, run: RunFolder, source: Any = None) -> None:
        self.run = run
        self.predictor = Predictor(run)
        self.architecture = Architecture.from_json(run.network)
        self.samples = self._own() if source is None else self._of(source)

    @cached_property
    def outputs(self) -> NDArray[np.float64]:
        """Keras' predictions for the samples."""
        from danqing.networks.build import build, load_tensors
        from danqing.networks.keras_predictions import predict_by_keras

        model = build(self.architecture, self.run.preparation)
        load_tensors(model, self.run.tensors)
        target = None if self.run.class_names else self.run.preparation.target
        encoded = self.run.preparation.encoded
        each = [
            predict_by_keras(model, encoded(some), target=target)
            for some in self.samples.examples()
        ]
        return np.concatenate(each)

    def certify(
        self,
        compute: Callable[[NDArray[Any]], Any] | None = None,
        runtime: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Compare a network with Keras, from raw samples on; the run's ONNX network by default."""
        return certify(self.predictor, self.samples, self.outputs, compute=compute, runtime=runtime)

    @cached_property
    def labelled(self) -> Subset:
        """The rows on which accuracy is measured."""
        return self._labelled

    def _own(self) -> Samples:
        try:
            splits: Splits = own_splits(self.run)
        except (RunError, SourceError):
            raise RunError(
                f"{self.run.name}: is compared with what is exported on examples, and its own data "
                "have changed or are gone; restore them, or name others: --samples SOURCE"
            ) from None
        self._labelled = splits.test if len(splits.test) else splits.validation
        return choose_samples(splits)

    def _of(self, source: Any) -> Samples:
        run = self.run
        dataset = source if isinstance(source, Dataset) else _load(run, source)
        subset = evaluation_data(run, dataset).subsets["test"]
        self._labelled = subset
        if not is_own_data(run, dataset) and (
            dataset.input_shape != run.input_shape
            or dict(dataset.pictures_as) != dict(run.preparation.pictures_as)
        ):
            # These files were decoded to another shape, and resized from there.
            subset = replace(subset, names=())
        count = min(SAMPLES, len(subset))
        rows = subset.rows[np.arange(count) * len(subset) // max(count, 1)]
        return Samples((replace(subset, rows=rows),), f"{dataset.name}")


def _load(run: RunFolder, source: Any) -> Dataset:
    target, encoding = run.data.get("target") or None, run.preparation.encoding
    columns = encoding.types if encoding is not None and target else None
    return reload_data(source, target=target, task=run.task if target else None, columns=columns)
