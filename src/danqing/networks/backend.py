"""Keras on TensorFlow, set up before the first import. Every module that needs them starts here."""

from __future__ import annotations

import os
import sys

from danqing.errors import BackendError

__all__ = ["keras", "tf"]

# TensorFlow reads these when it is imported; a user's own settings stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# LLVM's dearest passes take a second of a training's four, and win nothing (docs/log.md).
os.environ.setdefault("XLA_FLAGS", "--xla_llvm_disable_expensive_passes=true")
if "keras" not in sys.modules:
    os.environ["KERAS_BACKEND"] = "tensorflow"

_quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3" and os.environ.get("DANQING_LOG") is None
_saved = -1
if _quiet:
    # TensorFlow's C++ writes notes about oneDNN before its log level counts: not a user's matter.
    if sys.stderr is not None:  # as in a Windows program without a console
        sys.stderr.flush()
    try:
        _saved = os.dup(2)
    except OSError:
        _quiet = False  # standard error is closed, so nobody hears the notes
if _quiet:
    _nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(_nowhere, 2)
    os.close(_nowhere)
try:
    import keras
    import tensorflow as tf
except ImportError as error:
    raise BackendError(
        f"TensorFlow or Keras can't be imported ({error}); install them: pip install danqing"
    ) from None
finally:
    if _quiet:
        os.dup2(_saved, 2)
        os.close(_saved)

if keras.backend.backend() != "tensorflow":
    raise BackendError(
        f"Keras runs on {keras.backend.backend()!r} in this process, expected 'tensorflow'; "
        "import danqing first, or set KERAS_BACKEND=tensorflow"
    )
