"""The data a run was trained on: loaded again, recognized by fingerprint, split as in training.

Knows no predictions and no metrics.
"""

from __future__ import annotations

from importlib.metadata import version

from danqing import __version__
from danqing.data.dataset import Dataset
from danqing.data.sources import reload_data
from danqing.data.split import Splits, Subset, split_by_settings
from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder

__all__ = ["is_own_data", "own_data", "own_splits"]


def is_own_data(run: RunFolder, dataset: Dataset) -> bool:
    """Whether a run was trained on this dataset: their fingerprints are equal."""
    return dataset.fingerprint == run.data.get("fingerprint")


def own_data(run: RunFolder, dataset: Dataset | None = None) -> Dataset:
    """Give the data that a run was trained on.

    Parameters
    ----------
    run : RunFolder
    dataset : Dataset, optional
        What the caller takes for these data; loaded from the run's source if not given.

    Raises
    ------
    RunError
        If the data have changed, or were in memory and aren't given.
    SourceError
        If they can't be read.
    """
    if dataset is None:
        source = run.data.get("source")
        if not source:
            raise RunError(
                f"{run.folder}: was trained on in-memory data, which can't be loaded again; pass "
                "them as `dataset`"
            )
        target, task = run.data.get("target") or None, run.data.get("task")
        columns = run.config.get("columns") or None
        dataset = reload_data(source, target=target, task=task, columns=columns)
    if not is_own_data(run, dataset):
        raise RunError(
            f"{run.folder}: was not trained on {dataset.source or dataset.name!r} as it is now "
            "(the fingerprints differ); restore the original data, or train again. To measure the "
            "run on other data, name them: danqing evaluate RUN SOURCE"
        )
    return dataset


def own_splits(run: RunFolder, dataset: Dataset | None = None) -> Splits:
    """Split the data that a run was trained on as its training did, and check that it is so.

    Raises as `own_data` does, and RunError if a subset has other rows than in training. Runs that
    recorded no digests of their subsets are not checked.
    """
    splits = split_by_settings(own_data(run, dataset), run.config)
    recorded = (run.data.get("split") or {}).get("digests") or {}
    for name, digest in recorded.items():
        subset: Subset = getattr(splits, name)
        if subset.digest != digest:
            raise RunError(
                f"{run.folder}: its {name} set can't be found again: the same data are split into "
                f"other rows than in training, by danqing {__version__} and "
                f"{_splitter()}; use the versions in {run.folder / 'config.json'}, or train again"
            )
    return splits


def _splitter() -> str:
    return f"scikit-learn {version('scikit-learn')}"
