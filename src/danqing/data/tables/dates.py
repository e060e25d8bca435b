"""Dates as people write them: 2024-05-31, 31.05.2024 10:30, 5/31/24, 5 Mar 2024, 2024年5月31日.

A month without a day, such as 2024-05, is its first day. Reads one text at a time; the order of
day and month is decided from all of a column's. Knows no columns.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["DAY_FIRST", "MONTH_FIRST", "DateText", "choose_order", "parse_date", "read_date"]

DAY_FIRST, MONTH_FIRST = "day-month-year", "month-day-year"
_CLOCK = (
    r"(?:(?:T|,?\s+|,)(?P<hour>\d{1,2})(?::|时|h)(?P<minute>\d{2})(?:[:分](?P<second>\d{2})秒?"
    r"(?:[.,](?P<fraction>\d+))?)?分?\s*(?P<half>[AaPp])?(?(half)\.?[Mm]\.?)"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?)?"
)
_DIGITS = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})\.?" + _CLOCK
)
_CHINESE = re.compile(
    r"(?P<a>\d{4})\s*[年년]\s*(?P<b>\d{1,2})\s*[月월]\s*(?P<c>\d{1,2})\s*[日일]?" + _CLOCK
)
_DAY_NAME = re.compile(
    r"(?P<c>\d{1,2})(?:st|nd|rd|th|\.)?[\s/-]+(?P<b>[A-Za-z]{3,9})\.?,?[\s/-]+(?P<a>\d{4}|\d{2})"
    + _CLOCK
)
_NAME_DAY = re.compile(
    r"(?P<b>[A-Za-z]{3,9})\.?\s+(?P<c>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<a>\d{4})" + _CLOCK
)
_MONTH = re.compile(
    r"(?P<a>\d{4})\s*[-/年년]\s*(?P<b>\d{1,2})\s*[月월]?|(?P<b2>\d{1,2})/(?P<a2>\d{4})"
    r"|(?P<name>[A-Za-z]{3,9})\.?[\s-]+(?P<a3>\d{4})"
)
_YEARS = range(1800, 2200)  # of a month without a day; 1234-05 is a code
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_EPOCH = datetime.date(1970, 1, 1).toordinal()
_DAY = 86_400_000  # milliseconds


class DateText(NamedTuple):
    """A date in each order of its parts, in milliseconds since 1970; None where it is none.

    Of a date that begins with its year, or names its month, all orders are equal.
    """

    day_first: int | None
    month_first: int | None
    certain: bool = False
    dots: bool = False


def read_date(text: str) -> DateText | None:
    """Read a text as a date; None if it is none in any order.

    Examples
    --------
    >>> read_date("2024-05-31").day_first == parse_date("31.05.2024", DAY_FIRST)
    True
    >>> read_date("13/01/2022").month_first, read_date("2024-13-01"), read_date("soon")
    (None, None, None)
    """
    text = text.strip()
    if found := _DIGITS.fullmatch(text) or _CHINESE.fullmatch(text):
        a, b, c = found["a"], int(found["b"]), found["c"]
        if len(a) > 2:
            moment = _moment(a, b, int(c), found) if len(c) <= 2 else None
            return None if moment is None else DateText(moment, moment, certain=True)
        day_first = _moment(c, b, int(a), found)
        month_first = _moment(c, int(a), b, found)
        if day_first is None and month_first is None:
            return None
        return DateText(day_first, month_first, dots="." in (found["mark"] or ""))
    if found := _DAY_NAME.fullmatch(text) or _NAME_DAY.fullmatch(text):
        month = _month_of_name(found["b"])
        moment = _moment(found["a"], month, int(found["c"]), found) if month else None
        return None if moment is None else DateText(moment, moment, certain=True)
    moment = _first_of_month(text)
    return None if moment is None else DateText(moment, moment, certain=True)


def choose_order(dates: Iterable[DateText], share: float) -> tuple[str, bool] | None:
    """Choose the order that all dates allow, or all but a small `share`.

    Returns
    -------
    (str, bool) or None
        The order, empty if each date says its own, and whether it is certain; None if no order
        fits.
    """
    dates = list(dates)
    if not dates:
        return None
    open_ones = [date for date in dates if not date.certain]
    allowed = share * len(dates)
    bad = {
        order: sum(date[place] is None for date in open_ones)
        for place, order in enumerate((DAY_FIRST, MONTH_FIRST))
    }
    order = min(bad, key=lambda order: bad[order])
    if bad[order] > allowed:
        return None
    if not open_ones or all(date.day_first == date.month_first for date in open_ones):
        return ("" if not open_ones else DAY_FIRST), True
    if bad[DAY_FIRST] != bad[MONTH_FIRST]:
        return order, True
    # The first of each month: the part that never changes is the day.
    days = [
        {
            datetime.date.fromordinal(_EPOCH + moment // _DAY).day
            for date in open_ones
            if (moment := date[place]) is not None
        }
        for place in (0, 1)
    ]
    if len(open_ones) > 2 and sorted(map(len, days))[0] == 1 < max(map(len, days)):
        return (DAY_FIRST if len(days[0]) == 1 else MONTH_FIRST), True
    # Nobody writes the month first with dots.
    return DAY_FIRST, all(date.dots for date in open_ones)


def parse_date(text: str, order: str = "") -> int | None:
    """Parse a date, in milliseconds since 1970, as its column is written; None if it is none.

    Examples
    --------
    >>> parse_date("1970-01-02"), parse_date("02/01/1970", "day-month-year")
    (86400000, 86400000)
    """
    found = read_date(text)
    if found is None:
        return _iso(text)
    if not found.certain and not order:
        return None
    return found.month_first if order == MONTH_FIRST else found.day_first


def _month_of_name(text: str) -> int:
    """Give the month from 1 of an English name, 0 if it is none."""
    name = text.lower()
    month = _MONTHS.index(name[:3]) + 1 if name[:3] in _MONTHS else 0
    return month if month and name in (name[:3], _NAMES[month - 1], "sept") else 0


def _first_of_month(text: str) -> int | None:
    """Read a month and a year as the month's first day."""
    found = _MONTH.fullmatch(text)
    if not found:
        return None
    year = int(found["a"] or found["a2"] or found["a3"])
    month = _month_of_name(found["name"]) if found["name"] else int(found["b"] or found["b2"])
    if year not in _YEARS or not 1 <= month <= 12:
        return None
    return (datetime.date(year, month, 1).toordinal() - _EPOCH) * _DAY


def _moment(year: str, month: int, day: int, found: re.Match[str]) -> int | None:
    if len(year) == 3 or len(year) == 1:
        return None
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 69 else 1900
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (found["half"] in "pP")
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = datetime.date(number, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    thousandths = int(((found["fraction"] or "") + "000")[:3])
    moment = days * _DAY + ((hour * 60 + minute) * 60 + second) * 1000 + thousandths
    return moment - _offset(found["zone"])


def _offset(zone: str | None) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return (-minutes if zone[0] == "-" else minutes) * 60_000


def _iso(text: str) -> int | None:
    """Parse the rarer forms of ISO 8601, such as 20240531T0708."""
    try:
        value = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if value.tzinfo:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return (value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
