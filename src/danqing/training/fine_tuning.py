"""Training on from a finished run, or by its answers: what must agree. Writes nothing."""

from __future__ import annotations

from pathlib import Path

from danqing.data.dataset import Dataset
from danqing.errors import RecipeError, RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder, load_run

__all__ = [
    "load_base",
    "recipe_after",
    "refuse_as_teacher",
    "refuse_other_data",
    "with_network_of",
]


def load_base(folder: str | Path) -> RunFolder:
    """Open a run to train on from, or to learn from.

    Raises
    ------
    RunError
        If it is none, or not finished.
    """
    run = load_run(folder)
    if not run.finished:
        raise RunError(
            f"run {run.folder}: is not finished; go on with it by --resume, or name a finished one"
        )
    return run


def recipe_after(base: RunFolder, recipe: Recipe) -> Recipe:
    """Give a recipe that names the base's network where it names none itself."""
    given = {name: getattr(recipe, name) for name in recipe.model_fields_set}
    taken = {"network": base.config.get("network", "fast"), "ensemble": base.members}
    return Recipe(**{**taken, **given})


def with_network_of(base: RunFolder, recipe: Recipe) -> Recipe:
    """Give the base's network to a recipe that is fitted to the new data.

    Raises
    ------
    RecipeError
        If it asks for another one.
    """
    spec = base.network["spec"]
    if recipe.ensemble != base.members:
        raise RecipeError(
            f"ensemble: {recipe.ensemble}, and {base.folder} has {base.members}; leave "
            "--ensemble out, or train anew without --from"
        )
    if recipe.spec == spec:
        return recipe
    # Of a preset, other data may make another network: the words of the base's own count.
    if recipe.network != base.config.get("network"):
        raise RecipeError(
            f"network: {recipe.network!r} is another network than that of {base.folder}, {spec!r}; "
            "leave --network out, or train anew without --from"
        )
    return recipe.model_copy(update={"network": spec})


def refuse_other_data(dataset: Dataset, base: RunFolder, option: str = "--from") -> None:
    """Refuse data of another kind than a run has learned from.

    Raises
    ------
    RunError
        Names what differs.
    """
    kind = "rows of a table" if dataset.tabular else "pictures"
    known = "pictures" if len(base.input_shape) == 3 else "rows of a table"
    if kind != known or dataset.task != base.task:
        raise RunError(
            f"run {base.folder}: learned {base.task} of {known}, and {dataset.name} is "
            f"{dataset.task} of {kind}; train anew, without {option}"
        )
    if not dataset.tabular and dataset.input_shape != base.input_shape:
        shapes = ["x".join(map(str, shape)) for shape in (base.input_shape, dataset.input_shape)]
        raise RunError(
            f"run {base.folder}: takes pictures of {shapes[0]} pixels and channels, and those of "
            f"{dataset.name} are {shapes[1]}; train anew, without {option}"
        )
    if list(dataset.class_names) != base.class_names:
        odd = sorted(set(dataset.class_names) ^ set(base.class_names)) or ["their order"]
        raise RunError(
            f"run {base.folder}: has other classes than {dataset.name} ({', '.join(odd[:5])}); "
            f"give data with the same classes, or train anew, without {option}"
        )


def refuse_as_teacher(
    teacher: RunFolder, dataset: Dataset, base: RunFolder | None, unlabelled: int
) -> None:
    """Refuse a teacher of other data, of a base that reads a table otherwise, or of no labels.

    Raises
    ------
    RecipeError
        If some pictures have no labels: they are learned from in another way.
    RunError
        Names what differs.
    """
    if unlabelled:
        raise RecipeError(
            "teacher: does not go together with pictures without labels yet; leave out --teacher, "
            "or --unlabelled and --labels-per-class"
        )
    refuse_other_data(dataset, teacher, "--teacher")
    encodings = [run.network["preparation"].get("encoding") for run in (base or teacher, teacher)]
    if encodings[0] != encodings[1]:
        raise RunError(
            f"run {teacher.folder}: reads the table's columns otherwise than that of --from does; "
            "leave out --from or --teacher"
        )
