"""RunFolder: what a training leaves, and the boundary of all that comes after it.

The only place that reads and writes run folders. Knows no TensorFlow.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.errors import RunError, RunNotFound
from danqing.runs.files import (
    read_bytes,
    read_json,
    read_tensors,
    write_file,
    write_json,
    write_tensors,
)
from danqing.runs.history_file import read_history, write_history
from danqing.runs.rows import read_rows, write_rows
from danqing.runs.trained_network import TrainedNetwork

# `danqing runs` reads a few lines of JSON: NumPy would take longer than all else.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from danqing.runs.checkpoints import Checkpoints

__all__ = ["FORMAT", "RunFolder", "load_run"]


FORMAT = 2
"""Of the JSON files written here; `danqing.runs.format_1` translates those of format 1."""


class RunFolder(TrainedNetwork):
    """The files of a run, each read when it is first asked for.

    Attributes
    ----------
    folder : Path

    Examples
    --------
    >>> import tempfile, danqing
    >>> from danqing.training.train import train
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> run = train(danqing.load_data("mnist"), recipe, folder)
    >>> run.finished, run.metrics["test"]["n"], len(run.history)
    (True, 10000, 1)
    """

    in_memory = False
    """Whether it has no folder: see `danqing.runs.run_in_memory`."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.folder)!r})"

    @property
    def name(self) -> str:
        """How messages refer to it: its folder."""
        return str(self.folder)

    @property
    def format(self) -> int:
        """The format of the folder's files; what is read from them is always of `FORMAT`."""
        found: int = self._checked("config.json")["format"]
        return found

    @cached_property
    def config(self) -> dict[str, Any]:
        """All settings, the seed and versions."""
        return self._versioned("config.json")

    @cached_property
    def data(self) -> dict[str, Any]:
        """Where the data came from: fingerprint, counts, class names, the split."""
        return self._versioned("data.json")

    @cached_property
    def network(self) -> dict[str, Any]:
        """The network's spec and layers, and the fitted preparation."""
        return self._versioned("network.json")

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """A dict per epoch, with the columns of ``history.csv``."""
        return read_history(self.folder / "history.csv")

    @property
    def begun(self) -> bool:
        """Whether there is a run in the folder: `config.json` is what makes it one."""
        return (self.folder / "config.json").is_file()

    @property
    def begun_on(self) -> datetime.date:
        """The day (UTC) on which training began."""
        moment = (self.folder / "config.json").stat().st_mtime
        return datetime.datetime.fromtimestamp(moment, datetime.UTC).date()

    @property
    def trained(self) -> bool:
        """Whether it holds a trained network, also one whose training was interrupted."""
        return (self.folder / "weights.safetensors").is_file()

    @property
    def finished(self) -> bool:
        """Whether training and evaluation completed: `metrics.json` is written last."""
        return (self.folder / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any]:
        """Test and validation metrics, seconds and parameters of a finished run."""
        return self._object("metrics.json")

    @property
    def calibration(self) -> dict[str, Any]:
        """How far confidence can be trusted; empty if that is not known.

        Format 1, which `danqing evaluate` wrote for networks without a temperature, is not known.
        """
        if not (self.folder / "calibration.json").exists():
            return {}
        found = self._object("calibration.json")
        return found if found.get("format") == FORMAT else {}

    @property
    def certificate(self) -> dict[str, Any]:
        """How far the exported network agrees with the trained one; empty if not measured."""
        name = "certificate.json"
        return self._versioned(name) if (self.folder / name).exists() else {}

    def written(self, name: str) -> bytes:
        """Read ``expects.png`` or ``card.md``; empty if it isn't there."""
        path = self.folder / name
        return read_bytes(path) if path.exists() else b""

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """The weights by name, such as ``conv/kernel``."""
        return read_tensors(self.folder / "weights.safetensors")

    @property
    def training_rows(self) -> NDArray[np.uint64] | None:
        """A 64-bit digest of each row it was trained on; None if the run keeps none."""
        return read_rows(self.folder)

    @property
    def weights_digest(self) -> str:
        """The SHA-256 of the file of weights."""
        import hashlib

        return hashlib.sha256(read_bytes(self.folder / "weights.safetensors")).hexdigest()

    @cached_property
    def onnx_model(self) -> bytes:
        """The network as a serialised ONNX model."""
        return read_bytes(self.folder / "network.onnx")

    @cached_property
    def checkpoints(self) -> Checkpoints:
        """The training states from which a run is resumed."""
        from danqing.runs.checkpoints import Checkpoints

        return Checkpoints(self.folder)

    @property
    def event_logs(self) -> Path:
        """The folder for TensorBoard's event logs."""
        return self.folder / "tensorboard"

    def damaged(self, part: str, reason: str) -> RunError:
        """Give the error to raise where a file turns out to be damaged."""
        return RunError(f"{self.folder / part}: is damaged ({reason}); train again")

    def write_start(
        self,
        config: dict[str, Any],
        data: dict[str, Any],
        network: dict[str, Any],
        training_rows: NDArray[np.uint64] | None = None,
    ) -> None:
        """Write what is known before the first step; `config.json`, which makes it a run, last."""
        if training_rows is not None:
            write_rows(self.folder, training_rows)
        for name, plain in (("data", data), ("network", network), ("config", config)):
            write_json(self.folder / f"{name}.json", {"format": FORMAT, **plain})

    def write_history(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Write a line per epoch."""
        write_history(self.folder / "history.csv", rows)

    def write_network(
        self, tensors: dict[str, NDArray[Any]], onnx_model: bytes, temperature: float = 1.0
    ) -> None:
        """Write the trained network, for Keras and for ONNX Runtime, and its temperature."""
        write_tensors(self.folder / "weights.safetensors", tensors)
        write_file(self.folder / "network.onnx", onnx_model)
        if self.temperature != temperature:
            self.network = {**self.network, "temperature": temperature}
            write_json(self.folder / "network.json", self.network)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write the metrics, which marks the run as finished."""
        write_json(self.folder / "metrics.json", metrics)

    def write_calibration(self, plain: dict[str, Any]) -> None:
        """Write how far confidence can be trusted."""
        write_json(self.folder / "calibration.json", plain)

    def write_certificate(self, plain: dict[str, Any], picture: bytes | None) -> None:
        """Write how far the exported network agrees, and the mean training picture if any."""
        write_json(self.folder / "certificate.json", {"format": FORMAT, **plain})
        if picture is not None:
            write_file(self.folder / "expects.png", picture)

    def write_page(self, name: str, text: str) -> Path:
        """Write a page about the run, such as ``report.html``; an earlier one is replaced."""
        path = self.folder / name
        write_file(path, text.encode(errors="replace"))
        return path

    def save(self, folder: Path) -> RunFolder:
        """Copy the run to a folder that doesn't exist yet, or raise a RunError."""
        try:
            self._write_to(folder)
        except FileExistsError:
            raise RunError(f"{folder}: exists; nothing is overwritten, choose another") from None
        except OSError as error:
            why = error.strerror or error
            raise RunError(f"{folder}: can't be written ({why}); choose another") from None
        return RunFolder(folder)

    def _write_to(self, folder: Path) -> None:
        import shutil

        shutil.copytree(self.folder, folder)

    def _versioned(self, name: str) -> dict[str, Any]:
        plain = self._checked(name)
        if plain["format"] > 1:
            return plain
        from danqing.runs import format_1

        return format_1.upgrade(plain)

    def _checked(self, name: str) -> dict[str, Any]:
        """Read a file that names its format, and refuse one that is not known yet."""
        plain = self._object(name)
        found = plain.get("format")
        if type(found) is not int or found < 1:
            raise RunError(f"{self.folder / name}: is damaged, it names no format; train again")
        if found > FORMAT:
            raise RunError(
                f"{self.folder / name}: has format {found}, and this danqing reads formats up to "
                f"{FORMAT}; upgrade danqing"
            )
        return plain

    def _object(self, name: str) -> dict[str, Any]:
        plain = read_json(self.folder / name)
        if not isinstance(plain, dict):
            raise RunError(f"{self.folder / name}: is damaged, it is not an object; train again")
        return plain


def load_run(folder: str | Path) -> RunFolder:
    """Open a run folder.

    Raises
    ------
    RunError
        If there is no such folder, or it is not a run.
    """
    run = RunFolder(folder)
    if not run.folder.exists():
        raise RunNotFound(f"run {folder}: there is no such folder; `danqing runs` lists those here")
    if not run.folder.is_dir():
        raise RunError(f"run {folder}: is a file; expected a folder that `danqing train` printed")
    if not run.begun:
        raise RunError(
            f"run {folder}: is not a run folder, it has no config.json; expected a folder that "
            "`danqing train` printed"
        )
    return run
