"""Dataset + Recipe -> Run: the whole job, in the order of the flow. Knows no command line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.data.dataset import Dataset
from danqing.data.few_labels import split_by_settings
from danqing.data.split import Splits
from danqing.errors import DanqingError, RecipeError, RunError, TrainingInterrupted
from danqing.evaluation.evaluate import evaluate
from danqing.recipe.presets import PRESETS
from danqing.recipe.recipe import MOST_EPOCHS, Recipe
from danqing.runs.create import create_folder, held, reopen_folder
from danqing.runs.run_folder import RunFolder
from danqing.training.budget import Budget, Clock
from danqing.training.fine_tuning import load_base, recipe_after
from danqing.training.loop.interruption import Interruption
from danqing.training.metadata import HistoryWriter, metadata_of, refuse_differences
from danqing.training.threads import suitable_threads, threads_in_use, use_threads
from danqing.training.trainer import Trainer

if TYPE_CHECKING:
    from danqing.training.loop.progress import TrainingProgress
    from danqing.training.semi_supervised.unlabelled import Unlabelled

__all__ = ["train"]

_log = logging.getLogger("danqing")

_WRITING = 0.3  # seconds of a budget that writing files takes,
_EXIT = 1.3  # and taking TensorFlow down at the end of the process


def train(
    dataset: Dataset,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    base: str | Path | None = None,
    unlabelled: Any = None,
    teacher: str | Path | None = None,
    tensorboard: bool = False,
    progress: Callable[[TrainingProgress], None] = lambda progress: None,
    load_seconds: float = 0.0,
    started: float | None = None,
    owns_process: bool = False,
) -> RunFolder:
    """Train a network, measure it, and leave everything in a run folder.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe, optional
        ``Recipe()``, the preset ``fast``, if not given.
    out : path, optional
        A folder that does not exist yet; ``runs/<time>-<source>-<network>`` if not given.
    resume : bool
        Go on in `out` from the last complete state there; start if there is no such folder, and
        give a finished run as it is.
    base : path, optional
        A finished run whose network, preparation and weights training goes on from.
    unlabelled : str, path, Dataset or array of pictures, optional
        Pictures to learn from, too, without labels: any source, also a folder of pictures without
        class folders. They add to those whose labels `recipe.labels_per_class` sets aside.
    teacher : path, optional
        A finished run whose answers the network learns in place of the labels; it has the same
        classes and takes the same pictures or columns. Validation and test stay by the labels.
    tensorboard : bool
        Also write event logs for TensorBoard, into the folder's ``tensorboard``.
    progress : callable
        Called about once a second, and at the end of each epoch, with a `TrainingProgress`.
    load_seconds : float
        What loading the data took, for the record.
    started : float, optional
        When the job began, on the clock of `time.perf_counter`; now, if not given. The recipe's
        minutes count from there.
    owns_process : bool
        Whether the number of threads may be chosen for the whole process.

    Returns
    -------
    Run
        Finished.

    Raises
    ------
    SourceError, SpecError, RecipeError
        If the rows are too few, or network or batch don't fit them, or the minutes are too few;
        nothing is written.
    RunError
        If the folder exists or can't be written; to resume, if it holds another training.
    TrainingInterrupted
        After Ctrl-C; its `folder` holds what was learned so far.

    Examples
    --------
    >>> import tempfile, danqing
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> run = train(danqing.load_data("mnist"), recipe, tempfile.mkdtemp() + "/run")
    >>> run.metrics["test"]["accuracy"] > 0.85
    True
    """
    clock = Clock(time.perf_counter() if started is None else started)
    recipe = recipe or Recipe()
    from_run = load_base(base) if base else None
    if from_run:
        recipe = recipe_after(from_run, recipe)
    import sklearn.model_selection  # noqa: F401  or its import would count as dividing

    began = time.perf_counter()
    splits = split_by_settings(dataset, recipe.model_dump())
    others = _read_unlabelled(unlabelled, dataset, splits)
    split_seconds = time.perf_counter() - began
    lesson = load_base(teacher) if teacher else None
    trainer = Trainer(dataset, splits, recipe, from_run, others, lesson)
    record = metadata_of(trainer)
    run = RunFolder(_folder(out, resume, dataset, recipe))
    with held(run.folder):
        begun = run.begun
        if begun:
            refuse_differences(run, record)
        if run.finished:
            _log.warning("run %s: is finished already; nothing was left to do", run.folder)
            run.checkpoints.remove()
            return run
        try:
            threads = _threads(run.config.get("threads") if begun else None, trainer, owns_process)
            if not begun:
                run.write_start({**record.config, "threads": threads}, record.data, record.network)
            budget = None
            if trainer.recipe.minutes is not None:
                budget = Budget(60 * trainer.recipe.minutes, clock)
                budget.reserve = split_seconds + _WRITING + _EXIT * owns_process
            complete = _fit(run, trainer, clock, budget, progress, tensorboard)
            if complete:
                _measure(run, trainer, clock, load_seconds)
        except BaseException as error:
            kept = not run.remove_if_nothing_learned()
            if kept and type(error) in (DanqingError, RunError):
                raise type(error)(f"{error}. {_what_is_kept(run.folder)}") from None
            raise
        if not complete:
            raise _interrupted(run)
    return run


def _read_unlabelled(source: Any, dataset: Dataset, splits: Splits) -> Unlabelled | None:
    if source is None:
        return None
    from danqing.training.semi_supervised.unlabelled import read_unlabelled

    return read_unlabelled(source, dataset, splits)


def _folder(out: str | Path | None, resume: bool, dataset: Dataset, recipe: Recipe) -> Path:
    if not resume:
        label = recipe.network if recipe.network in PRESETS else "spec"
        return create_folder(out, f"{dataset.name}-{label}")
    if out is None:
        raise RecipeError("resume: needs the folder to go on in; name it by --out")
    return reopen_folder(out)


def _threads(recorded: int | None, trainer: Trainer, owns_process: bool) -> int:
    """Set the threads an operation, and tell how many there are: a sum's last bits depend on it."""
    if owns_process:
        use_threads(recorded or suitable_threads(convolutional=trainer.convolutional))
    threads = threads_in_use()
    if recorded not in (None, threads):
        _log.warning(
            "it was begun with %s threads an operation and goes on with %s: the weights may "
            "differ in their last digits",
            recorded,
            threads,
        )
    return threads


