"""TrainingPlan: everything that a training is going to do, decided before its first step.

Knows how to hand its rows to the loop, but no Keras model and no run folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.split import Splits, Subset
from danqing.networks.architecture import Architecture
from danqing.preparation.preparation import Preparation
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.loop.training_rows import TrainingRows
from danqing.training.semi_supervised.unlabelled import UnlabelledPictures, join_unlabelled

__all__ = ["TrainingPlan"]


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What is trained, on what, and how; made by `danqing.training.prepare_training`.

    Attributes
    ----------
    dataset : Dataset
    splits : Splits
        Its rows for training, validation and test.
    recipe : Recipe
        Fitted to the data.
    preparation : Preparation
    architecture : Architecture
        Of the network that ships.
    base : RunFolder, optional
        The finished run that is fine-tuned.
    unlabelled : UnlabelledPictures, optional
        More pictures without labels, beside those of `splits`.
    teacher : RunFolder, optional
        The finished run whose predictions are the targets.
    seconds : float
        What preparing took.
    """

    dataset: Dataset = field(repr=False)
    splits: Splits = field(repr=False)
    recipe: Recipe
    preparation: Preparation = field(repr=False)
    architecture: Architecture
    base: RunFolder | None = None
    unlabelled: UnlabelledPictures | None = None
    teacher: RunFolder | None = None
    seconds: float = 0.0

    @property
    def trained_architecture(self) -> Architecture:
        """The network as it is trained: a step sees each picture once, without TTA views."""
        return replace(self.architecture, tta_views=1)

    @property
    def convolutional(self) -> bool:
        """Whether a step convolves, in the network or in its teacher."""
        if self.architecture.convolutional or self.teacher is None:
            return self.architecture.convolutional
        return Architecture.from_json(self.teacher.network).convolutional

    @property
    def unlabelled_rows(self) -> int:
        """How many pictures without labels are trained on."""
        if not self.recipe.unlabelled_weight:
            return 0
        withheld, others = self.splits.unlabelled, self.unlabelled
        return (len(withheld) if withheld else 0) + (len(others.pictures) if others else 0)

    def training_rows(self) -> TrainingRows:
        """Collect the rows to train on: labelled ones and, if the recipe says so, unlabelled."""
        rows = self._rows(self.splits.train)
        if not self.recipe.unlabelled_weight:
            return rows
        return join_unlabelled(rows, self.splits.unlabelled, self.unlabelled)

    def validation_rows(self) -> TrainingRows:
        """Collect the rows of the validation set."""
        return self._rows(self.splits.validation)

    def _rows(self, subset: Subset) -> TrainingRows:
        tabular = self.dataset.tabular
        examples = self.preparation.encoded(subset.x) if tabular else subset.x
        if self.dataset.task == "regression":
            mean, scale = self.preparation.target
            return TrainingRows(examples, (subset.y - mean) / scale, subset.rows)
        weights = None
        if self.recipe.class_weight == "balanced":
            train = self.splits.train
            counts = np.bincount(train.labels, minlength=len(self.dataset.class_names))
            known = (counts > 0).sum()
            weights = (len(train) / (known * np.maximum(counts, 1)))[subset.y]
        return TrainingRows(examples, subset.y, subset.rows, weights)
