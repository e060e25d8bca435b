"""TrainingPlan -> a trained network: the loop, its checkpoints and budget, then the export.

Writes nothing but checkpoints, and those through whoever keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.errors import DanqingError
from danqing.training.budget import Budget
from danqing.training.export import ExportedNetwork, export_network
from danqing.training.fine_tuning import starting_tensors
from danqing.training.loop.progress import EpochReport, TrainingProgress
from danqing.training.prepare_training import TrainingPlan
from danqing.training.rehearsal import measure_finish

if TYPE_CHECKING:
    from danqing.training.loop.checkpoint_manager import CheckpointManager
    from danqing.training.loop.loop import Loop

__all__ = ["Trainer"]


class Trainer:
    """Trains the network of a plan.

    Parameters
    ----------
    plan : TrainingPlan

    Attributes
    ----------
    history : list of EpochReport
    steps : int
        Made in total, by all processes that worked on the run; after `fit`.
    exported : ExportedNetwork
        The trained network; empty until `fit` has made a step.
    seconds : dict
        ``prepare`` and, after `fit`, ``compile`` and ``fit``.
    """

    def __init__(self, plan: TrainingPlan) -> None:
        self.plan = plan
        self.history: list[EpochReport] = []
        self.steps = 0
        self.exported = ExportedNetwork({}, b"")
        self.seconds = {"prepare": plan.seconds}

    def fit(
        self,
        stopped: Callable[[], bool] = lambda: False,
        progress: Callable[[TrainingProgress], None] = lambda progress: None,
        each_epoch: Callable[[], None] = lambda: None,
        checkpoint_manager: CheckpointManager | None = None,
        budget: Budget | None = None,
    ) -> bool:
        """Train; return False if it was stopped before the end.

        Parameters
        ----------
        stopped, progress, each_epoch : callable
            The first two are called between chunks of about a second, the last after each epoch.
        checkpoint_manager : CheckpointManager, optional
            Restores the newest checkpoint, and saves those to come.
        budget : Budget, optional
            Of time; what it must reserve for the end is measured here.

        Raises
        ------
        DanqingError
            If the training diverges.
        ParityError
            If the exported network disagrees with the trained one.
        RecipeError
            If the budget is spent before the first step.
        """
        model = self._build_model()
        loop = self._create_loop(model, budget)
        if checkpoint_manager:
            checkpoint_manager.restore(loop)
        self.history = loop.position.history
        if budget:
            budget.reserve += measure_finish(self.plan, model)

        def between_chunks() -> bool:
            stop = stopped()
            if budget and not loop.position.steps:
                budget.refuse_spent()
            if checkpoint_manager and loop.position.steps:
                checkpoint_manager.save(loop, now=stop)
            return stop

        for report in loop.run(between_chunks, progress):
            each_epoch()
            _refuse_divergence(report)
        self.steps = loop.position.steps
        if not self.steps:
            return False
        self.seconds["compile"] = loop.compile_seconds
        self.seconds["fit"] = loop.position.trained_seconds
        self.exported = export_network(self.plan, model, calibrated=not loop.stopped)
        return not loop.stopped

    def _build_model(self) -> Any:
        from danqing.networks.build import build, load_tensors, tensors_of

        plan = self.plan
        model = build(plan.trained_architecture, plan.preparation, plan.recipe.seed)
        if plan.base:
            names, initial = plan.dataset.class_names, tensors_of(model)
            load_tensors(model, starting_tensors(plan.base, names, plan.transfer, initial))
        return model

    def _create_loop(self, model: Any, budget: Budget | None) -> Loop:
        from danqing.training.distillation.teacher import Teacher
        from danqing.training.loop.loop import Loop

        plan = self.plan
        return Loop(
            plan.trained_architecture,
            model,
            plan.recipe,
            plan.training_rows(),
            plan.validation_rows(),
            plan.preparation.target[1],
            budget,
            Teacher(plan.teacher, plan.preparation.target) if plan.teacher else None,
            transfer=plan.transfer is not None,
        )


def _refuse_divergence(report: EpochReport) -> None:
    if not np.isfinite([report.loss, report.val_loss]).all():
        raise DanqingError(
            f"training diverged in epoch {report.epoch}: the loss is NaN or infinite; choose a "
            "smaller learning rate"
        )
