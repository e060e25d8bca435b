"""Dataset + Recipe -> a run folder: the whole training, in the order of the flow.

Knows no command line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.data.dataset import Dataset
from danqing.data.split import split_by_settings
from danqing.data.tables.row_numbers import IDENTIFIERS
from danqing.errors import DanqingError, RunError
from danqing.evaluation.confidence import calibration_on_validation
from danqing.evaluation.evaluate import metrics_of
from danqing.evaluation.parity import certify
from danqing.evaluation.predictions import evaluation_data, predict_subset
from danqing.prediction.predictor import Predictor
from danqing.preparation.mean_picture import mean_picture
from danqing.recipe.recipe import Recipe
from danqing.runs.create import open_run, remove_if_nothing_learned
from danqing.runs.metadata import Metadata, refuse_differences
from danqing.runs.run_folder import RunFolder
from danqing.training.budget import Budget, Clock
from danqing.training.describe_training import describe_training, learned_rows
from danqing.training.earlier_run import load_finished_run
from danqing.training.fine_tuning import recipe_for_base
from danqing.training.history import HistoryWriter
from danqing.training.loop.interruption import Interruption
from danqing.training.prepare_training import TrainingPlan, prepare_training
from danqing.training.semi_supervised.unlabelled import UnlabelledPictures
from danqing.training.threads import choose_threads
from danqing.training.trainer import Trainer
from danqing.training.unfinished import interrupted, what_is_kept

if TYPE_CHECKING:
    from danqing.training.loop.progress import TrainingProgress

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
    unlabelled: UnlabelledPictures | None = None,
    teacher: str | Path | None = None,
    tensorboard: bool = False,
    progress: Callable[[TrainingProgress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    load_seconds: float = 0.0,
    started: float | None = None,
    owns_process: bool = False,
) -> RunFolder:
    """Train a network, evaluate it, and leave everything in a run folder.

    Parameters
    ----------
    dataset : Dataset
    recipe, out, resume, base, teacher, tensorboard, progress
        As for `danqing.train`, with runs named by their folders.
    unlabelled : UnlabelledPictures, optional
        As `read_unlabelled` returns them.
    stop : callable
        Called about once a second; True stops as Ctrl-C does.
    load_seconds : float
        How long loading the data took, to be recorded.
    started : float, optional
        When the job began, on the clock of `time.perf_counter`; now, if not given. The recipe's
        time budget counts from there.
    owns_process : bool
        Whether the number of threads may be chosen for the whole process.

    Returns
    -------
    RunFolder
        Finished. Raises what `danqing.train` raises.

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
    base_run = load_finished_run(base) if base else None
    if base_run:
        recipe = recipe_for_base(recipe, base_run)
    import sklearn.model_selection  # noqa: F401  or its import would count as splitting

    began = time.perf_counter()
    splits = split_by_settings(dataset, recipe.model_dump())
    split_seconds = time.perf_counter() - began
    pictures = unlabelled.without_held_out(splits) if unlabelled else None
    teacher_run = load_finished_run(teacher) if teacher else None
    plan = prepare_training(dataset, splits, recipe, base_run, pictures, teacher_run)
    _name_columns_left_out(plan)
    metadata = describe_training(plan)
    with open_run(out, plan.name, resume=resume) as run:
        if run.begun:
            refuse_differences(run, metadata)
        if run.finished:
            _log.warning("run %s: has finished already; there is nothing to do", run.folder)
            run.checkpoints.remove()
            return run
        _say_what_is_kept(plan)
        try:
            _start(run, plan, metadata, owns_process)
            budget = None
            if plan.recipe.minutes is not None:
                budget = Budget(60 * plan.recipe.minutes, clock)
                budget.reserve = split_seconds + _WRITING + _EXIT * owns_process
            trainer = Trainer(plan)
            complete = _fit(run, trainer, clock, budget, progress, stop, tensorboard)
            if complete:
                _evaluate(run, trainer, clock, load_seconds)
        except BaseException as error:
            kept = not remove_if_nothing_learned(run)
            if kept and type(error) in (DanqingError, RunError):
                raise type(error)(f"{error}. {what_is_kept(run.folder)}") from None
            raise
        if not complete:
            raise interrupted(run)
    return run


