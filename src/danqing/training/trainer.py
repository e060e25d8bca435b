"""Dataset + Recipe -> a trained network: prepare, design, fit, export. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Splits, Subset
from danqing.errors import DanqingError, ParityError, RecipeError
from danqing.networks.architecture import Architecture, design
from danqing.networks.onnx_graph import to_onnx
from danqing.prediction.drawing import looks_like_mnist
from danqing.prediction.session import Session
from danqing.preparation.infer_traits import infer_traits
from danqing.preparation.preparation import fit_preparation
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.budget import Budget
from danqing.training.fine_tuning import (
    refuse_as_teacher,
    refuse_other_data,
    with_network_of,
)
from danqing.training.loop.progress import EpochReport, TrainingProgress

if TYPE_CHECKING:
    from danqing.training.loop.batches import TrainingRows
    from danqing.training.loop.checkpoint_manager import CheckpointManager
    from danqing.training.loop.loop import Loop
    from danqing.training.semi_supervised.unlabelled import Unlabelled

__all__ = ["Trainer"]

_PARITY_ROWS = 500
_CAUTION = 1.1  # what comes last takes longer than in rehearsal, if at all
_PARITY = 1e-4  # greatest difference of a probability, or of a number in its target's scale


class Trainer:
    """A training, prepared and checked, that is yet to be run.

    Parameters
    ----------
    dataset : Dataset
    splits : Splits
        Its rows, divided.
    recipe : Recipe
        What it leaves open is fitted to the data.
    base : Run, optional
        A finished run to train on from: its network, preparation and weights are taken over.
    unlabelled : Unlabelled, optional
        Pictures without labels to learn from, beside those of `splits`.
    teacher : Run, optional
        A finished run whose answers are learned in place of the labels. For rows of a table its
        preparation is taken over, so that both read the same features.

    Attributes
    ----------
    recipe : Recipe
    preparation : Preparation
    architecture : Architecture
    convolutional : bool
        Whether a step convolves, in the network or in its teacher.
    history : list of EpochReport
    steps : int
        Made in all, by whatever processes; after `fit`.
    tensors : dict of ndarray
        The trained weights by name; after `fit`.
    onnx : bytes
        The same network for ONNX Runtime; after `fit`.
    seconds : dict
        ``prepare``, ``compile`` and ``fit``.

    Raises
    ------
    SpecError, RecipeError
        If network or batch don't fit the data.
    """

    def __init__(
        self,
        dataset: Dataset,
        splits: Splits,
        recipe: Recipe,
        base: RunFolder | None = None,
        unlabelled: Unlabelled | None = None,
        teacher: RunFolder | None = None,
    ) -> None:
        began = time.perf_counter()
        self.dataset, self.splits, self.base, self.unlabelled = dataset, splits, base, unlabelled
        self.teacher = teacher
        shape = dataset.input_shape
        if teacher:
            refuse_as_teacher(teacher, dataset, base, self.unlabelled_rows)
        if base:
            refuse_other_data(dataset, base)
            self.preparation, shape = base.preparation, base.input_shape
        elif teacher and dataset.tabular:
            self.preparation, shape = teacher.preparation, teacher.input_shape
        elif dataset.tabular:
            self.preparation = fit_preparation(splits.train, "feature")
            shape = self.preparation.scaling.mean_.shape
        drawings = not dataset.tabular and looks_like_mnist(dataset.x_train[:200])
        self.recipe = recipe.for_data(
            infer_traits(dataset, splits.train, shape, drawings, self.unlabelled_rows)
        )
        if base:
            self.recipe = with_network_of(base, self.recipe)
        rows = len(splits.train)
        if self.recipe.batch_size > rows and not self.recipe.unlabelled_weight:
            raise RecipeError(
                f"batch_size: {self.recipe.batch_size} is larger than the {rows} training rows; "
                f"choose at most {rows}"
            )
        self.architecture: Architecture = design(
            self.recipe.spec,
            shape,
            len(dataset.class_names),
            self.recipe.ensemble,
            self.recipe.tta_views,
        )
        # A step looks once; only the answers of what ships are means.
        self._looking_once = replace(self.architecture, tta_views=1)
        if not dataset.tabular and not base:
            self.preparation = fit_preparation(
                splits.train,
                self.recipe.scaling,
                pictures_as=dataset.pictures_as,
                drawings=drawings,
            )
        taught = Architecture.from_json(teacher.network) if teacher else self.architecture
        self.convolutional = self.architecture.convolutional or taught.convolutional
        self.history: list[EpochReport] = []
        self.steps = 0
        self.tensors: dict[str, NDArray[np.float32]] = {}
        self.onnx = b""
        self.seconds = {"prepare": time.perf_counter() - began}

    @property
    def unlabelled_rows(self) -> int:
        """How many pictures without labels there are to learn from."""
        withheld, others = self.splits.unlabelled, self.unlabelled
        return (len(withheld) if withheld else 0) + (len(others.pictures) if others else 0)

    def fit(
        self,
        stopped: Callable[[], bool] = lambda: False,
        progress: Callable[[TrainingProgress], None] = lambda progress: None,
        each_epoch: Callable[[], None] = lambda: None,
        checkpoint_manager: CheckpointManager | None = None,
        budget: Budget | None = None,
    ) -> bool:
        """Train; False if it was stopped before the end.

        Parameters
        ----------
        stopped, progress, each_epoch : callable
            Called between stretches of about a second, and after each epoch.
        checkpoint_manager : CheckpointManager, optional
            Takes up the newest state it has, and keeps those to come.
        budget : Budget, optional
            Of time; its reserve is measured here.

        Raises
        ------
        DanqingError
            If the training diverges.
        ParityError
            If the exported network disagrees with the trained one.
        RecipeError
            If the budget is spent before the first step.
        """
        from danqing.networks.build import build, load_tensors

        model = build(self._looking_once, self.preparation, self.recipe.seed)
        if self.base:
            load_tensors(model, self.base.tensors)
        loop = self._loop(model, budget)
        if checkpoint_manager:
            checkpoint_manager.restore(loop)
            self.history = loop.position.history
        if budget:
            self._rehearse(model, budget)

        def between() -> bool:
            stop = stopped()
            if budget and not loop.position.steps:
                budget.refuse_spent()
            if checkpoint_manager and loop.position.steps:
                checkpoint_manager.keep(loop, now=stop)
            return stop

        for report in loop.run(between, progress):
            each_epoch()
            if not np.isfinite([report.loss, report.val_loss]).all():
                raise DanqingError(
                    f"training diverged in epoch {report.epoch}: the loss is no number any more; "
                    "choose a smaller learning rate"
                )
        self.steps = loop.position.steps
        if not self.steps:
            return False
        self.seconds["compile"] = loop.compile_seconds
        self.seconds["fit"] = loop.position.trained_seconds
        self._export(model)
        return not loop.stopped

    def _loop(self, model: Any, budget: Budget | None) -> Loop:
        from danqing.training.distillation.teacher import Teacher
        from danqing.training.loop.loop import Loop

        loop = Loop(
            self._looking_once,
            model,
            self.recipe,
            self._train_rows(),
            self._rows(self.splits.validation),
            self.preparation.target[1],
            budget,
            Teacher(self.teacher, self.preparation.target) if self.teacher else None,
        )
        self.history = loop.position.history
        return loop

    def _rehearse(self, model: Any, budget: Budget) -> None:
        """Export the network as it is and answer by it, to know what time to keep for that."""
        # What is slow for the first time only.
        import scipy.stats  # noqa: F401
        import sklearn.metrics  # noqa: F401

        subset = self.splits.validation
        exporting = _quickest(lambda: self._export(model))
        session, some = Session(self.onnx), subset.rows[:_PARITY_ROWS]
        answering = _quickest(lambda: session.predict(self.preparation.encoded(subset.x[some])))
        # Validation once more by TensorFlow, then validation and test by what ships.
        rows = 2 * len(subset) + len(self.splits.test)
        budget.reserve += _CAUTION * (exporting + answering * rows / len(some))
        self.tensors, self.onnx = {}, b""

    def _train_rows(self) -> TrainingRows:
        from danqing.training.semi_supervised.unlabelled import joined

        rows = self._rows(self.splits.train)
        if not self.recipe.unlabelled_weight:
            return rows
        return joined(rows, self.splits.unlabelled, self.unlabelled)

    def _rows(self, subset: Subset) -> TrainingRows:
        from danqing.training.loop.batches import TrainingRows

        examples = self.preparation.encoded(subset.x) if self.dataset.tabular else subset.x
        if self.dataset.task == "regression":
            mean, scale = self.preparation.target
            return TrainingRows(examples, (subset.y - mean) / scale, subset.rows)
        weights = None
        if self.recipe.class_weight == "balanced":
            counts = np.bincount(self.splits.train.labels, minlength=len(self.dataset.class_names))
            known = (counts > 0).sum()
            weights = (len(self.splits.train) / (known * np.maximum(counts, 1)))[subset.y]
        return TrainingRows(examples, subset.y, subset.rows, weights)

    def _export(self, model: Any) -> None:
        """Export the network, and compare what ships with what was trained."""
        from danqing.networks.build import build, load_tensors, tensors_of

        self.tensors = tensors_of(model)
        exported = to_onnx(self.architecture, self.preparation, self.tensors)
        some = self.splits.validation.rows[:_PARITY_ROWS]
        examples = self.preparation.encoded(self.splits.validation.x[some])
        if self.architecture.tta_views > 1:
            model = build(self.architecture, self.preparation)
            load_tensors(model, self.tensors)
        trained = np.asarray(model(examples.astype(np.float32), training=False))
        difference = np.abs(Session(exported).predict(examples) - trained).max()
        mean, scale = self.preparation.target
        if not difference <= _PARITY * (abs(mean) + scale):
            raise ParityError(
                f"the ONNX network's answers differ from the trained one's by {difference:.2g}; "
                f"it is not written. Please report this network: {self.recipe.spec}"
            )
        self.onnx = exported


def _quickest(work: Callable[[], Any]) -> float:
    """Give the least seconds of three: the first may load things, and others may be at work."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
