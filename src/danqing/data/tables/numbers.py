"""Numbers as people and spreadsheets write them: 1,250.5 or 1.250,5, $12, 12.5%, (300).

Reads one text at a time. Knows no columns: which way of writing a column uses is decided in
`number_columns`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

__all__ = [
    "ERROR_MARKS", "INFINITE_WORDS", "MISSING_WORDS", "NumberText", "parse_number", "read_number",
]  # fmt: skip

INFINITE_WORDS = frozenset(
    ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity", "∞", "+∞", "-∞")
)
"""Words, in lower case, for numbers without end, which no network can take."""

MISSING_WORDS = INFINITE_WORDS | {
    "", "?", "-", "--", ".", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "-nan", "null", "none",
}  # fmt: skip
"""Words, in lower case, that mean a missing value among numbers. In text only "" does."""

ERROR_MARKS = frozenset(
    ("#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#error!", "#calc!", "#spill!")
)
"""What spreadsheets show, in lower case, where a formula has no value; missing numbers too."""

_CODES = (
    "AED", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP",
    "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN",
    "RMB", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
)  # fmt: skip
_WORDS = ("kr", "zł", "Kč", "Ft", "Fr", "Rs", "RM", "Rp", "lei", "руб")
_SIGNS = (
    "US$", "R$", "A$", "C$", "NT$", "HK$", "kr.", "Fr.", "Rs.", "руб.", "р.", "元", "円", "원",
)  # fmt: skip
_SYMBOLS = "$¢£¤¥֏؋৲৳৻૱௹฿៛₠₡₢₣₤₥₦₧₨₩₪₫€₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿"
_SIGN = f"{'|'.join(map(re.escape, _SIGNS))}|[{_SYMBOLS}]"
# A word needs a space: RM12 is a room.
_BEFORE = rf"(?:(?:{'|'.join((*_CODES, *_WORDS))})(?=\s)|{_SIGN})"
_AFTER = rf"(?:(?<=\s)(?:{'|'.join((*_CODES, *_WORDS))})|{_SIGN})"
_SHAPE = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{_BEFORE})?\s*(?P<inner>[+-])?\s*"
    r"(?P<body>(?:\d[\d., ']*)?(?:\d[.,]?|[.,]\d+))(?P<exponent>[eE][+-]?\d+)?\s*(?P<percent>%)?"
    rf"\s*(?P<after>{_AFTER})?\s*(?P<trailing>-)?\s*(?P<close>\))?",
    re.IGNORECASE,
)
_DIGITS = r"\d+|[1-9]\d{{0,2}}(?:{0}\d{{3}})+"
_INDIAN = r"[1-9]\d?(?:,\d{2})+,\d{3}"
# In each, groups of three digits are separated by one mark throughout.
_POINT = re.compile(
    rf"(?:({'|'.join(_DIGITS.format(mark) for mark in (',', ' ', chr(39)))}|{_INDIAN})(\.\d*)?"
    r"|()(\.\d+))"
)
_COMMA = re.compile(
    rf"(?:({'|'.join(_DIGITS.format(mark) for mark in (chr(92) + '.', ' ', chr(39)))})(,\d*)?"
    r"|()(,\d+))"
)
_NO_CENTS = re.compile(r"(?<=\d)[.,]--?(?=\s|$)")  # 1'200.- in Switzerland
_ALIKE = {"EUR": "€", "USD": "$", "US$": "$", "GBP": "£", "JPY": "¥", "CNY": "¥", "RMB": "¥"}
_MARKS = str.maketrans({"−": "-", "–": "-", "’": "'", "`": "'", "´": "'", "٫": ".", "٬": "'"})


@dataclass(frozen=True)
class NumberText:
    """What a text is, read as a number.

    Attributes
    ----------
    point, comma : float or None
        Its value if a point, or a comma, precedes the decimals; None if it is no number then.
        Infinite if it is too large.
    currency : str
        The currency's sign or code; empty if there is none.
    percent : bool
    """

    point: float | None
    comma: float | None
    currency: str = ""
    percent: bool = False


def read_number(text: str) -> NumberText | None:
    """Read a text as a number; None if it is none in any way of writing.

    Examples
    --------
    >>> read_number("1.250")
    NumberText(point=1.25, comma=1250.0, currency='', percent=False)
    >>> read_number("($1,250)").point, read_number("12,5 %").comma, read_number("12,5*")
    (-1250.0, 12.5, None)
    """
    found = _SHAPE.fullmatch(_normalised(text))
    if not found or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [found[name] for name in ("sign", "inner", "trailing") if found[name]]
    if len(signs) + bool(found["open"]) > 1 or (found["before"] and found["after"]):
        return None
    negative = bool(found["open"]) or "-" in signs
    point = _value(_POINT, found["body"], found["exponent"], negative)
    comma = _value(_COMMA, found["body"], found["exponent"], negative)
    if point is None and comma is None:
        return None
    currency = (found["before"] or found["after"] or "").upper()
    return NumberText(point, comma, currency, bool(found["percent"]))


def parse_number(text: str | None, written: str = "") -> float | None:
    """Parse a number as its column is written.

    Parameters
    ----------
    text : str or None
    written : str
        An example of the way of writing: ``1,234.5``, ``1.234,5``, either with ``%`` or a unit, as
        in ``1,234.5 kg``. Without one, decimals follow a point.

    Returns
    -------
    float or None
        NaN if the text means a missing or an infinite value; None if it is no number.

    Examples
    --------
    >>> parse_number("2.500", "1.234,5"), parse_number("$2,500"), parse_number("NA")
    (2500.0, 2500.0, nan)
    >>> parse_number("2.5kg", "1,234.5 kg"), parse_number("2.5", "1,234.5 kg")
    (2.5, 2.5)
    >>> parse_number("$2.5", "1,234.5 $"), parse_number("€2.5", "1,234.5 $")
    (2.5, None)
    >>> parse_number("big") is None
    True
    """
    word = "" if text is None else text.strip().lower()
    if word in MISSING_WORDS or word in ERROR_MARKS:
        return math.nan
    unit = written.partition(" ")[2]
    found = read_number((text or "").strip().removesuffix(unit) if unit else text or "")
    if found is None:
        return None
    if unit and found.currency and _sign(found.currency) != _sign(unit):
        return None
    value = found.comma if written.startswith("1.234,5") else found.point
    if value is None or (found.percent != written.endswith("%") and value != 0):
        return None
    return value if math.isfinite(value) else math.nan


def _sign(currency: str) -> str:
    return _ALIKE.get(currency.upper(), currency.upper())


def _normalised(text: str) -> str:
    text = text.strip()
    if text.isascii():
        return _NO_CENTS.sub("", text)
    # Full-width digits and signs, and the many spaces that separate thousands; 10² is not 102.
    text = "".join(
        unicodedata.normalize("NFKC", c) if unicodedata.east_asian_width(c) in "FH" else c
        for c in text
    ).translate(_MARKS)
    text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return _NO_CENTS.sub("", re.sub(r"\s", " ", text).strip())


def _value(
    pattern: re.Pattern[str], body: str, exponent: str | None, negative: bool
) -> float | None:
    found = pattern.fullmatch(body)
    if not found:
        return None
    whole, fraction = (found[1], found[2]) if found[1] is not None else (found[3], found[4])
    if exponent and not whole.isdecimal() and whole:
        return None
    digits = re.sub(r"[., ']", "", whole) or "0"
    value = float(f"{digits}.{(fraction or '')[1:]}{exponent or ''}")
    return -value if negative else value
