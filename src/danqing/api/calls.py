"""The functions of `danqing`: train, evaluate, explain, inspect. Knows no command line.

Each hands what it was given to the module that does the work.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.api.arguments import checked_callbacks, checked_path
from danqing.api.open_runs import load_run
from danqing.api.run import Run
from danqing.errors import ArgumentTypeError, RecipeError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from danqing.data.dataset import Dataset
    from danqing.explanation.results import ExplanationSet
    from danqing.inspection.inspect import Inspection
    from danqing.recipe.recipe import Recipe
    from danqing.training.loop.progress import EpochReport, TrainingProgress

__all__ = ["evaluate", "explain", "inspect", "train"]


def train(
    source: Any = "mnist",
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    resume: bool = False,
    base: Run | str | Path | None = None,
    teacher: Run | str | Path | None = None,
    unlabelled: Any = None,
    callbacks: Sequence[Callable[[EpochReport], Any]] = (),
    tensorboard: bool = False,
    progress: Callable[[TrainingProgress], None] | None = None,
    **settings: Any,
) -> Run:
    """Train a network, evaluate it, and leave everything in a run folder.

    Parameters
    ----------
    source : Dataset, or whatever `danqing.load_data` takes
    recipe : Recipe, optional
        ``Recipe(**settings)`` if not given; without settings, the preset ``fast``.
    out : path, optional
        A folder that does not exist yet; ``runs/<time>-<source>-<network>`` if not given.
    target, task, columns : optional
        As for `danqing.load_data`.
    resume : bool
        Resume the run in `out` from its last checkpoint; start it if there is none.
    base : Run or path, optional
        A finished run to start from, with its network, preparation and weights. For other classes
        or another target its layers are transferred, and the output layer is new: it is trained
        alone first, then all layers are.
    teacher : Run or path, optional
        A finished run to distil: its predictions are learned in place of the labels.
    unlabelled : optional
        More pictures to learn from, without labels: a folder of pictures, or any source, whose
        labels are ignored.
    callbacks : sequence of callable, or one
        Each is called with an `EpochReport` after each epoch; if one returns False, training stops
        as by Ctrl-C, and the run keeps what it has learned.
    tensorboard : bool
        Also write event logs for TensorBoard, into ``tensorboard`` in the run folder.
    progress : callable, optional
        Called about once a second and at the end of each epoch, with a `TrainingProgress`. If not
        given, a notebook shows a line that is updated in place.
    **settings
        A recipe's settings, such as ``epochs=3``; not together with `recipe`.

    Returns
    -------
    Run
        Finished.

    Raises
    ------
    SourceError, SpecError, RecipeError
        If data, network or settings are wrong; nothing is written.
    RunError
        If the folder exists or can't be written; with `resume`, if it holds another training.
    TrainingInterrupted
        After Ctrl-C, or when a callback returns False; its `folder` holds what was learned so far.

    Examples
    --------
    >>> import tempfile, danqing
    >>> run = danqing.train("iris", out=tempfile.mkdtemp() + "/run", network="dense(16)", epochs=5)
    >>> run.task, run.class_names
    ('classification', ['setosa', 'versicolor', 'virginica'])
    """
    from danqing.recipe.recipe import Recipe
    from danqing.training.semi_supervised.unlabelled import read_unlabelled
    from danqing.training.train import train as run_training

    if recipe is not None and not isinstance(recipe, Recipe):
        raise ArgumentTypeError(
            f"recipe: expected a danqing.Recipe, received {recipe!r:.80}; settings are keywords, "
            "such as epochs=3"
        )
    if recipe is not None and settings:
        raise RecipeError(
            f"{', '.join(settings)}: can't be given together with a recipe; put them into the "
            "recipe, or leave the recipe out"
        )
    recipe = recipe or Recipe(**settings)
    watch = _Watch(progress, checked_callbacks(callbacks))
    dataset = _dataset(source, target, task, columns)
    files = run_training(
        dataset,
        recipe,
        None if out is None else checked_path(out, "out"),
        resume=resume,
        base=_folder(base, "base"),
        teacher=_folder(teacher, "teacher"),
        unlabelled=None if unlabelled is None else read_unlabelled(unlabelled, dataset),
        tensorboard=tensorboard,
        progress=watch,
        stop=lambda: watch.stopped,
    )
    return Run(files)


class _Watch:
    """Hands progress on, and epochs to callbacks, of which one may stop the training."""

    def __init__(
        self,
        progress: Callable[[TrainingProgress], None] | None,
        callbacks: Sequence[Callable[[EpochReport], Any]],
    ) -> None:
        from danqing.api.display import NotebookProgress, in_notebook

        if progress is not None and not callable(progress):
            raise ArgumentTypeError(f"progress: expected a function, received {progress!r}")
        self._show = NotebookProgress() if progress is None and in_notebook() else progress
        self._callbacks, self.stopped = callbacks, False

    def __call__(self, progress: TrainingProgress) -> None:
        if self._show:
            self._show(progress)
        if progress.finished:
            for callback in self._callbacks:
                self.stopped |= callback(progress.finished) is False


def evaluate(run: Run | str | Path, source: Any = None) -> dict[str, Any]:
    """Evaluate a run on its test set, or on other data: `Run.evaluate`.

    Parameters
    ----------
    run : Run or path
    source : Dataset, or whatever `danqing.load_data` takes, optional
        The run's own data if not given.

    Examples
    --------
    >>> import tempfile, danqing
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> run = danqing.train("diabetes", out=folder, network="dense(16)", epochs=5)
    >>> sorted(danqing.evaluate(folder)["test"])
    ['loss', 'mae', 'mse', 'n', 'r2']
    """
    return _run(run).evaluate(source)


def explain(
    run: Run | str | Path,
    examples: Any = None,
    *,
    names: Sequence[str] = (),
    method: str | None = None,
    target: str | None = None,
    dataset: Dataset | None = None,
) -> ExplanationSet:
    """Explain a run's predictions: `Run.explain`.

    Parameters
    ----------
    run : Run or path
    examples, names, method, target, dataset
        As for `Run.explain`.

    Examples
    --------
    >>> import tempfile, danqing
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> run = danqing.train("iris", out=folder, network="dense(16)", epochs=5)
    >>> found = danqing.explain(folder, method="integrated-gradients")
    >>> [one.method for one in found.explanations[0].maps]
    ['integrated-gradients']
    """
    return _run(run).explain(examples, names=names, method=method, target=target, dataset=dataset)


def inspect(
    source: Any = "mnist",
    *,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Inspection:
    """Report what a data set holds, and what is wrong with it.

    Parameters
    ----------
    source : Dataset, or whatever `danqing.load_data` takes
    target, task, columns : optional
        As for `danqing.load_data`.

    Returns
    -------
    Inspection
        With a ``summary`` and ``findings``, worst first.

    Examples
    --------
    >>> import danqing
    >>> found = danqing.inspect("wine")
    >>> found.summary["counts"], found.findings
    ({'train': 178, 'validation': 0, 'test': 0}, ())
    """
    from danqing.data.images.load_images import index_images
    from danqing.inspection.inspect import inspect as inspect_dataset

    dataset = _dataset(source, target, task, columns)
    in_folders = "size" in dataset.pictures_as and not dataset.target
    from_files = in_folders and isinstance(source, str | os.PathLike)
    index = index_images(Path(source).expanduser()) if from_files else None
    return inspect_dataset(dataset, index=index)


def _dataset(
    source: Any, target: str | None, task: str | None, columns: Mapping[str, str] | None
) -> Dataset:
    from danqing.data.dataset import Dataset
    from danqing.data.sources import load_data

    if not isinstance(source, Dataset):
        return load_data(source, target=target, task=task, columns=columns)
    for name, value in (("target", target), ("task", task), ("columns", columns)):
        if value is not None:
            raise RecipeError(f"{name}: a Dataset has its own; leave it out")
    return source


def _run(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else load_run(run)


def _folder(run: Run | str | Path | None, what: str) -> str | Path | None:
    if not isinstance(run, Run):
        return None if run is None else checked_path(run, what)
    if run.folder is None:
        raise RunError("a run in memory can't be continued or taught from; save(folder) it first")
    return run.folder
