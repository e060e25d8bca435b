"""Facts, words, chapters and scripts become one HTML file that needs nothing else.

Knows nothing of networks. Text from data reaches the page only as JSON that a script reads and
shows as text, so that no name of a class or a file can become part of the page.
"""

from __future__ import annotations

from typing import Any

from danqing.pages.network_script import network_script
from danqing.pages.resources import resource
from danqing.pages.templates import fill, make_page, script_data
from danqing.pages.words import LANGUAGES, Words

__all__ = ["assemble"]

_CHAPTERS = (
    "network", "data", "forward", "loss", "backward", "descent", "training", "evaluation",
    "mistakes", "checks", "questions", "glossary", "reading",
)  # fmt: skip
# In the order in which they build on each other.
_SHARED_SCRIPTS = ("number_format", "charts")
_SCRIPTS = (
    "engine", "numbers", "formulas", "mosaic", "drawing", "state", "layers",
    "chapter_network", "chapter_forward", "chapter_loss", "chapter_backward", "muon",
    "chapter_descent", "race", "chapter_results", "main",
)  # fmt: skip

_PACKAGE = "danqing.explanation.textbook"
_SPOKEN = Words(_PACKAGE, "page/scripts/words.json")
_GLOSSARY = Words(_PACKAGE, "page/glossary_words.json")
_WORDS = Words(_PACKAGE, "page/words.json", "page/glossary_words.json", "page/scripts/words.json")


def assemble(facts: dict[str, Any]) -> str:
    """Put the page together.

    Parameters
    ----------
    facts : dict
        From `danqing.explanation.textbook.facts`.

    Examples
    --------
    >>> page = assemble({"data": {"name": "</script><b>"}, "run": {"network": "fast"}})
    >>> "</script><b>" in page, page.startswith("<!DOCTYPE html>")
    (False, True)
    """
    links = "".join(
        f'<li><a href="#{name}">{_WORDS.say(f"chapter-{name}")}</a></li>' for name in _CHAPTERS
    )
    body = fill(
        _read("body.html"), _WORDS, links=links, chapters="\n".join(map(_chapter, _CHAPTERS))
    )
    scripts = [
        *(resource("danqing.pages", f"{name}.js") for name in _SHARED_SCRIPTS),
        _read("scripts/facts.js"),
        network_script(),
        *(_read(f"scripts/{name}.js") for name in _SCRIPTS),
    ]
    return make_page(
        _WORDS,
        title=_WORDS.both("title", name=facts["data"]["name"]),
        style=_read("style.css"),
        body=body,
        script="\n".join(scripts),
        data=script_data("facts", facts) + script_data("words", _SPOKEN.texts),
    )


def _chapter(name: str) -> str:
    inside = _glossary() if name == "glossary" else fill(_read(f"chapters/{name}.html"), _WORDS)
    return f'<section id="{name}">\n<h2>{_WORDS.say(f"chapter-{name}")}</h2>\n{inside}</section>'


def _glossary() -> str:
    """List the terms, each with its name in the other language."""
    terms = [key.removeprefix("term-") for key in _GLOSSARY.texts if key.startswith("term-")]
    lines = []
    for term in terms:
        names, shown = _GLOSSARY.both(f"term-{term}"), ""
        for language, name, other in zip(LANGUAGES, names, reversed(names), strict=True):
            beside = f" <small>{other}</small>" if other != name else ""
            shown += f'<span lang="{language}">{name}{beside}</span>'
        lines.append(f"<div><dt>{shown}</dt><dd>{_GLOSSARY.say(f'meaning-{term}')}</dd></div>")
    return f'<dl class="glossary">{"".join(lines)}</dl>'


def _read(name: str) -> str:
    return resource(_PACKAGE, f"page/{name}")
