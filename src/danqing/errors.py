"""Every error that Danqing raises on purpose. Knows nothing of the rest.

The tree::

    DanqingError             exit status 1: the work failed
    ├── RecipeError          2: a setting is wrong
    │   └── SpecError        2: the words of a network's spec are wrong
    ├── SourceError          1: a source of data is unknown, missing or damaged
    ├── RunError             1: a run folder exists, is missing, damaged or unwritable
    ├── PictureError         1: a file to predict is no picture, or shows nothing
    ├── ParityError          1: the exported network disagrees with the trained one
    ├── BackendError         1: TensorFlow or Keras is missing or set up otherwise
    └── TrainingInterrupted  130: Ctrl-C; what was learned is in its `folder`

Each message is one line: what was expected, what was received, how to mend it.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "BackendError",
    "DanqingError",
    "ParityError",
    "PictureError",
    "RecipeError",
    "RunError",
    "SourceError",
    "SpecError",
    "TrainingInterrupted",
]


class DanqingError(Exception):
    """The root: whoever catches this catches all that Danqing raises on purpose."""

    exit_status = 1


class RecipeError(DanqingError):
    """A setting of the training is unknown or out of its range."""

    exit_status = 2


class SpecError(RecipeError):
    """The words that describe a network are wrong; the message quotes the offending one."""


class SourceError(DanqingError):
    """A source of data is unknown, missing or damaged."""


class RunError(DanqingError):
    """A run folder exists already, is missing, is damaged or can't be written."""


class PictureError(DanqingError):
    """A file that should be predicted is no picture, or shows nothing."""


class ParityError(DanqingError):
    """The exported network gives other answers than the trained one."""


class BackendError(DanqingError):
    """TensorFlow or Keras is missing, or Keras was started with another back end."""


class TrainingInterrupted(DanqingError):
    """Ctrl-C stopped a training. `folder` holds what was learned, or is None if nothing was."""

    exit_status = 130

    def __init__(self, message: str, folder: Path | None = None) -> None:
        super().__init__(message)
        self.folder = folder
