"""RunInMemory: a finished run that is in no folder, as an estimator holds it.

Knows no TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.errors import RunError
from danqing.runs.files import tensors_to
from danqing.runs.run_folder import FORMAT, RunFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RunInMemory"]


class RunInMemory(RunFolder):
    """A run whose files are kept as Python objects: plain data, arrays and bytes, which pickle.

    Filled by the same calls as a `RunFolder`, in the same order.

    Examples
    --------
    >>> run = RunInMemory()
    >>> run.write_metrics({"validation": {"n": 20}})
    >>> run.finished, run.metrics, run.name
    (True, {'validation': {'n': 20}}, 'the run in memory')
    """

    in_memory = True

    def __init__(self) -> None:
        super().__init__(Path("the run in memory"))  # what messages call it; no such folder is used
        self._metrics: dict[str, Any] | None = None
        self._calibration: dict[str, Any] = {}
        self._rows: NDArray[np.uint64] | None = None
        self._certificate: dict[str, Any] = {}
        self._picture: bytes | None = None

    @property
    def certificate(self) -> dict[str, Any]:
        """How far the exported network agrees with the trained one."""
        return self._certificate

    def written(self, name: str) -> bytes:
        """Give ``expects.png``; pages aren't written."""
        return (self._picture or b"") if name == "expects.png" else b""

    @property
    def begun(self) -> bool:
        """Whether training began."""
        return "config" in vars(self)

    @property
    def trained(self) -> bool:
        """Whether it holds a trained network."""
        return "tensors" in vars(self)

    @property
    def finished(self) -> bool:
        """Whether training and evaluation completed."""
        return self._metrics is not None

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics of the validation set, seconds and parameters."""
        return self._metrics or {}

    @property
    def calibration(self) -> dict[str, Any]:
        """How far confidence can be trusted; empty if no rows were held out."""
        return self._calibration

    @property
    def training_rows(self) -> NDArray[np.uint64] | None:
        """A 64-bit digest of each row it was trained on."""
        return self._rows

    @property
    def weights_digest(self) -> str:
        """The SHA-256 of the file of weights, if it were saved."""
        return hashlib.sha256(tensors_to(self.tensors)).hexdigest()

    def write_start(
        self,
        config: dict[str, Any],
        data: dict[str, Any],
        network: dict[str, Any],
        training_rows: NDArray[np.uint64] | None = None,
    ) -> None:
        """Keep what is known before the first step."""
        self.config, self.data, self.network = (
            _as_read({"format": FORMAT, **plain}) for plain in (config, data, network)
        )
        self._rows = training_rows

    def write_history(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Keep a dict per epoch."""
        self.history = [dict(row) for row in rows]

    def write_network(
        self, tensors: dict[str, NDArray[Any]], onnx_model: bytes, temperature: float = 1.0
    ) -> None:
        """Keep the trained network and its temperature."""
        self.tensors, self.onnx_model = dict(tensors), onnx_model
        self.network = {**self.network, "temperature": temperature}

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Keep the metrics, which marks the run as finished."""
        self._metrics = _as_read(metrics)

    def write_calibration(self, plain: dict[str, Any]) -> None:
        """Keep how far confidence can be trusted."""
        self._calibration = _as_read(plain)

    def write_certificate(self, plain: dict[str, Any], picture: bytes | None) -> None:
        """Keep how far the exported network agrees, and the mean training picture."""
        self._certificate, self._picture = _as_read({"format": FORMAT, **plain}), picture

    def write_page(self, name: str, text: str) -> Path:
        """Refuse: there is no folder for a page."""
        raise RunError(f"{self.name}: has no folder for {name}; save it first")

    def _write_to(self, folder: Path) -> None:
        """Write all files into a folder, as training would have."""
        folder.mkdir(parents=True)
        saved = RunFolder(folder)
        saved.write_start(self.config, self.data, self.network, self._rows)
        saved.write_history(self.history)
        saved.write_network(self.tensors, self.onnx_model, self.temperature)
        if self._calibration:
            saved.write_calibration(self._calibration)
        if self._certificate:
            saved.write_certificate(self._certificate, self._picture)
        saved.write_metrics(self.metrics)


def _as_read(plain: dict[str, Any]) -> Any:
    """Give plain data as they would be read from a file: tuples become lists."""
    return json.loads(json.dumps(plain, allow_nan=False))
