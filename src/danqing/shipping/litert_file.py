"""A Keras model as a LiteRT model (TensorFlow Lite), for phones and small devices.

Knows no run. TensorFlow brings the converter.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import BackendError

__all__ = ["litert_model", "litert_outputs"]


def litert_model(model: Any) -> bytes:
    """Convert a Keras model.

    Raises
    ------
    BackendError
        If the installed TensorFlow has no converter, or it fails.
    """
    from danqing.networks.backend import tf

    lite = _lite(tf)
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        # The converter prints the model's signature.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bytes(lite.TFLiteConverter.from_keras_model(model).convert())
    # The converter's errors have no common base but Exception.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackendError(
            f"TensorFlow {tf.__version__} can't convert this network to LiteRT ({reason}); export "
            "--format onnx"
        ) from None
    finally:
        logger.setLevel(level)


def litert_outputs(content: bytes) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Load a LiteRT model; give the function from examples, (n, ...), to its outputs."""
    from danqing.networks.backend import tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the interpreter is about to move to another package
        lite = _lite(tf)
        plain = lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = lite.Interpreter(model_content=content, experimental_op_resolver_type=plain)
    end = interpreter.get_input_details()[0]["index"]

    def compute(examples: NDArray[Any]) -> NDArray[np.float32]:
        interpreter.resize_tensor_input(end, examples.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(end, examples.astype(np.float32))
        interpreter.invoke()
        outputs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        return np.array(outputs)

    return compute


def _lite(tf: Any) -> Any:
    try:
        return tf.lite
    except AttributeError:
        raise BackendError(
            f"TensorFlow {tf.__version__} has no LiteRT converter; install one that has, such as "
            "2.21, or export --format onnx"
        ) from None
