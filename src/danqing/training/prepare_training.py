"""Dataset + Splits + Recipe -> TrainingPlan: fits to the data what the recipe leaves open.

Refuses what does not go together, before anything slow is imported. Trains nothing.
"""

from __future__ import annotations

import time

from danqing.data.dataset import Dataset
from danqing.data.split import Splits
from danqing.errors import RecipeError
from danqing.networks.architecture import design
from danqing.prediction.drawing import looks_like_mnist
from danqing.preparation.infer_traits import infer_traits
from danqing.preparation.preparation import Preparation, fit_preparation
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.distillation.check_teacher import check_teacher
from danqing.training.earlier_run import refuse_other_data
from danqing.training.fine_tuning import with_base_network
from danqing.training.semi_supervised.unlabelled import UnlabelledPictures
from danqing.training.training_plan import TrainingPlan

__all__ = ["prepare_training"]


def prepare_training(
    dataset: Dataset,
    splits: Splits,
    recipe: Recipe,
    base: RunFolder | None = None,
    unlabelled: UnlabelledPictures | None = None,
    teacher: RunFolder | None = None,
) -> TrainingPlan:
    """Decide everything that a training is going to do.

    Parameters
    ----------
    dataset : Dataset
    splits : Splits
    recipe : Recipe
        What it leaves open is fitted to the data.
    base : RunFolder, optional
        A finished run to fine-tune: its network, preparation and weights are taken over.
    unlabelled : UnlabelledPictures, optional
        Pictures without labels, beside those of `splits`.
    teacher : RunFolder, optional
        A finished run whose predictions are learned in place of the labels. For tables its
        preparation is taken over, so that both networks read the same features.

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
    if teacher:
        check_teacher(teacher, dataset, base, count)
    if base:
        refuse_other_data(dataset, base)
    preparation, shape = _before_recipe(dataset, splits, base, teacher)
    drawings = not dataset.tabular and looks_like_mnist(dataset.x_train[:200])
    recipe = recipe.for_data(infer_traits(dataset, splits.train, shape, drawings, count))
    if base:
        recipe = with_base_network(recipe, base)
    _check_batch_size(recipe, len(splits.train))
    classes = len(dataset.class_names)
    architecture = design(recipe.spec, shape, classes, recipe.ensemble, recipe.tta_views)
    if preparation is None:
        preparation = fit_preparation(
            splits.train, recipe.scaling, pictures_as=dataset.pictures_as, drawings=drawings
        )
    return TrainingPlan(
        dataset,
        splits,
        recipe,
        preparation,
        architecture,
        base,
        unlabelled,
        teacher,
        time.perf_counter() - began,
    )


def _before_recipe(
    dataset: Dataset, splits: Splits, base: RunFolder | None, teacher: RunFolder | None
) -> tuple[Preparation | None, tuple[int, ...]]:
    """Find the shape that the network takes, and the preparation if it decides or is given."""
    if base:
        return base.preparation, base.input_shape
    if not dataset.tabular:
        return None, dataset.input_shape
    if teacher:
        return teacher.preparation, teacher.input_shape
    # How many features a table's columns become is known only when they are encoded.
    preparation = fit_preparation(splits.train, "feature")
    return preparation, preparation.scaling.mean_.shape


def _check_batch_size(recipe: Recipe, rows: int) -> None:
    if recipe.batch_size > rows and not recipe.unlabelled_weight:
        raise RecipeError(
            f"batch_size: {recipe.batch_size} is larger than the {rows} training rows; "
            f"choose at most {rows}"
        )
