"""The pages' texts in English and Chinese. Knows no page: each has a file of its own.

A file of words is JSON, ``{key: [English, Chinese]}``. Texts may contain HTML and ``{places}``;
what fills a place comes from data and is escaped here, once.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from danqing.pages.resources import resource

__all__ = ["LANGUAGES", "Both", "Words", "spans", "svg_texts"]

LANGUAGES = ("en", "zh")
Both = tuple[str, str]
"""One text in English and in Chinese."""


class Words:
    """The words of one page, and those that all pages share.

    Parameters
    ----------
    package : str
        The package whose files are read.
    *names : str
        Of these files; ``words.json`` by default.

    Raises
    ------
    ValueError
        If two files have the same key.

    Examples
    --------
    >>> words = Words("danqing.pages")
    >>> words.say("validation")
    '<span lang="en">validation</span><span lang="zh">验证</span>'
    """

    def __init__(self, package: str, *names: str) -> None:
        self.texts: dict[str, Both] = {}
        files = [(package, name) for name in names or ("words.json",)]
        shared = ("danqing.pages", "words.json")
        for file in (shared, *(file for file in files if file != shared)):
            for key, (english, chinese) in json.loads(resource(*file)).items():
                if key in self.texts:
                    raise ValueError(f"{'/'.join(file)}: {key!r} has a text already; rename one")
                self.texts[key] = english, chinese

    def both(self, key: str, **values: Any) -> Both:
        """Return a text in both languages."""
        return self.said(key, "en", **values), self.said(key, "zh", **values)

    def said(self, key: str, language: str, **values: Any) -> str:
        """Return a text in one language.

        Parameters
        ----------
        key : str
        language : {"en", "zh"}
        **values
            For the text's places. A pair is taken as English and Chinese; everything is escaped.
        """
        place = LANGUAGES.index(language)
        chosen = (value[place] if isinstance(value, tuple) else value for value in values.values())
        shown = {name: escape(str(value)) for name, value in zip(values, chosen, strict=True)}
        return self.texts[key][place].format(**shown)

    def plain(self, key: str, language: str, **values: Any) -> str:
        """Return a text without markup, for what isn't HTML: nothing is escaped."""
        return self.texts[key][LANGUAGES.index(language)].format(**values)

    def say(self, key: str, **values: Any) -> str:
        """Return a text as HTML in both languages, of which the page shows one."""
        return spans(self.both(key, **values))


def spans(text: Both) -> str:
    """Return a text as HTML in both languages."""
    return "".join(
        f'<span lang="{language}">{one}</span>'
        for language, one in zip(LANGUAGES, text, strict=True)
    )


def svg_texts(text: Both, attributes: str) -> str:
    """Return a text as SVG in both languages; `attributes` place it."""
    return "".join(
        f'<text lang="{language}" {attributes}>{one}</text>'
        for language, one in zip(LANGUAGES, text, strict=True)
    )
