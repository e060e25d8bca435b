"""All errors that Danqing raises on purpose. Knows nothing of the rest.

The tree, with the exit status of the command line::

    DanqingError             1    the root
    ├── RecipeError          2    a setting is unknown or out of range (a ValueError)
    │   ├── SpecError        2    a network's spec is invalid
    │   └── ArgumentTypeError 2   an argument is of a wrong type (a TypeError)
    ├── SourceError          1    a source of data is unknown or damaged (a ValueError)
    │   ├── SourceNotFound   1    there is no such source (a FileNotFoundError)
    │   └── SourceTypeError  1    an object is no source (a TypeError)
    ├── RunError             1    a run folder exists, is damaged or not writable
    │   └── RunNotFound      1    there is no such run folder (a FileNotFoundError)
    ├── BundleError          1    a bundle is damaged, of another format, or not writable
    │   └── BundleNotFound   1    there is no such bundle (a FileNotFoundError)
    ├── PictureError         1    a file is not a picture, or shows nothing (a ValueError)
    ├── ParityError          1    the exported network disagrees with the trained one
    ├── BackendError         1    TensorFlow or Keras is missing or misconfigured
    └── TrainingInterrupted  130  Ctrl-C stopped a training

Each message is one line: what was expected, what was received, how to fix it.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "ArgumentTypeError",
    "BackendError",
    "BundleError",
    "BundleNotFound",
    "DanqingError",
    "ParityError",
    "PictureError",
    "RecipeError",
    "RunError",
    "RunNotFound",
    "SourceError",
    "SourceNotFound",
    "SourceTypeError",
    "SpecError",
    "TrainingInterrupted",
]


class DanqingError(Exception):
    """The root of all errors that Danqing raises on purpose."""

    exit_status = 1


class RecipeError(DanqingError, ValueError):
    """A setting is unknown or out of range."""

    exit_status = 2


class SpecError(RecipeError):
    """A network's spec is invalid; the message quotes the offending word."""


class ArgumentTypeError(RecipeError, TypeError):
    """An argument of a Python call is of a type that can't be used."""


class SourceError(DanqingError, ValueError):
    """A source of data is unknown, missing or damaged."""


class SourceNotFound(SourceError, FileNotFoundError):
    """There is no such source of data."""


class SourceTypeError(SourceError, TypeError):
    """An object is of a type that is no source of data."""


class RunError(DanqingError):
    """A run folder already exists, is missing, is damaged or can't be written."""


class RunNotFound(RunError, FileNotFoundError):
    """There is no such run folder."""


class BundleError(DanqingError):
    """A bundle is damaged, of another format, holds what no bundle does, or can't be written."""


class BundleNotFound(BundleError, FileNotFoundError):
    """There is no such bundle."""


class PictureError(DanqingError, ValueError):
    """A file is not a picture, can't be read, or shows nothing."""


class ParityError(DanqingError):
    """The exported network's predictions differ from the trained one's."""


class BackendError(DanqingError):
    """TensorFlow or Keras is missing, or Keras uses another backend."""


class TrainingInterrupted(DanqingError):
    """Ctrl-C stopped a training; `folder` is the unfinished run, or None if nothing was saved."""

    exit_status = 130

    def __init__(self, message: str, folder: Path | None = None) -> None:
        super().__init__(message)
        self.folder = folder
