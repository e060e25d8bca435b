"""Numbers as explanations write them, the same on sheet and page. Knows no explanation."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["minus", "short"]

_MOST_DIGITS = 15  # before a number's point, written out


def short(value: Any, digits: int = 6) -> str:
    """Write a number with so many digits, or all that stand before its point.

    Examples
    --------
    >>> short(74.35332, 4), short(1234567.8, 4), short(np.float32(5.1)), short("red")
    ('74.35', '1234568', '5.1', 'red')
    """
    if not isinstance(value, float | np.floating):
        return str(value)
    whole = len(f"{abs(value):.0f}")
    return f"{value:.{max(digits, whole) if whole < _MOST_DIGITS else digits}g}"


def minus(text: str) -> str:
    """Write a number as it is printed: with a minus sign, and zero with no sign.

    Examples
    --------
    >>> minus("-0.08"), minus("-0.00"), minus("+0.00"), minus("+6e-05")
    ('−0.08', '0.00', '0.00', '+6e−05')
    """
    return (text if text.strip("+-0.") else text.lstrip("+-")).replace("-", "−")
