"""Run: the folder that a training leaves, and the boundary of all that comes after it.

The only place that reads and writes run folders. Knows no TensorFlow.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from danqing.errors import RunError
from danqing.runs.files import read_json, read_tensors, write_file, write_json, write_tensors

# `danqing runs` reads a few lines of JSON: NumPy would take longer than all else.
if TYPE_CHECKING:
    from numpy.typing import NDArray

    from danqing.preparation.preparation import Preparation

__all__ = ["RunFolder", "list_runs", "load_run"]

_FORMAT = 1


class RunFolder:
    """What a training left in its folder, read when it is first asked for.

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

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @cached_property
    def config(self) -> dict[str, Any]:
        """Every setting, the seed, and versions."""
        return self._object("config.json")

    @cached_property
    def data(self) -> dict[str, Any]:
        """Where the data came from, its fingerprint, counts, class names, the split."""
        return self._object("data.json")

    @cached_property
    def network(self) -> dict[str, Any]:
        """The network's spec and layers, and what was learned in preparation."""
        return self._object("network.json")

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """A row an epoch; the columns are those of `history.csv`."""
        path = self.folder / "history.csv"
        try:
            rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
            return [{name: float(value) for name, value in row.items()} for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError):
            raise RunError(f"{path}: is damaged; train again") from None

    @property
    def finished(self) -> bool:
        """Whether the training came to its end: `metrics.json` is written last."""
        return (self.folder / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any]:
        """Test and validation figures, seconds, parameters; of a finished run only."""
        return self._object("metrics.json")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the pictures it takes, or the number of features."""
        try:
            return tuple(int(length) for length in self.network["layers"][0]["input_shape"])
        except (LookupError, TypeError, ValueError):
            raise RunError(f"{self.folder / 'network.json'}: is damaged; train again") from None

    @property
    def members(self) -> int:
        """How many networks an ensemble has; 1 where it is none."""
        return int(self.network.get("members", 1))

    @property
    def tta_views(self) -> int:
        """Over how many looks at a picture an answer is averaged."""
        return int(self.network.get("tta_views", 1))

    @property
    def parameters(self) -> int:
        """How many numbers training adjusted, those of all members."""
        layers = self.network.get("layers", [])
        return self.members * sum(int(layer.get("parameters", 0)) for layer in layers)

    @property
    def class_names(self) -> list[str]:
        """What each column of `predict` stands for; empty for regression."""
        try:
            return [str(name) for name in self.data["class_names"]]
        except (LookupError, TypeError):
            raise RunError(f"{self.folder / 'data.json'}: is damaged; train again") from None

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Classes to choose from, or a number to tell."""
        return "classification" if self.class_names else "regression"

    @cached_property
    def preparation(self) -> Preparation:
        """What was learned from the training rows before the network saw them."""
        from danqing.preparation.preparation import Preparation

        try:
            return Preparation.from_json(self.network["preparation"])
        except (LookupError, TypeError, ValueError, AttributeError):
            raise RunError(f"{self.folder / 'network.json'}: is damaged; train again") from None

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """The weights by name, such as ``conv/kernel``."""
        return read_tensors(self.folder / "weights.safetensors")

    @cached_property
    def onnx_model(self) -> bytes:
        """The network as an ONNX model, serialised."""
        path = self.folder / "network.onnx"
        try:
            return path.read_bytes()
        except OSError as error:
            raise RunError(
                f"{path}: can't be read ({error.strerror}); name a run folder that `danqing train` "
                "printed"
            ) from None

    def write_start(
        self, config: dict[str, Any], data: dict[str, Any], network: dict[str, Any]
    ) -> None:
        """Write what is known before the first step; `config.json` last, which makes it a run."""
        for name, plain in (("data", data), ("network", network), ("config", config)):
            write_json(self.folder / f"{name}.json", {"format": _FORMAT, **plain})

    def write_history(self, rows: Iterable[Mapping[str, float]]) -> None:
        """Write a line an epoch."""
        rows = list(rows)
        if not rows:
            return
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_file(self.folder / "history.csv", text.getvalue().encode())

    def write_network(self, tensors: dict[str, NDArray[Any]], onnx_model: bytes) -> None:
        """Write the trained network, for Keras and for ONNX Runtime."""
        write_tensors(self.folder / "weights.safetensors", tensors)
        write_file(self.folder / "network.onnx", onnx_model)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write the figures; this marks the run as finished."""
        write_json(self.folder / "metrics.json", metrics)

    def _object(self, name: str) -> dict[str, Any]:
        plain = read_json(self.folder / name)
        if not isinstance(plain, dict):
            raise RunError(f"{self.folder / name}: is damaged, it is no object; train again")
        if plain.get("format", _FORMAT) > _FORMAT:
            raise RunError(
                f"{self.folder / name}: has format {plain['format']}, this danqing knows "
                f"{_FORMAT}; upgrade danqing"
            )
        return plain


def load_run(folder: str | Path) -> RunFolder:
    """Open a run folder.

    Raises
    ------
    RunError
        If there is no such folder, or it is no run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"run {folder}: there is no such folder; `danqing runs` lists those here")
    if not (folder / "config.json").is_file():
        raise RunError(f"run {folder}: is no run folder, it has no config.json")
    return RunFolder(folder)


def list_runs(folder: str | Path = "runs") -> list[RunFolder]:
    """Give the runs in a folder: grouped by data, best on validation first."""

    def rank(run: RunFolder) -> tuple[str, float, str]:
        # Accuracies are better the higher, errors the lower.
        best = max((r.get("val_accuracy", -r.get("val_mae", 0.0)) for r in run.history), default=0)
        return str(run.data.get("fingerprint")), -best, str(run.folder)

    readable = []
    for path in sorted(Path(folder).glob("*/config.json")):
        run = RunFolder(path.parent)
        try:
            readable.append((rank(run), run))
        except (RunError, KeyError, AttributeError):
            continue
    return [run for _, run in sorted(readable, key=lambda pair: pair[0])]
