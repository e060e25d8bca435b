"""Dataset + Splits + Recipe -> TrainingPlan: everything that a training is going to do.

Fits to the data what the recipe leaves open, and refuses what does not go together before anything
slow is imported. Trains nothing; knows no Keras model.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Splits, Subset
from danqing.networks.architecture import Architecture, design
from danqing.prediction.resize import resize_splits
from danqing.preparation.infer_traits import infer_traits
from danqing.preparation.preparation import Preparation, fit_preparation
from danqing.recipe.presets import PRESETS
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.earlier_run import check_earlier_runs
from danqing.training.fine_tuning import preparation_for_base, with_base_network
from danqing.training.loop.training_rows import TrainingRows
from danqing.training.semi_supervised.unlabelled import UnlabelledPictures, join_unlabelled
from danqing.training.transfer import Transfer, transfer_from

__all__ = ["TrainingPlan", "prepare_training"]


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What is trained, on what, and how; as `prepare_training` decides it.

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
    transfer : Transfer, optional
        What of `base` is kept, if its output layer is not.
    unlabelled : UnlabelledPictures, optional
        More unlabelled pictures, beside those of `splits`.
    teacher : RunFolder, optional
        The finished run whose predictions are the targets.
    sample_weight : ndarray of float64, optional
        The weight of each of the dataset's training rows in the loss.
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
    sample_weight: NDArray[np.float64] | None = field(default=None, repr=False)
    seconds: float = 0.0
    transfer: Transfer | None = None

    @property
    def name(self) -> str:
        """What the run is called where no folder is named: the data and the network."""
        network = self.recipe.network
        return f"{self.dataset.name}-{network if network in PRESETS else 'spec'}"

    @property
    def resized(self) -> bool:
        """Whether pictures are resized, to what the layers of `base` take."""
        return (
            not self.dataset.tabular and self.dataset.input_shape != self.splits.train.x.shape[1:]
        )

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
        """How many unlabelled pictures are trained on."""
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
            targets = (subset.y - mean) / scale
            return TrainingRows(examples, targets, subset.rows, self._weights(subset))
        balancing = None
        if self.recipe.class_weight == "balanced":
            train = self.splits.train
            counts = np.bincount(train.labels, minlength=len(self.dataset.class_names))
            known = (counts > 0).sum()
            balancing = (len(train) / (known * np.maximum(counts, 1)))[subset.y]
        return TrainingRows(examples, subset.y, subset.rows, self._weights(subset, balancing))

    def _weights(
        self, subset: Subset, factors: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64] | None:
        """Multiply sample weights and factors; the mean over the training rows is 1."""
        if self.sample_weight is None or subset.x is not self.splits.train.x:
            return factors  # those of classes have that mean already
        weights = self.sample_weight * (1.0 if factors is None else factors)
        return np.asarray(weights / weights[self.splits.train.rows].mean())


def prepare_training(
    dataset: Dataset,
    splits: Splits,
    recipe: Recipe,
    base: RunFolder | None = None,
    unlabelled: UnlabelledPictures | None = None,
    teacher: RunFolder | None = None,
    sample_weight: NDArray[Any] | None = None,
) -> TrainingPlan:
    """Decide everything that a training is going to do.

    Parameters
    ----------
    dataset : Dataset
    splits : Splits
    recipe : Recipe
        What it leaves open is fitted to the data.
    base : RunFolder, optional
        A finished run to fine-tune: its network, preparation and weights are taken over, the
        output layer only if it serves the data's target.
    unlabelled : UnlabelledPictures, optional
        Unlabelled pictures, beside those of `splits`.
    teacher : RunFolder, optional
        A finished run whose predictions are learned in place of the labels. For tables its
        preparation is taken over, so that both networks read the same features.
    sample_weight : ndarray, optional
        The weight of each of the dataset's training rows in the loss, 0 or more.

    Raises
    ------
    SpecError, RecipeError
        If network or batch size do not fit the data.
    RunError
        If `base` or `teacher` were trained on data of another kind.

    Examples
    --------
    >>> from danqing import load_data
    >>> from danqing.data.split import split
    >>> iris = load_data("iris")
    >>> plan = prepare_training(iris, split(iris, 0.1), Recipe())
    >>> plan.recipe.spec, plan.architecture.input_shape
    ('dense(64)-dropout(0.3)-dense(32)-dropout(0.3)', (4,))
    """
    began = time.perf_counter()
    count = len(splits.unlabelled) if splits.unlabelled else 0
    count += len(unlabelled.pictures) if unlabelled else 0
    check_earlier_runs(dataset, base, teacher, count)
    traits = infer_traits(dataset, splits.train, count)
    recipe = recipe.for_data(traits)
    transfer = None
    if base:
        transfer, recipe = (
            transfer_from(base, dataset, splits.train),
            with_base_network(recipe, base),
        )
        preparation = preparation_for_base(
            base, dataset, splits.train, transfer, drawings=traits.drawings
        )
        splits = resize_splits(splits, base.input_shape, in_memory=True)
        unlabelled = unlabelled.resized(base.input_shape) if unlabelled else None
    elif teacher and dataset.tabular:  # a teacher and its student read the same features
        preparation = teacher.preparation
    else:
        preparation = fit_preparation(
            splits.train,
            recipe.scaling,
            pictures_as=dataset.pictures_as,
            drawings=traits.drawings,
        )
    shape = tuple(splits.train.x.shape[1:])
    if dataset.tabular:  # a table's columns become more features
        shape = preparation.scaling.mean_.shape
    classes = len(dataset.class_names)
    architecture = design(recipe.spec, shape, classes, recipe.ensemble, recipe.tta_views)
    return TrainingPlan(
        dataset,
        splits,
        recipe,
        preparation,
        architecture,
        base,
        unlabelled,
        teacher,
        sample_weight,
        time.perf_counter() - began,
        transfer,
    )
