"""The natural order of names: numbers in them count by their value. Knows nothing else."""

from __future__ import annotations

import re

__all__ = ["natural_key"]


def natural_key(text: str) -> tuple[object, ...]:
    """Return a sorting key that puts 2 before 10.

    Examples
    --------
    >>> sorted(["10", "2", "1", "b10", "b9"], key=natural_key)
    ['1', '2', '10', 'b9', 'b10']
    """
    # Text, perhaps empty, and digits alternate, so that like is compared with like. Numbers are
    # compared as digits, first by their count: Python converts no more than 4,300 to an int.
    steps = re.split(r"([0-9]+)", text)
    numbers = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in steps[1::2]]
    return (tuple(zip(steps[::2], [*numbers, (0, "")], strict=True)), text)
