"""Names by which a user finds a row again: its file, FILE:ROW, or its subset and row from 1.

Names are made when they are asked for: a million rows cost no million texts. Knows no examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["FileNames", "RowNames", "name_rows", "short_name"]


class RowNames(Sequence[str]):
    """Names that end in a row number, such as ``wine.csv:1`` or ``test[1]``.

    Parameters
    ----------
    before, after : str
        What stands around the row number.
    rows : sequence of int
        The number of each row in its source, from 1; rows that were left out have none here.

    Examples
    --------
    >>> names = RowNames("pets.csv:", [1, 3])
    >>> len(names), names[1], names[:1][0]
    (2, 'pets.csv:3', 'pets.csv:1')
    """

    def __init__(self, before: str, rows: Sequence[int] | Any, after: str = "") -> None:
        self._before, self._rows, self._after = before, rows, after

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> RowNames: ...
    def __getitem__(self, place: int | slice) -> str | RowNames:
        if isinstance(place, slice):
            return RowNames(self._before, self._rows[place], self._after)
        return f"{self._before}{self._rows[place]}{self._after}"


class FileNames(Sequence[str]):
    """Names of files in one folder or archive.

    Parameters
    ----------
    folder : str
        Empty if the names are whole paths.
    names : sequence of str
        Of each file within it, with ``/`` between folders.

    Examples
    --------
    >>> FileNames("/data/pets", ["cat/1.png", "dog/1.png"])[1]
    '/data/pets/dog/1.png'
    """

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> FileNames: ...
    def __getitem__(self, place: int | slice) -> str | FileNames:
        if isinstance(place, slice):
            return FileNames(self._folder, self._names[place])
        return f"{self._folder}/{self._names[place]}" if self._folder else self._names[place]


def name_rows(
    marked: Mapping[str, NDArray[np.bool_]], files: Mapping[str, Path] | None = None
) -> dict[str, RowNames]:
    """Name the marked rows of each subset, by the files they come from if these are given.

    Examples
    --------
    >>> list(name_rows({"train": np.array([True, False, True])})["train"])
    ['train[1]', 'train[3]']
    """
    return {
        subset: RowNames(f"{files[subset]}:", np.flatnonzero(rows) + 1)
        if files
        else RowNames(f"{subset}[", np.flatnonzero(rows) + 1, "]")
        for subset, rows in marked.items()
    }


def short_name(name: str) -> str:
    """Shorten a name to the file and its folder, for where there is little room.

    Examples
    --------
    >>> short_name("/home/li/pets/cat/1.png"), short_name("test[1]")
    ('cat/1.png', 'test[1]')
    """
    return "/".join(name.replace("\\", "/").split("/")[-2:])
