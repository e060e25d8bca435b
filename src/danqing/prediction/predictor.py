"""Predictor: raw examples -> labels or numbers, by a run's or a bundle's preparation and network.

Knows no TensorFlow, no scikit-learn and no metrics.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import PictureError, RunError
from danqing.prediction.inputs import Inputs, read_inputs
from danqing.prediction.session import Session
from danqing.prediction.unsure import RISK, check_risk, describe
from danqing.runs.trained_network import TrainedNetwork

__all__ = ["Predictor", "typed_classes"]

_BATCH = 5000  # examples that are encoded at once
_LABELS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": lambda name: name == "true",
}


class Predictor:
    """Predicts with the network of a run or a bundle.

    Parameters
    ----------
    network : TrainedNetwork
        A `RunFolder`, an `EnsembleMember` of one, or a `Bundle`.
    threads : int, optional
        Of ONNX Runtime; all cores that the process may use, if not given.

    Attributes
    ----------
    network : TrainedNetwork
    classes : ndarray, shape (classes,)
        The labels, of the type they had in training; empty for regression.

    Raises
    ------
    RunError, BundleError
        If there is no trained network, or a damaged one.

    Examples
    --------
    >>> import tempfile, danqing
    >>> from danqing.training.train import train
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> run = train(danqing.load_data("mnist"), recipe, tempfile.mkdtemp() + "/run")
    >>> predictor, pictures = Predictor(run), danqing.load_data("mnist").x_test[:3]
    >>> predictor.predict(pictures).tolist(), predictor.predict_proba(pictures / 255).shape
    ([7, 2, 1], (3, 10))
    """

    def __init__(self, network: TrainedNetwork, *, threads: int | None = None) -> None:
        self.network = network
        self._input_shape = network.input_shape
        self.classes = typed_classes(network)
        try:
            self._session = Session(network.onnx_model, threads)
        except ValueError as error:
            raise network.damaged("network.onnx", str(error)) from None

    def predict(self, x: Any) -> NDArray[Any]:
        """Predict labels, or for regression numbers.

        Parameters
        ----------
        x : path, array, data frame, dict, list of dicts, PIL image, or a sequence of these
            Raw examples, read as the training data were. Rows: an array with the columns of
            training in their order; a frame, dicts, or a CSV or Parquet file, whose columns are
            found by name. Pictures: files, PIL images, or arrays of shape (h, w), (h, w, c),
            (n, h, w) or (n, h, w, c).

        Returns
        -------
        ndarray, shape (n,)
            Labels of the type trained on; float64 for regression.

        Raises
        ------
        SourceError
            If columns are missing, or a file can't be read.
        PictureError
            If a file isn't a picture, or pixels have a scale that can't be the training's.
        """
        return self.labels_of(self._outputs(x))

    def predict_proba(self, x: Any) -> NDArray[np.float32]:
        """Predict the probability of each class, shape (n, classes), in the order of `classes`.

        Raises
        ------
        RunError
            If the run predicts numbers; otherwise raises as `predict` does.
        """
        if not len(self.classes):
            raise RunError(
                f"{self.network.name}: predicts numbers, which have no probabilities; call predict"
            )
        return self._outputs(x)

    def predictions(
        self, x: Any, names: Sequence[str] = (), *, risk: float = RISK
    ) -> list[dict[str, Any]]:
        """Predict as ``danqing predict --json`` prints it.

        Parameters
        ----------
        x
            As for `predict`.
        names : sequence of str
            Of the examples; files have their own, others are numbered from 1.
        risk : float
            The highest acceptable error rate of the predictions that aren't marked as unsure.

        Returns
        -------
        list of dict
            ``name``, ``label`` (as text), ``confidence``, ``unsure``, ``flags`` and
            ``probabilities``; for regression ``name``, ``value``, ``interval`` and ``flags``. See
            `danqing.prediction.unsure.describe`.
        """
        if risk != RISK:
            check_risk(self.network, risk)
        found: list[dict[str, Any]] = []
        for inputs in self.read(x):
            count = len(inputs.examples)
            own = inputs.names or [str(len(found) + row + 1) for row in range(count)]
            found += self.describe(own, inputs.examples, risk)
        for prediction, name in zip(found, names, strict=False):
            prediction["name"] = name
        return found

    def describe(
        self, names: Sequence[str], examples: Any, risk: float = RISK
    ) -> list[dict[str, Any]]:
        """Predict examples as a Dataset has them; give a dict each, as `predictions` does."""
        network = self.network
        return list(
            describe(
                names,
                self.predict_examples(examples),
                network.class_names,
                network.calibration,
                risk=risk,
                flags=network.preparation.flags(examples),
            )
        )

    def labels_of(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Give the likeliest class of each row of probabilities; numbers as float64."""
        if not len(self.classes):
            return outputs
        return np.asarray(self.classes[outputs.argmax(axis=1)])

    def predict_examples(self, examples: Any) -> NDArray[Any]:
        """Predict examples as a `Dataset` has them.

        Parameters
        ----------
        examples : Table, or ndarray of uint8, shape (n, height, width, channels)

        Returns
        -------
        ndarray of float32, shape (n, classes), or of float64, shape (n,)
        """
        return self.predict_encoded(self.network.preparation.encoded(examples))

    def predict_encoded(self, features: Any) -> NDArray[Any]:
        """Predict what is encoded already.

        Parameters
        ----------
        features : ndarray, shape (n, height, width, channels) or (n, features)
            Pixels from 0 to 255 (grey pictures may lack the channel axis), or encoded features.

        Returns
        -------
        ndarray of float32, shape (n, classes), or of float64, shape (n,)

        Raises
        ------
        RunError
            If the network takes examples of another shape.
        """
        shape, encoded = self._input_shape, np.asarray(features)
        if encoded.ndim == 3 and shape[-1] == 1:
            encoded = encoded[..., None]
        if encoded.shape[1:] != shape:
            kind = "pictures" if len(shape) == 3 else "rows"
            raise RunError(
                f"{self.network.name}: takes {kind} of shape (n, {shape}), received {encoded.shape}"
            )
        outputs = self._session.predict(encoded)
        # Networks exported before 0.2.0 predict numbers in float32.
        return outputs if len(self.classes) else outputs[:, 0].astype(np.float64)

    def read(self, x: Any) -> Iterator[Inputs]:
        """Read raw examples as the training data were.

        Yields
        ------
        Inputs
            Names are empty for what is in memory. Raises as `predict` does.
        """
        if isinstance(x, str | os.PathLike):
            x = [x]
        if _are_paths(x):
            preparation, shape = self.network.preparation, self._input_shape
            for path in x:
                for inputs in read_inputs(Path(path).expanduser(), preparation, shape):
                    if inputs.errors:
                        raise PictureError(inputs.errors[0])
                    yield inputs
            return
        examples = self._in_memory(x)
        for start in range(0, max(len(examples), 1), _BATCH):
            yield Inputs([], examples[start : start + _BATCH])

    def _outputs(self, x: Any) -> NDArray[Any]:
        if type(x) is np.ndarray and x.ndim and len(x) <= _BATCH:
            return self.predict_examples(self._in_memory(x))  # the shortest way, for a server
        return np.concatenate([self.predict_examples(inputs.examples) for inputs in self.read(x)])

    def _in_memory(self, x: Any) -> Any:
        """Convert raw examples in memory to what a Dataset has."""
        preparation = self.network.preparation
        if preparation.encoding is not None:
            from danqing.prediction.rows_in_memory import rows_in_memory

            return rows_in_memory(x, preparation.encoding)
        from danqing.prediction.pictures_in_memory import pictures_in_memory

        return pictures_in_memory(x, preparation, self._input_shape)


def _are_paths(x: Any) -> bool:
    several = isinstance(x, Sequence) and not isinstance(x, str | bytes) and len(x) > 0
    return several and all(isinstance(one, str | os.PathLike) for one in x)


def typed_classes(network: TrainedNetwork) -> NDArray[Any]:
    """Give a network's classes in the type they had in the training data."""
    convert = _LABELS.get(network.label_type, str)
    classes = [convert(name) for name in network.class_names]
    if classes and isinstance(classes[0], int) and max(map(abs, classes)) >= 2**63:
        return np.array(classes, dtype=object)
    return np.array(classes)
