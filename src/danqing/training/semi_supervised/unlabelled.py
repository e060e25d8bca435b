"""Unlabelled pictures: read, resized, joined to the labelled rows. Knows no network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from danqing.data.dataset import Dataset, Pictures
from danqing.data.duplicates import example_digests
from danqing.data.split import Splits, Subset
from danqing.data.unlabelled_images import picture_files, pictures_of
from danqing.errors import SourceError
from danqing.prediction.inputs import read_picture_files
from danqing.prediction.resize import resize_pictures
from danqing.preparation.infer_traits import looks_like_mnist
from danqing.training.loop.training_rows import TrainingRows

__all__ = ["UnlabelledPictures", "join_unlabelled", "read_unlabelled"]


@dataclass(frozen=True, eq=False)
class UnlabelledPictures:
    """Pictures without labels, in the shape that the network takes.

    Attributes
    ----------
    pictures : Pictures
    source : str
        The path or name that was given; empty for in-memory data.
    removed : dict
        How many were left out, by reason.
    """

    pictures: Pictures = field(repr=False)
    source: str
    removed: dict[str, int]

    def without_held_out(self, splits: Splits) -> UnlabelledPictures:
        """Leave out what the validation or test set also contains, so that it stays unseen.

        Raises
        ------
        SourceError
            If nothing is left.
        """
        known = set(_digests(splits.validation)) | set(_digests(splits.test))
        new = np.array([digest not in known for digest in example_digests(self.pictures)])
        if new.all():
            return self
        if not new.any():
            raise SourceError(
                f"{self.source or 'the unlabelled pictures'}: all of them are also in the "
                "validation or test set; name others to learn from"
            )
        removed = {**self.removed, "also in the validation or test set": int((~new).sum())}
        return UnlabelledPictures(self.pictures[np.flatnonzero(new)], self.source, removed)

    def resized(self, shape: tuple[int, ...]) -> UnlabelledPictures:
        """Resize them to another shape than the labelled pictures have."""
        return replace(self, pictures=resize_pictures(self.pictures, shape))

    def to_json(self) -> dict[str, Any]:
        """Describe them as plain data, with a fingerprint of their contents."""
        digest = hashlib.sha256(repr(self.pictures.shape).encode())
        for content in example_digests(self.pictures):
            digest.update(content)
        return {"source": self.source, "fingerprint": digest.hexdigest(), "removed": self.removed}


def read_unlabelled(source: Any, dataset: Dataset) -> UnlabelledPictures:
    """Read unlabelled pictures to be used with a Dataset.

    Files are read as `predict` reads them: if the training pictures look like MNIST's, drawings are
    converted to look like that, too. Arrays are resized.

    Parameters
    ----------
    source : str, path, Dataset or array
        A folder of pictures, subfolders included, or as for
        `danqing.data.unlabelled_images.pictures_of`.

    Raises
    ------
    SourceError, PictureError
        If it can't be read, holds no pictures, or they can't be converted to the dataset's shape.
    """
    if dataset.tabular or not dataset.class_names:
        raise SourceError(
            f"{dataset.name}: can't be combined with unlabelled pictures; expected labelled "
            "pictures of classes"
        )
    shape, removed = dataset.input_shape, {}
    if files := picture_files(source):
        drawings = looks_like_mnist(dataset.x_train[:200])
        found = read_picture_files(files, shape, dataset.pictures_as, drawings=drawings)
        if found.errors:
            removed["unreadable files"] = len(found.errors)
        pictures = found.examples
        if pictures is None:
            raise SourceError(f"{source}: has no usable pictures; {found.errors[0]}")
    else:
        pictures = resize_pictures(pictures_of(source), shape)
    return UnlabelledPictures(pictures, str(source) if isinstance(source, str) else "", removed)


def join_unlabelled(
    rows: TrainingRows, withheld: Subset | None, others: UnlabelledPictures | None
) -> TrainingRows:
    """Join labelled rows, rows of the same source whose labels are withheld, and others."""
    examples, count = rows.examples, len(rows.examples)
    numbers = [rows.numbers] if withheld is None else [rows.numbers, withheld.rows]
    if others is not None:
        examples = _ConcatenatedPictures(examples, others.pictures)
        numbers.append(np.arange(count, len(examples)))
        if isinstance(rows.examples, np.ndarray) and isinstance(others.pictures, np.ndarray):
            examples = examples[:]
    weights = np.ones(count) if rows.weights is None else rows.weights
    every = np.concatenate(numbers)
    unlabelled = every[len(rows) :]
    targets, weights = (
        np.concatenate([a, np.zeros(len(examples) - count, a.dtype)])
        for a in (rows.targets, weights)
    )
    targets[unlabelled] = 0
    weights[unlabelled] = 0
    return TrainingRows(examples, targets, every, weights, len(unlabelled))


class _ConcatenatedPictures:
    """Two collections of pictures as one; either may be on disk."""

    def __init__(self, first: Pictures, second: Pictures) -> None:
        self.first, self.second = first, second
        self.shape = (len(first) + len(second), *first.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        rows = np.arange(len(self))[rows]
        later = rows >= len(self.first)
        pictures = np.empty((len(rows), *self.shape[1:]), np.uint8)
        pictures[~later] = self.first[rows[~later]]
        pictures[later] = self.second[rows[later] - len(self.first)]
        return pictures


def _digests(subset: Subset) -> list[bytes]:
    return example_digests(subset.x[subset.rows])
