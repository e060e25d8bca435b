"""What a folder of pictures and an archive of one have in common: a list of files, and their bytes.

Knows neither of them, and no pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from danqing.errors import PictureError

__all__ = ["Entry", "Listing", "Origin"]


class Entry(NamedTuple):
    """A file of a source: its name with ``/`` between folders, its size, and when it changed."""

    name: str
    size: int
    changed: int


@dataclass
class Listing:
    """The files of a source, how many were left out by reason, and what can't be read.

    `folders` are all its folders, also empty ones, each ending in ``/``.
    """

    entries: list[Entry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


class Origin(Protocol):
    """Where the bytes of picture files come from."""

    path: Path
    name: str
    """The name of its Dataset."""
    stamp: str
    """Changes whenever the listing may have; empty if only a new listing can tell."""

    def listings(self) -> Iterator[Listing]:
        """List all files, in a fixed order: yields one `Listing` as it grows, complete at last."""

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        """Yield each name with its bytes, a path to read them from, or an error, in any order."""

    def full_name(self, name: str) -> str:
        """Return the name by which a user knows the file."""
