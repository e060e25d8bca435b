"""Checkpoints: the two newest complete training states, each in a checksummed safetensors file.

Knows no network: a state is named arrays and plain facts. A file's name has the number of steps
done and the beginning of its content's SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RunError
from danqing.runs.files import read_bytes, tensors_from, tensors_to, write_file

__all__ = ["Checkpoints"]

_log = logging.getLogger("danqing")
_FACTS = "facts"  # the array that holds the facts, as JSON


class Checkpoints:
    """The folder ``checkpoints`` of a run.

    Parameters
    ----------
    run : Path
        The run's folder.

    Examples
    --------
    >>> import tempfile
    >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()))
    >>> checkpoints.save(7, {"w": np.ones(2)}, {"epoch": 1})
    >>> checkpoints.newest()
    ({'w': array([1., 1.])}, {'epoch': 1})
    """

    def __init__(self, run: Path) -> None:
        self.folder = run / "checkpoints"
        self._valid: list[Path] = []

    def save(self, step: int, tensors: Mapping[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Write a state as a whole, then remove all but the newest two.

        Raises
        ------
        RunError
            If it can't be written; earlier ones are kept.
        """
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        content = tensors_to({**tensors, _FACTS: text})
        path = self.folder / f"{step:010}-{_digest(content)}.safetensors"
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder}: can't be made ({error.strerror}); free space") from None
        write_file(path, content)
        self._valid = [*(old for old in self._valid if old != path), path][-2:]
        for old in self._files():
            if old not in self._valid:
                old.unlink(missing_ok=True)

    def newest(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Read the newest undamaged state, with a warning for each damaged one; None if none is."""
        for path in reversed(self._files()):
            try:
                content = read_bytes(path)
                if path.stem.partition("-")[2] != _digest(content):
                    raise RunError(f"{path}: is damaged")
                tensors = tensors_from(content, path)
                facts = json.loads(tensors.pop(_FACTS).tobytes())
            except RunError as error:
                _log.warning("%s; going back to an earlier state", error)
                continue
            self._valid = [path]
            return tensors, facts
        return None

    def remove(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.safetensors"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
