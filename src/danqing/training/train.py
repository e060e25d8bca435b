"""Dataset + Recipe -> Run: the whole job, in the order of the flow. Knows no command line."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.split import SPLIT_SEED, split_rows
from danqing.errors import DanqingError, ParityError, RecipeError, TrainingInterrupted
from danqing.evaluation.evaluate import evaluate
from danqing.networks.architecture import Architecture, design
from danqing.networks.onnx_graph import to_onnx
from danqing.preparation.scaling import Scaling, fit_scaling
from danqing.recipe.presets import PRESETS
from danqing.recipe.recipe import Recipe
from danqing.runs.run import Run, create_folder
from danqing.runs.session import Session
from danqing.training.interruption import Interruption

if TYPE_CHECKING:
    from danqing.training.loop import Progress

__all__ = ["train"]

_PARITY_ROWS = 500
_PARITY = 1e-4  # greatest difference of a probability between Keras and ONNX Runtime


def train(
    dataset: Dataset,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    progress: Callable[[Progress], None] = lambda progress: None,
    load_seconds: float = 0.0,
    started: float | None = None,
) -> Run:
    """Train a network, measure it, and leave everything in a run folder.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe, optional
        ``Recipe()``, the preset ``fast``, if not given.
    out : path, optional
        A folder that does not exist yet; ``runs/<time>-<source>-<network>`` if not given.
    progress : callable
        Called about once a second, and at the end of each epoch, with a `Progress`.
    load_seconds : float
        What loading the data took, for the record.
    started : float, optional
        When the job began, on the clock of `time.perf_counter`; now, if not given.

    Returns
    -------
    Run
        Finished.

    Raises
    ------
    SpecError, RecipeError
        If network or batch don't fit the data; nothing is written.
    RunError
        If the folder exists or can't be written.
    TrainingInterrupted
        After Ctrl-C; its `folder` holds what was learned so far.

    Examples
    --------
    >>> import tempfile, danqing
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> run = danqing.train(danqing.load_data("mnist"), recipe, tempfile.mkdtemp() + "/run")
    >>> run.metrics["test"]["accuracy"] > 0.85
    True
    """
    started = time.perf_counter() if started is None else started
    recipe = recipe or Recipe()
    train_rows, validation_rows = split_rows(dataset.y_train, recipe.validation_share)
    if recipe.batch_size > len(train_rows):
        raise RecipeError(
            f"batch_size: {recipe.batch_size} is larger than the {len(train_rows)} training rows; "
            f"choose at most {len(train_rows)}"
        )
    architecture = design(recipe.spec, dataset.input_shape, len(dataset.class_names))
    label = recipe.network if recipe.network in PRESETS else "spec"
    run = Run(create_folder(out, f"{dataset.name}-{label}"))
    try:
        with Interruption() as interruption:
            job = _Job(dataset, recipe, architecture, run, train_rows, validation_rows)
            job.seconds["load"] = load_seconds
            complete = job.fit(lambda: interruption.requested, progress)
    except BaseException:
        _remove_if_nothing_learned(run.folder)
        raise
    if not complete:
        raise _interrupted(run, recipe.epochs)
    began = time.perf_counter()
    metrics = evaluate(run, dataset)
    job.seconds["evaluate"] = time.perf_counter() - began
    job.seconds["total"] = time.perf_counter() - started
    seconds = {name: round(value, 3) for name, value in job.seconds.items()}
    run.write_metrics({**metrics, "seconds": seconds, "parameters": architecture.parameters})
    return run


class _Job:
    """A training under way: what it was given, and the seconds that its parts took."""

    def __init__(
        self,
        dataset: Dataset,
        recipe: Recipe,
        architecture: Architecture,
        run: Run,
        train_rows: Any,
        validation_rows: Any,
    ) -> None:
        self.recipe, self.architecture, self.run = recipe, architecture, run
        began = time.perf_counter()
        self.train = dataset.x_train[train_rows], dataset.y_train[train_rows]
        self.validation = dataset.x_train[validation_rows], dataset.y_train[validation_rows]
        self.scaling: Scaling = fit_scaling(self.train[0], recipe.scaling)
        self.seconds = {"load": 0.0, "prepare": time.perf_counter() - began}
        run.write_start(
            {
                **recipe.model_dump(),
                "spec": recipe.spec,
                "versions": {
                    **{name: version(name) for name in ("danqing", "keras", "numpy")},
                    "tensorflow": _tensorflow_version(),
                    "python": platform.python_version(),
                },
            },
            {
                "name": dataset.name,
                "source": dataset.source,
                "fingerprint": dataset.fingerprint,
                "class_names": list(dataset.class_names),
                "input_shape": list(dataset.input_shape),
                "counts": {
                    "train": len(train_rows),
                    "validation": len(validation_rows),
                    "test": len(dataset.y_test),
                },
                "removed": {},
                "split": {"seed": SPLIT_SEED, "validation_share": recipe.validation_share},
            },
            {**architecture.to_json(), "preparation": self.scaling.to_json()},
        )

    def fit(self, stopped: Callable[[], bool], progress: Callable[[Progress], None]) -> bool:
        """Train and save; False if it was stopped before the end."""
        from danqing.networks.build import build, logits_of
        from danqing.training.loop import Loop

        began = time.perf_counter()
        model = build(self.architecture, self.scaling, self.recipe.seed)
        loop = Loop(
            logits_of(model),
            self.recipe,
            self.train,
            self.validation,
            convolutional=self.architecture.convolutional,
        )
        history = []
        for report in loop.run(stopped, progress):
            history.append(asdict(report))
            self.run.write_history(history)
            if not np.isfinite([report.loss, report.val_loss]).all():
                raise _diverged(self.run, report.epoch)
        if not loop.steps_made:
            return False
        self.seconds["compile"] = loop.compile_seconds
        self.seconds["fit"] = time.perf_counter() - began - loop.compile_seconds
        self._save(model)
        return len(history) == self.recipe.epochs

    def _save(self, model: Any) -> None:
        """Write the network, having compared what ships with what was trained."""
        from danqing.networks.build import tensors_of

        tensors = tensors_of(model)
        exported = to_onnx(self.architecture, self.scaling, tensors)
        pictures = self.validation[0][:_PARITY_ROWS]
        trained = np.asarray(model(pictures.astype(np.float32), training=False))
        difference = float(np.abs(Session(exported).predict(pictures) - trained).max())
        if not difference <= _PARITY:
            raise ParityError(
                f"{self.run.folder}: the ONNX network's probabilities differ from the trained "
                f"one's by {difference:.2g}, more than {_PARITY}; it is not written. "
                f"Please report this network: {self.recipe.spec}"
            )
        self.run.write_network(tensors, exported)


def _tensorflow_version() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except ModuleNotFoundError:
            continue
    return "unknown"


def _diverged(run: Run, epoch: int) -> DanqingError:
    return DanqingError(
        f"training diverged in epoch {epoch}: the loss is no number any more; choose a smaller "
        f"learning rate. The record is in {run.folder}"
    )


def _interrupted(run: Run, epochs: int) -> TrainingInterrupted:
    if _remove_if_nothing_learned(run.folder):
        return TrainingInterrupted("stopped before anything was learned; nothing was kept")
    return TrainingInterrupted(
        f"stopped after {len(run.history)} of {epochs} epochs; what was learned so far is kept in "
        f"{run.folder}, `danqing evaluate {run.folder}` measures it",
        run.folder,
    )


def _remove_if_nothing_learned(folder: Path) -> bool:
    """Remove the folder that this training made, unless it holds a network or a history."""
    if any((folder / name).exists() for name in ("weights.safetensors", "history.csv")):
        return False
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return True
