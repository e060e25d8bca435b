"""Fine-tuning: a finished run's network and weights are where a new training starts.

Knows how it changes the recipe; writes nothing.
"""

from __future__ import annotations

from danqing.errors import RecipeError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder

__all__ = ["recipe_for_base", "with_base_network"]


def recipe_for_base(recipe: Recipe, base: RunFolder) -> Recipe:
    """Name the base's network in a recipe that names none."""
    given = {name: getattr(recipe, name) for name in recipe.model_fields_set}
    inherited = {"network": base.config.get("network", "fast"), "ensemble": base.members}
    return Recipe(**{**inherited, **given})


def with_base_network(recipe: Recipe, base: RunFolder) -> Recipe:
    """Set the base's network in a recipe that has been fitted to the new data.

    Raises
    ------
    RecipeError
        If it asks for another one.
    """
    spec = base.network["spec"]
    if recipe.ensemble != base.members:
        raise RecipeError(
            f"ensemble: {recipe.ensemble}, but {base.folder} has {base.members}; leave --ensemble "
            "out, or train from scratch without --from"
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
