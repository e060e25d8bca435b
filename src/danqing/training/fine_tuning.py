"""Fine-tuning: a finished run's network and weights are where a new training starts.

Knows how it changes recipe, preparation and first weights; writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Subset
from danqing.errors import RecipeError
from danqing.preparation.preparation import Preparation, refit_output
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.transfer import OUTPUT, Transfer

__all__ = ["preparation_for_base", "recipe_for_base", "starting_tensors", "with_base_network"]

Tensors = dict[str, NDArray[Any]]


def recipe_for_base(recipe: Recipe, base: RunFolder) -> Recipe:
    """Name the base's network and scaling in a recipe that names none."""
    given = {name: getattr(recipe, name) for name in recipe.model_fields_set}
    inherited = {"network": base.config.get("network", "fast"), "ensemble": base.members}
    if "scaling" in base.config:
        inherited["scaling"] = base.config["scaling"]
    return Recipe(**{**inherited, **given})


def with_base_network(recipe: Recipe, base: RunFolder) -> Recipe:
    """Set the base's network in a recipe that has been fitted to the new data.

    Raises
    ------
    RecipeError
        If it asks for another one, or for another scaling.
    """
    spec, scaling = base.network["spec"], base.config.get("scaling", recipe.scaling)
    if recipe.ensemble != base.members:
        raise RecipeError(
            f"ensemble: {recipe.ensemble}, but {base.folder} has {base.members}; leave --ensemble "
            "out, or train from scratch without --from"
        )
    if recipe.scaling != scaling:
        raise RecipeError(
            f"scaling: {recipe.scaling}, but {base.folder} has {scaling}; leave scaling out, or "
            "train from scratch without --from"
        )
    if recipe.spec == spec:
        return recipe
    # Other data may make another network of the same preset: the base's own spec counts.
    if recipe.network != base.config.get("network"):
        raise RecipeError(
            f"network: {recipe.network!r} differs from {spec!r}, the network of {base.folder}; "
            "leave --network out, or train from scratch without --from"
        )
    return recipe.model_copy(update={"network": spec})


def preparation_for_base(
    base: RunFolder, dataset: Dataset, train: Subset, transfer: Transfer | None, *, drawings: bool
) -> Preparation:
    """Take over the base's preparation, as far as it suits the new data.

    Parameters
    ----------
    base : RunFolder
    dataset : Dataset
    train : Subset
        Its training rows.
    transfer : Transfer, optional
        Whether the output layer is new: then so are the target's scale and the ranges of a table.
    drawings : bool
        Whether the new pictures were made as MNIST's were.
    """
    preparation = base.preparation
    resized = not dataset.tabular and dataset.input_shape != base.input_shape
    if not dataset.tabular and (transfer or resized):
        # New pictures are read as these were, and then resized as these are.
        preparation = replace(
            preparation, pictures_as=dataset.pictures_as, drawings=drawings and not resized
        )
    return refit_output(preparation, train) if transfer else preparation


def starting_tensors(
    base: RunFolder, class_names: tuple[str, ...], transfer: Transfer | None, initial: Tensors
) -> Tensors:
    """Give the weights to start from: the base's, and a new output layer's in a transfer.

    An output layer that is kept has its columns brought into the order of the classes.

    Parameters
    ----------
    base : RunFolder
    class_names : tuple of str
        Of the new data.
    transfer : Transfer, optional
    initial : dict of str to ndarray
        The weights that the new network was built with.
    """
    if transfer:
        return {**initial, **{n: value for n, value in base.tensors.items() if not _is_output(n)}}
    before = base.class_names
    if before == list(class_names):
        return base.tensors
    order = np.array([before.index(name) for name in class_names])
    return {
        name: value[..., order] if _is_output(name) else value
        for name, value in base.tensors.items()
    }


def _is_output(name: str) -> bool:
    """Whether a weight such as ``member_2/output/kernel`` belongs to the output layer."""
    return name.split("/")[-2] == OUTPUT
