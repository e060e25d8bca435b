"""What the loop learns from or validates on: examples, targets and weights. Knows no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TrainingRows"]


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows to train on, or to validate on.

    Attributes
    ----------
    examples : Pictures or ndarray of float32, shape (n, ...)
    targets : ndarray of int64 or float64, shape (n,)
        Class indices, or numbers standardised to mean 0 and deviation 1.
    numbers : ndarray of int64, shape (rows,)
        Which of the examples are used.
    weights : ndarray of float, shape (n,), optional
        Sample weights; 1 if not given.
    unlabelled : int
        How many of the rows, the last ones, have no labels; their targets are 0 and not used.
    """

    examples: Any
    targets: NDArray[Any]
    numbers: NDArray[np.int64]
    weights: NDArray[Any] | None = None
    unlabelled: int = 0

    def __len__(self) -> int:
        return len(self.numbers)