def _name_columns_left_out(plan: TrainingPlan) -> None:
    encoding = plan.preparation.encoding
    for name, reason in (encoding.dropped if encoding else {}).items():
        hint = f"; --column {name}=number uses it" if reason in IDENTIFIERS else ""
        _log.warning("%s: the column %r is left out: %s%s", plan.dataset.name, name, reason, hint)


def _say_what_is_kept(plan: TrainingPlan) -> None:
    """Say what of a base serves other data than it was trained on, and how these are adapted."""
    if plan.base and plan.transfer:
        _log.warning("%s", plan.transfer.describe(plan.base, plan.dataset, plan.recipe))
    if plan.base and plan.resized:
        before, after = ("x".join(map(str, shape)) for shape in
                         (plan.dataset.input_shape, plan.base.input_shape))  # fmt: skip
        _log.warning(
            "%s: pictures of %s are resized to %s, as %s takes them",
            plan.dataset.name, before, after, plan.base.folder,
        )  # fmt: skip


def _start(run: RunFolder, plan: TrainingPlan, metadata: Metadata, owns_process: bool) -> None:
    """Set the threads, and write what is known before the first step unless it is there."""
    begun = run.begun
    threads = choose_threads(
        run.config.get("threads") if begun else None,
        convolutional=plan.convolutional,
        owns_process=owns_process,
    )
    if not begun:
        config = {**metadata.config, "threads": threads}
        run.write_start(config, metadata.data, metadata.network, learned_rows(plan))


def _fit(
    run: RunFolder,
    trainer: Trainer,
    clock: Clock,
    budget: Budget | None,
    progress: Callable[[TrainingProgress], None],
    stop: Callable[[], bool],
    tensorboard: bool,
) -> bool:
    """Train from the newest checkpoint, if any, and write the network; False after Ctrl-C."""
    from danqing.training.loop.checkpoint_manager import CheckpointManager, identity_of

    checkpoint_manager = CheckpointManager(
        run.checkpoints, identity_of(run.config, run.data), clock
    )
    history = HistoryWriter(run, trainer, tensorboard)
    with Interruption() as interruption:
        complete = trainer.fit(
            lambda: interruption.requested or stop(),
            progress,
            history.write,
            checkpoint_manager,
            budget,
        )
        history.write(last=True)
        if trainer.steps:
            exported = trainer.exported
            run.write_network(exported.tensors, exported.onnx, exported.temperature)
    return complete


def _evaluate(run: RunFolder, trainer: Trainer, clock: Clock, load_seconds: float) -> None:
    """Evaluate what was written, and mark the run as finished."""
    began, minutes = time.perf_counter(), trainer.plan.recipe.minutes
    try:
        data, predictor = evaluation_data(run, trainer.plan.dataset), Predictor(run)
        predictions = {name: predict_subset(predictor, one) for name, one in data.subsets.items()}
        metrics = {name: metrics_of(run, one) for name, one in predictions.items()}
        run.write_calibration(calibration_on_validation(run, predictions["validation"]))
        exported = trainer.exported
        certificate = certify(predictor, exported.samples, exported.keras_outputs)
        if not certificate["agrees"]:
            _log.warning(
                "%s: predictions for raw examples differ from those of training; "
                "certificate.json says by how much, and `danqing export` will refuse",
                run.folder,
            )
        run.write_certificate(certificate, mean_picture(trainer.plan.splits.train))
    except KeyboardInterrupt:
        raise interrupted(run) from None
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
            "parameters": trainer.plan.architecture.parameters,
            **({"budget": {"minutes": minutes, "steps": trainer.steps}} if minutes else {}),
        }
    )
    run.checkpoints.remove()