def _fit(
    run: RunFolder,
    trainer: Trainer,
    clock: Clock,
    budget: Budget | None,
    progress: Callable[[TrainingProgress], None],
    tensorboard: bool,
) -> bool:
    """Train, from the newest state if there is one, and write the network; False after Ctrl-C."""
    from danqing.training.loop.checkpoint_manager import CheckpointManager, identity_of

    checkpoint_manager = CheckpointManager(
        run.checkpoints, identity_of(run.config, run.data), clock
    )
    record = HistoryWriter(run, trainer, tensorboard)
    with Interruption() as interruption:
        complete = trainer.fit(
            lambda: interruption.requested, progress, record.write, checkpoint_manager, budget
        )
        record.write(last=True)
        if trainer.onnx:
            run.write_network(trainer.tensors, trainer.onnx)
    return complete


def _measure(run: RunFolder, trainer: Trainer, clock: Clock, load_seconds: float) -> None:
    """Evaluate what was written, and mark the run as finished."""
    began, minutes = time.perf_counter(), trainer.recipe.minutes
    try:
        metrics = evaluate(run, trainer.dataset)
    except KeyboardInterrupt:
        raise _interrupted(run) from None
    seconds = {
        "load": load_seconds,
        **trainer.seconds,
        "evaluate": time.perf_counter() - began,
        "total": clock(),
    }
    run.write_metrics(
        {
            **metrics,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "parameters": trainer.architecture.parameters,
            **({"budget": {"minutes": minutes, "steps": trainer.steps}} if minutes else {}),
        }
    )
    run.checkpoints.remove()


def _interrupted(run: RunFolder) -> TrainingInterrupted:
    if run.remove_if_nothing_learned():
        return TrainingInterrupted("stopped before anything was learned; nothing was kept")
    epochs = run.config["epochs"]
    done = f"{len(run.history)} epochs"
    if epochs != MOST_EPOCHS:
        done = f"{len(run.history)} of {epochs} epochs"
    return TrainingInterrupted(
        f"stopped after {done}; what was learned so far is kept in {run.folder}, "
        f"`danqing evaluate {run.folder}` measures it. To go on, give the same command with "
        f"--out {run.folder} --resume",
        run.folder,
    )


def _what_is_kept(folder: Path) -> str:
    if (folder / "checkpoints").exists():
        return f"The last state is kept: the same command with --out {folder} --resume goes on"
    return f"The record is in {folder}"
