"""The functions of `danqing`: train, evaluate, explain. Knows no command line.

Each hands what it was given to the module that does the work, and gives back a `Run`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.api.run import Run, load_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from danqing.data.dataset import Dataset
    from danqing.explanation.results import ExplanationSet
    from danqing.recipe.recipe import Recipe
    from danqing.training.loop.progress import TrainingProgress

__all__ = ["evaluate", "explain", "train"]


def train(
    source: Any = "mnist",
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    target: str | None = None,
    task: str | None = None,
    resume: bool = False,
    base: Run | str | Path | None = None,
    teacher: Run | str | Path | None = None,
    unlabelled: Any = None,
    tensorboard: bool = False,
    progress: Callable[[TrainingProgress], None] = lambda progress: None,
    **settings: Any,
) -> Run:
    """Train a network, evaluate it, and leave everything in a run folder.

    Parameters
    ----------
    source : Dataset, or whatever `danqing.load_data` takes
    recipe : Recipe, optional
        The preset ``fast`` if neither it nor `settings` are given.
    out : path, optional
        A folder that does not exist yet; ``runs/<time>-<source>-<network>`` if not given.
    target, task : str, optional
        As for `danqing.load_data`.
    resume : bool
        Resume the run in `out` from its last checkpoint; start it if there is no such folder.
    base : Run or path, optional
        A finished run to fine-tune: its network, preparation and weights are where training starts.
    teacher : Run or path, optional
        A finished run whose predictions are learned in place of the labels (distillation).
    unlabelled : optional
        More pictures without labels: any source, also a folder of pictures without class folders.
    tensorboard : bool
        Also write event logs for TensorBoard, into the folder's ``tensorboard``.
    progress : callable
        Called about once a second, and at the end of each epoch.
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
        If the folder exists or can't be written; to resume, if it holds another training.
    TrainingInterrupted
        After Ctrl-C; its `folder` holds what was learned so far.

    Examples
    --------
    >>> import tempfile, danqing
    >>> run = danqing.train("iris", out=tempfile.mkdtemp() + "/run", network="dense(16)", epochs=5)
    >>> run.task, run.class_names
    ('classification', ['setosa', 'versicolor', 'virginica'])
    """
    from danqing.data.dataset import Dataset
    from danqing.data.sources import load_data
    from danqing.errors import RecipeError
    from danqing.recipe.recipe import Recipe
    from danqing.training.train import train as run_training

    if recipe is not None and settings:
        raise RecipeError(
            f"{', '.join(settings)}: can't be given together with a recipe; "
            "write them into the recipe, or leave the recipe out"
        )
    dataset = source
    if not isinstance(source, Dataset):
        dataset = load_data(source, target=target, task=task)
    folder = run_training(
        dataset,
        recipe or Recipe(**settings),
        out,
        resume=resume,
        base=_folder(base),
        teacher=_folder(teacher),
        unlabelled=unlabelled,
        tensorboard=tensorboard,
        progress=progress,
    )
    return Run(folder)


def evaluate(run: Run | str | Path, dataset: Dataset | None = None) -> dict[str, Any]:
    """Measure a run on the test set of its own data, or of another Dataset.

    Parameters
    ----------
    run : Run or path
    dataset : Dataset, optional
        Loaded from the run's source if not given.

    Returns
    -------
    dict
        ``test`` and, on the run's own data, ``validation``, each with ``n``, ``loss``,
        ``accuracy`` and more, or for regression ``r2``, ``mae`` and ``mse``.

    Raises
    ------
    RunError
        If the run's own data have changed, or other data don't suit the run.
    """
    return _run(run).evaluate(dataset)


def explain(
    run: Run | str | Path,
    examples: Any = None,
    *,
    names: Sequence[str] = (),
    method: str | None = None,
    target: str | None = None,
    dataset: Dataset | None = None,
) -> ExplanationSet:
    """Explain a run's predictions; see `danqing.explanation.explain.explain`."""
    return _run(run).explain(examples, names=names, method=method, target=target, dataset=dataset)


def _run(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else load_run(run)


def _folder(run: Run | str | Path | None) -> str | Path | None:
    return run.folder if isinstance(run, Run) else run
