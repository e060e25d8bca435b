"""A network in ONNX Runtime: encoded examples to outputs. Knows no TensorFlow and no folder."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Session"]

_BATCH = 500


class Session:
    """An ONNX network, loaded for inference.

    Parameters
    ----------
    model : bytes
        A serialised ONNX model with one input and one output.
    threads : int, optional
        All cores that the process may use, if not given.

    Raises
    ------
    ValueError
        If it isn't one.
    """

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        elif hasattr(os, "sched_getaffinity"):
            # By default it takes all cores, even those that the process may not use.
            options.intra_op_num_threads = len(os.sched_getaffinity(0))
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime's errors have no common base but Exception.
        except Exception as error:
            raise ValueError(f"ONNX Runtime can't load it: {type(error).__name__}") from None
        self._input = self._session.get_inputs()[0].name

    def predict(self, examples: NDArray[Any]) -> NDArray[Any]:
        """Predict the outputs, shape (n, outputs), of encoded examples, shape (n, ...).

        Probabilities are float32; numbers float64, in older networks float32.
        """
        if len(examples) <= _BATCH:
            outputs: NDArray[Any] = self._session.run(
                None, {self._input: examples.astype(np.float32)}
            )[0]
            return outputs
        batches = [
            self._session.run(
                None, {self._input: examples[start : start + _BATCH].astype(np.float32)}
            )[0]
            for start in range(0, max(len(examples), 1), _BATCH)
        ]
        return np.concatenate(batches)
