"""Facts, sentences, styles and scripts become one HTML file that needs nothing else.

Knows nothing of networks. Text from data reaches the page only as JSON that a script reads and
shows as text, so that no name of a class or a file can become part of the page.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from danqing.pages.network_script import network_script
from danqing.pages.resources import resource

__all__ = ["assemble"]

_FOLDER = Path(__file__).parent / "page"
_CHAPTERS = (
    "network", "data", "forward", "loss", "backward", "descent", "training", "evaluation",
    "mistakes", "checks", "questions", "glossary", "reading",
)  # fmt: skip
# In the order in which they build on each other.
_SCRIPTS = (
    "engine", "numbers", "formulas", "charts", "drawing", "state", "layers",
    "chapter_network", "chapter_forward", "chapter_loss", "chapter_backward", "muon",
    "chapter_descent", "race", "chapter_results", "main",
)  # fmt: skip


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
    pieces = {
        "title": html.escape(f"{facts['run']['network']} · {facts['data']['name']}"),
        "style": _read("style.css"),
        "chapters": "\n".join(_read(f"chapters/{name}.html") for name in _CHAPTERS),
        "facts": _as_script_data(facts),
        "words": _as_script_data(json.loads(_read("words.json"))),
        "script": "\n".join(
            [
                resource("danqing.pages", "choices.js"),
                _script("facts"),
                network_script(),
                *map(_script, _SCRIPTS),
            ]
        ),
    }
    before, *rest = _read("template.html").split("{{")
    page = [before]
    for part in rest:
        name, after = part.split("}}", 1)
        page += [pieces[name], after]
    return "".join(page)


def _script(name: str) -> str:
    return _read(f"scripts/{name}.js")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _as_script_data(plain: Any) -> str:
    """Give JSON that can stand within a script element: no `<` ends it."""
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
