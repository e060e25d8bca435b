"""Rows in memory or on disk become the blocks that graphs take batches from. Knows no network.

Rows that fit in memory are held as tensors, one block for all of them, and batches are gathered by
index in the graph. Pictures in a cache on disk are read in blocks of some megabytes, each while the
graph works on the one before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf
from danqing.training.loop.training_rows import TrainingRows

__all__ = ["Batch", "BatchLoader", "RowBlock"]

_BLOCK_BYTES = 1 << 26  # of pictures that are read from a disk at a time
_SMALL = 8192  # rows; below, tensors are padded so that one graph serves many data sets


class Batch(NamedTuple):
    """The rows of one step: examples, targets and sample weights.

    Padding has weight 0, and so do unlabelled pictures until they get pseudo-labels. `rows` is how
    many rows aren't padding, what the loss is divided by; the sum of the weights if it isn't known.
    """

    examples: Any
    targets: Any
    weights: Any
    rows: Any = None


class RowBlock(NamedTuple):
    """Rows for a graph, and the order in which it takes them.

    Attributes
    ----------
    examples, targets, weights : Tensor
        Of equal length; there may be more than are taken.
    order : Tensor of int32
        Row numbers; from `rows` on they are padding, up to a whole number of batches.
    rows : int
        How many of `order` count.
    first : int
        The step of the epoch that its first rows are for.
    """

    examples: Any
    targets: Any
    weights: Any
    order: Any
    rows: int
    first: int = 0


class BatchLoader:
    """Loads rows for graphs, in any order.

    Parameters
    ----------
    rows : TrainingRows
    batch_size : int
    dtype : str
        Of weights, and of targets that are numbers.
    """

    def __init__(self, rows: TrainingRows, batch_size: int, dtype: str) -> None:
        weights = np.ones(len(rows.targets)) if rows.weights is None else rows.weights
        exact = rows.targets.dtype.kind != "f"
        self._targets = rows.targets.astype(np.int32 if exact else dtype)
        self._weights = weights.astype(dtype)
        self._rows, self._batch_size = rows, batch_size
        self._in_memory = isinstance(rows.examples, np.ndarray)
        if self._in_memory:
            self._tensors = self._load_all(rows)

    def blocks(
        self, order: NDArray[np.int64] | None = None, skipped_steps: int = 0
    ) -> Iterator[RowBlock]:
        """Load all rows, in an order of positions in `rows.numbers`, or as they stand.

        Blocks all of whose steps are among the first `skipped_steps` are left out.
        """
        positions = np.arange(len(self._rows)) if order is None else order
        if self._in_memory:
            size = self._padded(len(positions)) + self._batch_size - 1
            size -= size % self._batch_size
            numbers = self._numbers[positions]
            yield RowBlock(
                *self._tensors, _zero_padded(numbers.astype(np.int32), size), len(numbers)
            )
            return
        numbers = self._rows.numbers[positions]
        row_bytes = math.prod(self._rows.examples.shape[1:])
        size = max(1, _BLOCK_BYTES // (row_bytes * self._batch_size)) * self._batch_size
        blocks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        first = min(skipped_steps * self._batch_size // size, len(blocks) - 1)
        with ThreadPoolExecutor(1) as reader:
            reading = reader.submit(self._read, blocks[first], size)
            for number in range(first, len(blocks)):
                block = reading.result()
                if number + 1 < len(blocks):
                    reading = reader.submit(self._read, blocks[number + 1], size)
                yield block._replace(first=number * size // self._batch_size)

    def _read(self, numbers: NDArray[np.int64], size: int) -> RowBlock:
        # Disks read fastest in ascending order; the graph restores the order asked for.
        sorting = np.argsort(numbers, kind="stable")
        places = np.empty(len(numbers), np.int32)
        places[sorting] = np.arange(len(numbers), dtype=np.int32)
        ascending = numbers[sorting]
        return RowBlock(
            tf.constant(_zero_padded(self._rows.examples[ascending], size)),
            tf.constant(_zero_padded(self._targets[ascending], size)),
            tf.constant(_zero_padded(self._weights[ascending], size)),
            tf.constant(_zero_padded(places, size)),
            len(numbers),
        )

    def _load_all(self, rows: TrainingRows) -> tuple[Any, Any, Any]:
        examples, targets, weights = rows.examples, self._targets, self._weights
        self._numbers = rows.numbers
        if len(rows) < len(examples) // 2:  # most belong to other subsets: not worth the memory
            examples, targets, weights = (a[rows.numbers] for a in (examples, targets, weights))
            self._numbers = np.arange(len(rows))
        size = self._padded(len(examples))
        return (
            tf.constant(_zero_padded(examples, size)),
            tf.constant(_zero_padded(targets, size)),
            tf.constant(_zero_padded(weights, size)),
        )

    def _padded(self, count: int) -> int:
        """Round a small number of rows up to a power of two."""
        return count if count >= _SMALL else 1 << max(count - 1, 1).bit_length()


def _zero_padded(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Append zeros up to a size."""
    if len(array) == size:
        return array
    padded = np.zeros((size, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
