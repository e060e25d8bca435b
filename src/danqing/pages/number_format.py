"""How numbers are written: on pages, cards, sheets. Knows no page.

The pages' own JavaScript writes them in the same way: number_format.js.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, isfinite, log10
from numbers import Integral, Real
from typing import Any

__all__ = ["coverage_text", "interval", "minus", "number", "percent", "points", "short"]

_LEAST, _MOST = 1e-4, 1e12  # outside, a power of ten is written
_MOST_DIGITS = 15  # before a number's point, written out
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float, digits: int = 2) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.99401), percent(0.5, 0)
    ('99.40%', '50%')
    """
    return minus(f"{share:.{digits}%}")


def coverage_text(share: float) -> str:
    """Write a share with one digit, or with two where one would round it up to all.

    Examples
    --------
    >>> coverage_text(0.8124), coverage_text(0.9998), coverage_text(1.0)
    ('81.2%', '99.98%', '100.0%')
    """
    return percent(share, 1 if share == 1 or round(share, 3) < 1 else 2)


def points(share: float) -> str:
    """Write a difference of two shares in percentage points, with its sign.

    Examples
    --------
    >>> points(0.0123), points(-0.05)
    ('+1.23', '−5.00')
    """
    return minus(f"{share * 100:+.2f}")


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits, and commas between thousands.

    Whole numbers are written in full. A number that needs fewer digits has no zeros at its end;
    one that was rounded keeps them.

    Examples
    --------
    >>> number(168538.0), number(1234567.8), number(0.012345), number(None)
    ('168,538', '1,235,000', '0.01235', '–')
    >>> number(42.1984), number(42.2), number(5.0)
    ('42.20', '42.2', '5')
    >>> number(-0.000012), number(0.0000123456), number(float("inf"))
    ('−1.2×10⁻⁵', '1.235×10⁻⁵', '∞')
    """
    if value is None or value != value:
        return "–"
    if not isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value and not _LEAST <= abs(value) < _MOST:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        if abs(float(f"{mantissa}e{power}") - value) <= 1e-9 * abs(value) and "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{minus(mantissa)}×10{str(int(power)).translate(_SUPERSCRIPTS)}"
    if value == int(value):
        return minus(f"{value:,.0f}")
    rounded = float(f"{value:.{digits}g}")
    decimals = len(f"{rounded:.12f}".rstrip("0").partition(".")[2])
    if abs(rounded - value) > 1e-9 * abs(value):
        decimals = max(0, digits - 1 - floor(log10(abs(rounded))))
    return minus(f"{rounded:,.{decimals}f}")


def interval(ends: Sequence[float] | None, write: Callable[[float], str] = percent) -> str:
    """Write an interval; nothing where there is none.

    Examples
    --------
    >>> interval([0.5, 0.625]), interval(None)
    ('50.00% – 62.50%', '')
    """
    return "" if ends is None else f"{write(ends[0])} – {write(ends[1])}"


def short(value: Any, digits: int = 6) -> str:
    """Write a number plainly with so many digits, or all that stand before its point.

    Examples
    --------
    >>> short(74.35332, 4), short(1234567.8, 4), short(5), short("red")
    ('74.35', '1234568', '5', 'red')
    """
    if not isinstance(value, Real) or isinstance(value, Integral):
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
    return (text if text.strip("+-0.%") else text.lstrip("+-")).replace("-", "−")
