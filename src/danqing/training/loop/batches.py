"""From rows in memory or on disk to what graphs take. Knows no network.

Rows that fit are held as tensors, and batches gathered by index in the graph. Pictures in a cache
on disk are read some megabytes at a time, while the graph works on those before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf
from danqing.training.loop.graphs import RowBlock
from danqing.training.loop.training_rows import TrainingRows

__all__ = ["BatchLoader"]

_CHUNK = 1 << 26  # bytes of pictures that are read from a disk at a time
_SMALL = 8192  # rows; below, tensors are padded so that one graph serves many data sets


class BatchLoader:
    """Gives rows to graphs, in any order.

    Parameters
    ----------
    rows : TrainingRows
    batch_size : int
    dtype : str
        Of targets that are numbers, and of weights.
    """

    def __init__(self, rows: TrainingRows, batch_size: int, dtype: str) -> None:
        weights = np.ones(len(rows.targets)) if rows.weights is None else rows.weights
        exact = rows.targets.dtype.kind != "f"
        self._targets = rows.targets.astype(np.int32 if exact else dtype)
        self._weights = weights.astype(dtype)
        self._rows, self._batch_size = rows, batch_size
        self._in_memory = isinstance(rows.examples, np.ndarray)
        if self._in_memory:
            self._held = self._hold(rows)

    def feeds(self, order: NDArray[np.int64] | None = None, skipped: int = 0) -> Iterator[RowBlock]:
        """Give all rows, in the order of positions in `rows.numbers`; as they stand without.

        Feeds whose steps are all among the first `skipped` are left out.
        """
        positions = np.arange(len(self._rows)) if order is None else order
        if self._in_memory:
            room = self._padded(len(positions)) + self._batch_size - 1
            room -= room % self._batch_size
            chosen = self._numbers[positions]
            yield RowBlock(*self._held, _filled(chosen.astype(np.int32), room), len(chosen))
            return
        numbers = self._rows.numbers[positions]
        row_bytes = math.prod(self._rows.examples.shape[1:])
        size = max(1, _CHUNK // (row_bytes * self._batch_size)) * self._batch_size
        chunks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        first = min(skipped * self._batch_size // size, len(chunks) - 1)
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._read, chunks[first], size)
            for number in range(first, len(chunks)):
                feed = coming.result()
                if number + 1 < len(chunks):
                    coming = reader.submit(self._read, chunks[number + 1], size)
                yield feed._replace(first=number * size // self._batch_size)

    def _read(self, numbers: NDArray[np.int64], size: int) -> RowBlock:
        # A disk likes ascending places; the order is restored in the graph.
        sorting = np.argsort(numbers, kind="stable")
        places = np.empty(len(numbers), np.int32)
        places[sorting] = np.arange(len(numbers), dtype=np.int32)
        ascending = numbers[sorting]
        return RowBlock(
            tf.constant(_filled(self._rows.examples[ascending], size)),
            tf.constant(_filled(self._targets[ascending], size)),
            tf.constant(_filled(self._weights[ascending], size)),
            tf.constant(_filled(places, size)),
            len(numbers),
        )

    def _hold(self, rows: TrainingRows) -> tuple[Any, Any, Any]:
        examples, targets, weights = rows.examples, self._targets, self._weights
        self._numbers = rows.numbers
        if len(rows) < len(examples) // 2:  # most are others' rows: not worth their room
            examples, targets, weights = (a[rows.numbers] for a in (examples, targets, weights))
            self._numbers = np.arange(len(rows))
        size = self._padded(len(examples))
        return (
            tf.constant(_filled(examples, size)),
            tf.constant(_filled(targets, size)),
            tf.constant(_filled(weights, size)),
        )

    def _padded(self, count: int) -> int:
        """Round few rows up to a power of two."""
        return count if count >= _SMALL else 1 << max(count - 1, 1).bit_length()


def _filled(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Append zeros up to a size."""
    if len(array) == size:
        return array
    filled = np.zeros((size, *array.shape[1:]), array.dtype)
    filled[: len(array)] = array
    return filled
