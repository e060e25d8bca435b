"""Dataset: labelled examples, with their names and where they came from.

Knows no preparation and no network: the examples are raw, as the source gave them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from danqing.data.row_names import RowNames
from danqing.data.subset_names import SubsetName
from danqing.data.table import ColumnType, Table

__all__ = ["Dataset", "Examples", "LabelType", "Pictures", "Task"]

Task = Literal["classification", "regression"]
LabelType = Literal["text", "boolean", "integer", "number"]


class Pictures(Protocol):
    """Pictures of shape (n, height, width, channels), uint8: an array, or a cache on disk.

    They are indexed by a slice or an array of row numbers, which returns an ndarray.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number, height, width and channels."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]: ...


Examples = Pictures | Table


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures or table rows: a training set, and the source's other sets if it has any.

    Attributes
    ----------
    name : str
        Short name, used in the names of run folders.
    source : str
        The name or path that loads it again; empty for in-memory data.
    x_train, x_test : Pictures or Table
        Pictures: uint8, shape (n, height, width, channels), from 0 to 255.
        `x_test` is empty if the source has no test set.
    y_train, y_test : ndarray, shape (n,)
        Classes as int64 positions in `class_names`; regression targets as float64.
    class_names : tuple of str
        Empty for regression.
    x_validation, y_validation : optional
        The source's own validation set.
    target : str
        The name of a table's target column; empty for other sources.
    removed : mapping of str to int
        What was left out on reading: a reason, such as ``unreadable files``, and how many.
    pictures_as : mapping
        How pictures were read, so that new ones can be, too. The common shape that files were
        decoded to: ``{"size": [height, width], "mode": "L" or "RGB"}``; and ``"range": [black,
        white]``, where arrays, or files of more than 8 bits, have other values than 0 to 255
        (``"brightest": 1`` where integers reach from 0 to 1).
    label_type : {"text", "boolean", "integer", "number"}
        What the classes were before they became names.
    content_hash : str
        SHA-256 of the content if the reader knows it already; otherwise it is computed.
    names : mapping of str to sequence of str
        By subset, the name of each row as a user finds it again: its file, or FILE:ROW. Subsets
        without names are numbered: see `row_names`.
    columns : mapping of str to str
        The types of a table's columns that the caller has chosen.
    target_type : ColumnType, optional
        What the target column's values are, and how they are written.
    notes : tuple of str
        What was decided or left out on reading, a line each.

    Examples
    --------
    >>> from danqing import load_data
    >>> dataset = load_data("mnist")
    >>> dataset.x_train.shape, dataset.input_shape, len(dataset.class_names), dataset.task
    ((60000, 28, 28, 1), (28, 28, 1), 10, 'classification')
    """

    name: str
    source: str
    x_train: Any = field(repr=False)
    y_train: NDArray[Any] = field(repr=False)
    x_test: Any = field(repr=False)
    y_test: NDArray[Any] = field(repr=False)
    class_names: tuple[str, ...]
    x_validation: Any = field(default=None, repr=False)
    y_validation: NDArray[Any] | None = field(default=None, repr=False)
    target: str = ""
    removed: Mapping[str, int] = field(default_factory=dict)
    pictures_as: Mapping[str, Any] = field(default_factory=dict)
    content_hash: str = ""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    label_type: LabelType = "text"
    columns: Mapping[str, str] = field(default_factory=dict)
    target_type: ColumnType | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_subsets(
        cls, x: Mapping[str, Any], y: Mapping[str, NDArray[Any]], **attributes: Any
    ) -> Dataset:
        """Make a Dataset of examples and targets by subset name; ``train`` is required.

        Examples
        --------
        >>> x, y = {"train": np.zeros((4, 8, 8, 1), np.uint8)}, {"train": np.array([0, 1, 0, 1])}
        >>> pets = Dataset.from_subsets(x, y, name="pets", source="", class_names=("cat", "dog"))
        >>> len(pets.x_train), len(pets.x_test), pets.x_validation
        (4, 0, None)
        """
        return cls(
            x_train=x["train"],
            y_train=y["train"],
            x_validation=x.get("validation"),
            y_validation=y.get("validation"),
            x_test=x.get("test", x["train"][:0]),
            y_test=y.get("test", y["train"][:0]),
            **attributes,
        )

    def _repr_html_(self) -> str:
        counts = {"training": len(self.y_train), "test": len(self.y_test)}
        if self.y_validation is not None:
            counts["validation"] = len(self.y_validation)
        shape = " × ".join(map(str, self.input_shape)) + " columns" * self.tabular
        classes = ", ".join(self.class_names[:10]) + ", …" * (len(self.class_names) > 10)
        rows = {**counts, "each": shape, "classes": classes or "a number"}
        cells = "".join(f"<tr><th>{n}</th><td>{escape(str(v))}</td></tr>" for n, v in rows.items())
        return f"<strong>Dataset {escape(self.name)}</strong><table>{cells}</table>"

    @property
    def task(self) -> Task:
        """Whether the target is a class or a number."""
        return "classification" if self.class_names else "regression"

    @property
    def tabular(self) -> bool:
        """Whether the examples are rows of a table."""
        return isinstance(self.x_train, Table)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of a picture; the number of columns of a table."""
        return tuple(self.x_train.shape[1:])

    def row_names(self, subset: SubsetName) -> Sequence[str]:
        """Name each row of a subset: its file, FILE:ROW, or the subset and the row from 1.

        Examples
        --------
        >>> from danqing import load_data
        >>> load_data("iris").row_names("train")[0]
        'train[1]'
        """
        labels = {"train": self.y_train, "validation": self.y_validation, "test": self.y_test}
        y, known = labels[subset], self.names.get(subset)
        count = 0 if y is None else len(y)
        if known is not None and len(known) == count:
            return known
        return RowNames(f"{subset}[", range(1, count + 1), "]")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the shapes, types and values of all subsets, and of the names."""
        digest = hashlib.sha256()
        if self.content_hash:
            digest.update(self.content_hash.encode())
        for x, y in (
            (self.x_train, self.y_train),
            (self.x_validation, self.y_validation),
            (self.x_test, self.y_test),
        ):
            if y is not None:
                if not self.content_hash:
                    _add_examples(digest, x)
                _add_array(digest, y)
        digest.update("\0".join((*self.class_names, self.target)).encode())
        return digest.hexdigest()


def _add_examples(digest: Any, x: Any) -> None:
    if isinstance(x, Table):
        digest.update(repr([(column.name, column.kind) for column in x.columns]).encode())
        for row in x.row_digests():
            digest.update(row)
    else:
        _add_array(digest, x)


def _add_array(digest: Any, array: NDArray[Any]) -> None:
    digest.update(f"{array.shape}{array.dtype}".encode())
    if array.size:
        digest.update(np.ascontiguousarray(array).data.cast("B"))
