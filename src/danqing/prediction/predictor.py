"""Predictor: a run's preparation and its network in ONNX Runtime.

Knows no TensorFlow, no scikit-learn and no metrics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RunError
from danqing.prediction.session import Session
from danqing.runs.run_folder import RunFolder

__all__ = ["Predictor"]


class Predictor:
    """Predicts with a run's exported network.

    Parameters
    ----------
    run : RunFolder
        Or an `EnsembleMember` of one.

    Attributes
    ----------
    run : RunFolder

    Raises
    ------
    RunError
        If the run has no trained network, or a damaged one.

    Examples
    --------
    >>> import tempfile, danqing
    >>> from danqing.training.train import train
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> run = train(danqing.load_data("mnist"), recipe, tempfile.mkdtemp() + "/run")
    >>> Predictor(run).predict(danqing.load_data("mnist").x_test[:2]).shape
    (2, 10)
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        try:
            self._session = Session(run.onnx_model)
        except ValueError as error:
            path = run.folder / "network.onnx"
            raise RunError(f"{path}: is damaged ({error}); train again") from None

    def predict(self, examples: Any) -> NDArray[np.float32]:
        """Predict class probabilities, or for regression numbers.

        Parameters
        ----------
        examples : Table, or ndarray of shape (n, height, width, channels) or (n, features)
            Raw pixels from 0 to 255 (grey pictures may lack the channel axis); raw rows; or
            encoded features.

        Returns
        -------
        ndarray of float32, shape (n, classes) or (n,)

        Raises
        ------
        RunError
            If the network takes examples of another shape.
        SourceError
            If a table lacks columns that the network needs.
        """
        run = self.run
        encoded = run.preparation.encoded(examples)
        if encoded.ndim == 3 and run.input_shape[-1] == 1:
            encoded = encoded[..., None]
        if encoded.shape[1:] != run.input_shape:
            kind = "pictures" if len(run.input_shape) == 3 else "rows"
            raise RunError(
                f"{run.folder}: takes {kind} of shape (n, {run.input_shape}), "
                f"received {encoded.shape}"
            )
        outputs = self._session.predict(encoded)
        return outputs if run.class_names else outputs[:, 0]
