"""Templates: pieces and words are put in once, and pages need no network."""

from __future__ import annotations

import json
import re

import pytest

from danqing.pages.templates import fill, make_page, script_data
from danqing.pages.words import Words

WORDS = Words("danqing.pages")
EVIL = "</script><script>alert(1)</script>\u2028${close}"


def test_what_is_put_in_is_not_looked_at_again() -> None:
    assert fill("${a}${b}", WORDS, a="${b}", b=EVIL) == "${b}" + EVIL
    with pytest.raises(KeyError, match="nothing-like-it"):
        fill("${nothing-like-it}", WORDS)


def test_data_cannot_end_their_element() -> None:
    element = script_data("facts", {"name": EVIL})
    assert element.count("<") == 2
    assert json.loads(re.findall(">(.*)<", element)[0]) == {"name": EVIL}


def test_page_has_the_shared_frame() -> None:
    page = make_page(WORDS, title=("A & B", "甲"), style="p{}", body="<main id=main></main>")
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>A &amp; B · 甲</title>" in page
    assert page.count("keepChoices") == 2
    assert 'id="language"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", page)
