"""The data a run was trained on: loaded again, recognized by fingerprint, split as in training.

Knows no predictions and no metrics.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from danqing import __version__
from danqing.data.dataset import Dataset
from danqing.data.sources import reload_data
from danqing.data.split import Splits, Subset, short_digests, split_by_settings
from danqing.errors import RunError, SourceNotFound
from danqing.prediction.resize import ResizedPictures, resize_splits
from danqing.runs.run_folder import RunFolder

__all__ = ["is_own_data", "own_data", "own_splits"]


def is_own_data(run: RunFolder, dataset: Dataset) -> bool:
    """Whether a run was trained on this dataset: their fingerprints are equal."""
    known = run.data.get("fingerprint")
    return bool(known) and dataset.fingerprint == known


def own_data(run: RunFolder, dataset: Dataset | str | Path | None = None) -> Dataset:
    """Give the data that a run was trained on.

    Parameters
    ----------
    run : RunFolder
    dataset : Dataset or path, optional
        What the caller takes for these data, or where they are now; loaded from the run's source if
        not given.

    Raises
    ------
    RunError
        If the data have changed, or were in memory and aren't given.
    SourceError
        If they can't be read, or are no longer where they were.
    """
    if run.in_memory or run.data.get("fingerprint") == "":
        raise RunError(
            f"{run.folder}: an estimator keeps neither its data nor a test set; name data to "
            "evaluate on: run.evaluate((x, y)), or danqing evaluate RUN SOURCE"
        )
    if isinstance(dataset, str | Path):
        dataset = _load(run, str(dataset))
    elif dataset is None:
        source = run.data.get("source")
        if not source:
            raise RunError(
                f"{run.folder}: was trained on in-memory data, which can't be loaded again; pass "
                "them as `dataset`"
            )
        try:
            dataset = _load(run, source)
        except SourceNotFound:
            raise SourceNotFound(
                f"{run.folder}: its data are no longer at {source}; put them back, or name their "
                "new place: danqing evaluate RUN SOURCE, explain or textbook RUN --data SOURCE"
            ) from None
    if not is_own_data(run, dataset):
        raise RunError(
            f"{run.folder}: was not trained on {dataset.source or dataset.name!r} as it is now "
            f"({_difference(run, dataset)}); restore the original data, or train again. To measure "
            "the run on other data, name them: danqing evaluate RUN SOURCE"
        )
    return dataset


def _load(run: RunFolder, source: str) -> Dataset:
    target, task = run.data.get("target") or None, run.data.get("task")
    return reload_data(source, target=target, task=task, columns=run.config.get("columns") or None)


def _difference(run: RunFolder, dataset: Dataset) -> str:
    """Say how many of the training rows are still there; the rest was changed or removed."""
    known = run.training_rows
    if known is None:
        return "the fingerprints differ"
    # After them come unlabelled pictures and, of a run that is fine-tuned, the rows of its base.
    known = known[: run.data["counts"]["train"]]
    subsets = [(dataset.x_train, dataset.y_train), (dataset.x_validation, dataset.y_validation)]
    digests = [
        short_digests(Subset(_as_seen(run, x), y, np.arange(len(y))))
        for x, y in subsets
        if x is not None and y is not None
    ]
    missing = int((~np.isin(known, np.concatenate(digests))).sum())
    if not missing:
        return (
            "the fingerprints differ: all training rows are still there, but other rows, labels or "
            "names have changed"
        )
    return f"{missing:,} of its {len(known):,} training rows have changed or are gone"


def _as_seen(run: RunFolder, examples: Any) -> Any:
    """Resize pictures to what the network takes, of which the run keeps digests."""
    shape = tuple(examples.shape[1:])
    if len(shape) != 3 or shape == run.input_shape:
        return examples
    return ResizedPictures(examples, run.input_shape)


def own_splits(run: RunFolder, dataset: Dataset | str | Path | None = None) -> Splits:
    """Split the data that a run was trained on as its training did, and check that it is so.

    Pictures have the shape that the network takes.

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
    return resize_splits(splits, run.input_shape)


def _splitter() -> str:
    return f"scikit-learn {version('scikit-learn')}"
