"""Templates become pages: one file each that needs no network. Knows no page's content.

A template names pieces and words alike: ``${name}`` is the piece of that name, or else the text of
that key in both languages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from string import Template
from typing import Any

from danqing.pages.resources import resource
from danqing.pages.words import Both, Words

__all__ = ["fill", "make_page", "script_data"]


def make_page(
    words: Words,
    *,
    title: Both,
    style: str,
    body: str,
    script: str = "keepChoices();",
    data: str = "",
    contents: str = "",
    attributes: str = "",
) -> str:
    """Return a whole page: a body in the frame that all pages share.

    Parameters
    ----------
    words : Words
    title : (str, str)
        For the browser's tab; as text.
    style : str
        What the page adds to base.css and charts.css.
    body : str
        HTML with an element whose id is ``main``.
    script : str
        What the page adds to choices.js; it has to call ``keepChoices``.
    data : str
        Elements from `script_data`.
    contents : str
        HTML that stands in the bar at the top.
    attributes : str
        Of the body element.

    Examples
    --------
    >>> page = make_page(Words("danqing.pages"), title=("A", "B"), style="", body="<main id=main>")
    >>> page.startswith("<!DOCTYPE html>"), "<title>A · B</title>" in page
    (True, True)
    """
    return fill(
        resource("danqing.pages", "base.html"),
        words,
        title=escape(" · ".join(dict.fromkeys(title))),
        style=resource("danqing.pages", "base.css")
        + resource("danqing.pages", "charts.css")
        + style,
        body=body,
        data=data,
        script=resource("danqing.pages", "choices.js") + script,
        contents=contents,
        attributes=attributes,
    )


def fill(template: str, words: Words, **pieces: str) -> str:
    """Substitute pieces and words in a template; what is substituted is not expanded again.

    Raises
    ------
    KeyError
        If the template names neither a piece nor a word.

    Examples
    --------
    >>> fill("<b>${word}</b> ${close}", Words("danqing.pages"), word="${close}")
    '<b>${close}</b> <span lang="en">Close</span><span lang="zh">关闭</span>'
    """
    return _Template(template).substitute(_Named(words, pieces))


def script_data(identity: str, plain: Any) -> str:
    """Return plain data as an element from which the page's script reads it.

    Text from data can't end the element: no ``<`` is left in it.
    """
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{identity}">{text}</script>'


class _Template(Template):
    idpattern = r"(?!)"  # names stand in braces
    braceidpattern = r"[a-z][a-z0-9_-]*"


class _Named(Mapping[str, str]):
    """A template's pieces and, beside them, all words."""

    def __init__(self, words: Words, pieces: dict[str, str]) -> None:
        self._words, self._pieces = words, pieces

    def __getitem__(self, name: str) -> str:
        return self._pieces[name] if name in self._pieces else self._words.say(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._words.texts, **self._pieces})

    def __len__(self) -> int:
        return len({**self._words.texts, **self._pieces})
