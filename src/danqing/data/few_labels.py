"""Few labels: training rows whose labels are withheld, to study how few are enough.

Knows no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.split import Splits, Subset, split
from danqing.errors import SourceError

__all__ = ["split_by_settings", "withhold_labels"]


def split_by_settings(dataset: Dataset, settings: Mapping[str, Any]) -> Splits:
    """Split a Dataset as training with these settings does.

    Parameters
    ----------
    dataset : Dataset
    settings : mapping
        A recipe's, or those of a run's config.json: ``validation_share`` and, if labels are
        withheld, ``labels_per_class`` and ``seed``.

    Raises
    ------
    SourceError
        As `split` does; or if labels can't be withheld.

    Examples
    --------
    >>> from danqing import load_data
    >>> settings = {"validation_share": 0.1, "labels_per_class": 10, "seed": 0}
    >>> splits = split_by_settings(load_data("mnist"), settings)
    >>> len(splits.train), len(splits.unlabelled), len(splits.validation), len(splits.test)
    (100, 53900, 6000, 10000)
    """
    splits = split(dataset, settings["validation_share"])
    kept = settings.get("labels_per_class", 0)
    if not kept:
        return splits
    if dataset.tabular or not dataset.class_names:
        raise SourceError(
            f"{dataset.name}: labels_per_class needs pictures with classes; leave it out"
        )
    train, unlabelled = withhold_labels(splits.train, kept, settings["seed"])
    if not len(unlabelled):
        raise SourceError(
            f"{dataset.name}: no class has more than labels_per_class = {kept} training pictures; "
            "choose fewer, or leave it out"
        )
    return replace(splits, train=train, unlabelled=unlabelled)


def withhold_labels(subset: Subset, labels_per_class: int, seed: int) -> tuple[Subset, Subset]:
    """Draw labelled rows of each class, at most `labels_per_class`; the others become unlabelled.

    Parameters
    ----------
    subset : Subset
        Labels are classes.
    labels_per_class : int
    seed : int
        Of the draw.

    Returns
    -------
    labelled, unlabelled : Subset
        Both in the order of `subset`.

    Examples
    --------
    >>> pets = Subset(np.zeros((5, 1, 1, 1), np.uint8), np.array([0, 1, 0, 1, 0]), np.arange(5))
    >>> labelled, unlabelled = withhold_labels(pets, 1, seed=0)
    >>> sorted(labelled.labels.tolist()), len(unlabelled)
    ([0, 1], 3)
    """
    shuffled = np.random.default_rng(seed).permutation(len(subset))
    by_class = shuffled[np.argsort(subset.labels[shuffled], kind="stable")]
    sizes = np.bincount(subset.labels)
    place = np.arange(len(subset)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = np.zeros(len(subset), bool)
    kept[by_class[place < labels_per_class]] = True
    return replace(subset, rows=subset.rows[kept]), replace(subset, rows=subset.rows[~kept])
