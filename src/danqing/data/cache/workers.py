"""Work on many files at once, in order, with progress. Knows nothing of what is done to them.

Small files are handled one after the other, as Python's own part of the work outweighs the
decoder's and two threads only get in each other's way (28x28 pixels: 22,000 a second with one
thread, 11,000 with two), or else shared with other processes; large ones by a thread a core, as
decoders let go of Python meanwhile (JPEG of 1200x900 pixels: 149 and 281 a second).
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["LARGE", "Meter", "OnProgress", "batches", "cores", "spread"]

OnProgress = Callable[[int, int], None]

_BATCH = 256  # files
_BATCH_BYTES = 4 << 20
LARGE = 16 << 10
"""Bytes a file; above it decoding outweighs Python's part."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Tell how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    pool: ThreadPoolExecutor,
    function: Callable[[list[Item]], list[Result]],
    items: Iterable[tuple[int, Item]],
) -> Iterator[Result]:
    """Apply a function of some items to many, given with their sizes in bytes; results in order.

    Few batches are under way at a time, so that neither items nor results pile up.

    Examples
    --------
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(spread(pool, sorted, [(1, -1), (1_000_000, -2)]))
    [-2, -1]
    """
    pending: deque[Future[list[Result]]] = deque()
    for size, batch in _sized_batches(items, _BATCH):
        if pending or size > LARGE * len(batch):
            pending.append(pool.submit(function, batch))
        else:
            yield from function(batch)
        while pending and (pending[0].done() or len(pending) > 2 * cores()):
            yield from pending.popleft().result()
    for future in pending:
        yield from future.result()


def batches(items: Iterable[tuple[int, Item]], most: int) -> Iterator[list[Item]]:
    """Divide items, each given with its size in bytes, into lists of at most so many."""
    return (batch for _, batch in _sized_batches(items, most))


def _sized_batches(
    items: Iterable[tuple[int, Item]], most: int
) -> Iterator[tuple[int, list[Item]]]:
    size, batch = 0, []
    for item_size, item in items:
        size += item_size
        batch.append(item)
        if len(batch) == most or size >= _BATCH_BYTES:
            yield size, batch
            size, batch = 0, []
    if batch:
        yield size, batch


class Meter:
    """Tells how far the work has come, about once a second at most."""

    def __init__(self, progress: OnProgress | None) -> None:
        self._total = 0
        self._progress = progress
        self._done = 0
        self._told = time.monotonic()

    def expect(self, pieces: int) -> None:
        """Say how many pieces are still to come."""
        self._total = self._done + pieces

    def step(self) -> None:
        """Count one piece of work as done."""
        self._done += 1
        if self._progress and time.monotonic() - self._told >= 1:
            self._told = time.monotonic()
            self._progress(self._done, max(self._total, self._done))
