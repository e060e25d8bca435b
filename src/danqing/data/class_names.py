"""Class names that are likely one class, written in two ways. Knows no examples."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["notes_on_similar_names"]

_NAMED = 3  # groups of names


def notes_on_similar_names(names: Sequence[str]) -> tuple[str, ...]:
    """Name classes that differ in upper and lower case, spaces or the like only.

    Examples
    --------
    >>> notes_on_similar_names(["Cat", "cat", "dog"])
    ("the classes 'Cat' and 'cat' differ in case or spaces only; they are learned as 2 classes",)
    >>> notes_on_similar_names(["cat", "dog"])
    ()
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_key(name), []).append(name)
    alike = [group for group in groups.values() if len(group) > 1]
    return tuple(
        f"the classes {' and '.join(map(repr, group))} differ in case or spaces only; they are "
        f"learned as {len(group)} classes"
        for group in alike[:_NAMED]
    )


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(plain.replace("_", " ").split()) or name
