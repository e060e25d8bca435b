"""A smaller ONNX network: weights in half precision, or int8 arithmetic. Knows no run and no data.

int8 by ONNX Runtime's own quantisation (static, per channel, "QDQ": B. Jacob et al. 2018,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference").
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["halve", "quantise"]

_KERNEL = "/kernel"
_BATCH = 50


def quantise(model: bytes, examples: Sequence[NDArray[Any]]) -> bytes:
    """Quantise convolutions and dense layers to int8.

    Parameters
    ----------
    model : bytes
        A serialised ONNX model.
    examples : sequence of ndarray, each of shape (n, ...)
        Encoded examples, from which the ranges of inner values are estimated.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = Path(folder) / "quantised.onnx"
        logger = logging.getLogger()
        level, logger.level = logger.level, logging.ERROR  # it advises to preprocess the model
        try:
            quantize_static(
                onnx.load_from_string(model),
                out,
                _Reader(examples),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "MatMul"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logger.level = level
        quantised = onnx.load(out)
    # Domains of operators that it might have used, and did not.
    default = [one for one in quantised.opset_import if one.domain in ("", "ai.onnx")]
    del quantised.opset_import[:]
    quantised.opset_import.extend(default)
    return bytes(quantised.SerializeToString())


class _Reader:
    """Hands the examples to ONNX Runtime's calibration, a batch at a time."""

    def __init__(self, examples: Sequence[NDArray[Any]]) -> None:
        self._batches = self._each(examples)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Give the next batch; None at the end."""
        return next(self._batches, None)

    def _each(self, examples: Sequence[NDArray[Any]]) -> Iterator[dict[str, NDArray[np.float32]]]:
        for some in examples:
            for start in range(0, len(some), _BATCH):
                yield {"examples": some[start : start + _BATCH].astype(np.float32)}


def halve(model: bytes) -> bytes:
    """Store kernels in half precision; they are cast to float32 when the network is loaded."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    loaded = onnx.load_from_string(model)
    graph, casts = loaded.graph, []
    for constant in graph.initializer:
        if not constant.name.endswith(_KERNEL) or constant.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(constant)
        largest = np.finfo(np.float16).max
        name = constant.name
        constant.CopyFrom(
            numpy_helper.from_array(values.clip(-largest, largest).astype(np.float16), f"{name}/16")
        )
        casts.append(helper.make_node("Cast", [f"{name}/16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(loaded)
    return bytes(loaded.SerializeToString())
