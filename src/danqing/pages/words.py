"""The page's words, each in English and in Chinese, and numbers as they are written there.

Whatever comes from data is escaped here, once, on its way into the page. Knows no figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from math import floor, log10
from typing import Any

__all__ = ["interval", "nearly", "number", "percent", "resource", "said", "say", "say_svg", "table"]

LANGUAGES = ("en", "zh")


def say(key: str, **values: Any) -> str:
    """Give a text in both languages, one of which the page shows.

    Parameters
    ----------
    key : str
        In strings.json, whose texts may hold tags.
    values
        For the text's placeholders; escaped.

    Examples
    --------
    >>> say("rows", n="<3>")
    '<span lang="en">&lt;3&gt; rows</span><span lang="zh">&lt;3&gt; 行</span>'
    """
    return "".join(
        f'<span lang="{language}">{said(key, language, **values)}</span>' for language in LANGUAGES
    )


def say_svg(key: str, attributes: str, **values: Any) -> str:
    """Give a text of a drawing in both languages; `attributes` place it."""
    return "".join(
        f'<text lang="{language}" {attributes}>{said(key, language, **values)}</text>'
        for language in LANGUAGES
    )


def said(key: str, language: str, **values: Any) -> str:
    """Give a text in one language."""
    text = _strings()[key][LANGUAGES.index(language)]
    return text.format(**{name: escape(str(value)) for name, value in values.items()})


def table(heads: Iterable[str], rows: str, kind: str = "") -> str:
    """Give a table that scrolls where it is wider than the page.

    Parameters
    ----------
    heads : iterable of str
        Keys of what the columns are called; none for the corner over the rows' own heads.
    rows : str
        In HTML.
    kind : str
        Classes that the style sheet knows.
    """
    named = "".join(f"<th scope=col>{say(key)}</th>" if key else "<td></td>" for key in heads)
    return (
        f'<div class=scroll><table class="{kind}"><thead><tr>{named}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def percent(share: float, digits: int = 2) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.99401), percent(0.5, 0)
    ('99.40%', '50%')
    """
    return f"{share:.{digits}%}"


def nearly(share: float) -> str:
    """Write a share with one digit, or two where one would make it all.

    Examples
    --------
    >>> nearly(0.8124), nearly(0.9998), nearly(1.0)
    ('81.2%', '99.98%', '100.0%')
    """
    return percent(share, 1 if share == 1 or round(share, 3) < 1 else 2)


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits, and thousands apart.

    A number that needs fewer has no zeros at its end; one that was rounded keeps them.

    Examples
    --------
    >>> number(1234567.0), number(0.012345), number(None)
    ('1,235,000', '0.01235', '–')
    >>> number(42.1984), number(42.2), number(5.0)
    ('42.20', '42.2', '5')
    """
    if value is None:
        return "–"
    if value and not 1e-4 <= abs(value) < 1e12:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    rounded = float(f"{value:.{digits}g}")
    decimals = len(re.sub(r"^-?\d+\.?", "", f"{rounded:.12f}".rstrip("0")))
    if abs(rounded - value) > 1e-9 * abs(value):
        decimals = max(0, digits - 1 - floor(log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}".replace("-", "−")


def interval(ends: Any, write: Any = percent) -> str:
    """Write an interval; nothing where there is none.

    Examples
    --------
    >>> interval([0.5, 0.625]), interval(None)
    ('50.00% – 62.50%', '')
    """
    return "" if ends is None else f"{write(ends[0])} – {write(ends[1])}"


def resource(name: str) -> str:
    """Read a file that lies beside this one."""
    return files("danqing.evaluation.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _strings() -> dict[str, list[str]]:
    strings: dict[str, list[str]] = json.loads(resource("strings.json"))
    return strings
