"""The words of explanations, for page and sheet. Knows no explanation."""

from __future__ import annotations

import re

from danqing.pages.words import Both, Words

__all__ = ["WORDS", "both", "name_of", "say"]

WORDS = Words("danqing.explanation")
both, say = WORDS.both, WORDS.say


def name_of(name: str) -> Both:
    """Return the name of an explained example in both languages; file names are the same in both.

    Examples
    --------
    >>> name_of("test example 7"), name_of("seven.png")
    (('Test example 7', '测试样本 7'), ('seven.png', 'seven.png'))
    """
    row = re.fullmatch(r"test example (\d+)", name)
    return both("test-example", row=row[1]) if row else (name, name)
