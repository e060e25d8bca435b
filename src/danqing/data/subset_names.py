"""The names of a source's subsets, and the words that files and folders use for them."""

from __future__ import annotations

from typing import Literal

__all__ = ["SUBSETS", "SubsetName", "subset_of"]

SubsetName = Literal["train", "validation", "test"]

SUBSETS: tuple[SubsetName, ...] = ("train", "validation", "test")

_WORDS: dict[str, SubsetName] = {
    **dict.fromkeys(("train", "training"), SUBSETS[0]),
    **dict.fromkeys(("validation", "val", "valid"), SUBSETS[1]),
    **dict.fromkeys(("test", "testing"), SUBSETS[2]),
}


def subset_of(word: str) -> SubsetName | None:
    """Return the subset that a word stands for, or None.

    Examples
    --------
    >>> subset_of("Val"), subset_of("cats")
    ('validation', None)
    """
    return _WORDS.get(word.casefold())
