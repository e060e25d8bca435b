"""Dataset + Recipe -> Run: the whole job, in the order of the flow. Knows no command line."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.data.dataset import Dataset
from danqing.data.divide import divide
from danqing.data.split import SPLIT_SEED
from danqing.errors import DanqingError, TrainingInterrupted
from danqing.evaluation.evaluate import evaluate
from danqing.recipe.presets import PRESETS
from danqing.recipe.recipe import Recipe
from danqing.runs.run import Run, create_folder
from danqing.training.fitting import Fitting
from danqing.training.interruption import Interruption
from danqing.training.threads import use_one_thread

if TYPE_CHECKING:
    from danqing.training.loop import Progress

__all__ = ["train"]


def train(
    dataset: Dataset,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    progress: Callable[[Progress], None] = lambda progress: None,
    load_seconds: float = 0.0,
    started: float | None = None,
    owns_process: bool = False,
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
    owns_process : bool
        Whether the number of threads may be chosen for the whole process.

    Returns
    -------
    Run
        Finished.

    Raises
    ------
    SourceError, SpecError, RecipeError
        If the rows are too few, or network or batch don't fit them; nothing is written.
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
    parts = divide(dataset, recipe.validation_share)
    fitting = Fitting(dataset, parts, recipe)
    if owns_process and not fitting.architecture.convolutional:
        use_one_thread()
    label = recipe.network if recipe.network in PRESETS else "spec"
    run = Run(create_folder(out, f"{dataset.name}-{label}"))
    try:
        with Interruption() as interruption:
            _write_start(run, fitting)
            complete = fitting.fit(
                lambda: interruption.requested,
                progress,
                lambda: run.write_history(r.line(dataset.task) for r in fitting.history),
            )
            if fitting.onnx:
                run.write_network(fitting.tensors, fitting.onnx)
    except BaseException as error:
        if not _remove_if_nothing_learned(run.folder) and type(error) is DanqingError:
            raise DanqingError(f"{error}. The record is in {run.folder}") from None
        raise
    if not complete:
        raise _interrupted(run, fitting.recipe.epochs)
    began = time.perf_counter()
    metrics = evaluate(run, dataset)
    seconds = {
        "load": load_seconds,
        **fitting.seconds,
        "evaluate": time.perf_counter() - began,
        "total": time.perf_counter() - started,
    }
    run.write_metrics(
        {
            **metrics,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "parameters": fitting.architecture.parameters,
        }
    )
    return run


def _write_start(run: Run, fitting: Fitting) -> None:
    """Write what is known before the first step."""
    dataset, parts, recipe = fitting.dataset, fitting.parts, fitting.recipe
    versions = {name: version(name) for name in ("danqing", "keras", "numpy")}
    run.write_start(
        {
            **recipe.model_dump(),
            "spec": recipe.spec,
            "versions": {
                **versions,
                "tensorflow": _tensorflow_version(),
                "python": platform.python_version(),
            },
        },
        {
            "name": dataset.name,
            "source": dataset.source,
            "task": dataset.task,
            "target": dataset.target,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "input_shape": list(dataset.input_shape),
            "counts": {name: len(getattr(parts, name)) for name in ("train", "validation", "test")},
            "removed": {**dataset.removed, **parts.removed},
            "split": {"seed": SPLIT_SEED, "validation_share": recipe.validation_share},
        },
        {**fitting.architecture.to_json(), "preparation": fitting.preparation.to_json()},
    )


def _tensorflow_version() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except ModuleNotFoundError:
            continue
    return "unknown"


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
