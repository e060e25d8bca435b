"""A table's column of picture names -> where those pictures are.

Knows names and folders; no decoder and no labels.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product, takewhile
from pathlib import Path

from danqing.data.images.layout import is_picture_name

__all__ = ["PictureNames", "find_pictures", "pictures_beside"]

_SAMPLE = 20  # names that are tried
_FOLDERS = 20  # beside the table, in which they are sought
_ENTRIES = 2000  # of a folder that are looked at
_BARE = 0.9  # of the names without an ending must be pictures: 1, 2 and 3 may be anything


@dataclass(frozen=True)
class PictureNames:
    """How the names in a table lead to files.

    Attributes
    ----------
    folder : Path
        The table's.
    inside : str
        A folder in it that the names don't mention; empty if there is none.
    skipped : int
        How many folders at the start of each name lead elsewhere: to the computer where the table
        was written.
    suffix : str
        What the names lack, such as ``.jpg``.
    """

    folder: Path
    inside: str = ""
    skipped: int = 0
    suffix: str = ""

    def path(self, name: str) -> str:
        """Return the path of a picture, which may not exist."""
        name = name.strip().replace("\\", "/")
        if self.skipped:
            steps = _steps(name)
            name = "/".join(steps[min(self.skipped, len(steps) - 1) :])
        found = str((self.folder / self.inside / name).absolute()) + self.suffix
        return found if os.path.isfile(found) else _in_other_case(found)  # noqa: PTH113

    def __str__(self) -> str:
        """Say what is done to the names; empty if nothing is."""
        parts = []
        if self.inside:
            parts.append(f"in {self.inside}/")
        if self.skipped:
            parts.append(f"without the {self.skipped} first folders of their paths")
        if self.suffix:
            parts.append(f"with {self.suffix} at the end")
        return ", ".join(parts)


def find_pictures(names: Sequence[str], folder: Path) -> PictureNames | None:
    """Find out where the pictures that a column may name are.

    Parameters
    ----------
    names : sequence of str
        Values of the column, some or all.
    folder : Path
        Of the table.

    Returns
    -------
    PictureNames or None
        None if most of the names can't be pictures, or none is found: as it is, without its first
        folders, in a folder beside the table, or with the ending that pictures there have.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "train").mkdir()
    >>> for name in "abc":
    ...     (folder / "train" / f"{name}.jpg").touch()
    >>> find_pictures(["a", "b", "c"], folder).suffix
    '.jpg'
    """
    names = [name for name in names if name and name.strip(" /\\")]
    endings = [name for name in names if is_picture_name(name.strip())]
    if 2 * len(endings) > len(names):
        sample, ways = endings[:_SAMPLE], _ways(endings, folder)
        return next((way for way in ways if any(map(os.path.isfile, map(way.path, sample)))), None)
    sample = names[:: max(1, len(names) // _SAMPLE)]
    if len(set(sample)) < len(sample) or len(sample) < 3:
        return None  # words that repeat are categories, not pictures
    for inside in _folders(folder):
        for suffix in _suffixes(folder / inside):
            way = PictureNames(folder, inside, 0, suffix)
            found = sum(map(os.path.isfile, map(way.path, sample)))
            if found >= _BARE * len(sample):
                return way
    return None


def pictures_beside(folder: Path) -> bool:
    """Whether there are pictures in a folder, or in one of its folders."""
    return any(True for inside in _folders(folder) for _ in _suffixes(folder / inside))


def _ways(names: Sequence[str], folder: Path) -> Iterator[PictureNames]:
    """Yield the ways to look for names that end as pictures do, the plainest first.

    Only folders that all names begin with are skipped: a/1.png and b/1.png are two pictures.
    """
    folders = (_steps(name)[:-1] for name in names)
    same = takewhile(lambda steps: len(set(steps)) == 1, zip(*folders, strict=False))
    skipping, inside = range(len(list(same)) + 1), _folders(folder)
    for skipped, one in sorted(product(skipping, inside), key=lambda way: bool(way[1])):
        yield PictureNames(folder, one, skipped)


def _folders(folder: Path) -> list[str]:
    """Give the folder itself, as an empty name, and those in it."""
    try:
        with os.scandir(folder) as entries:
            inside = [e.name for _, e in zip(range(_ENTRIES), entries, strict=False) if e.is_dir()]
    except OSError:
        return [""]
    return ["", *sorted(name for name in inside if not name.startswith("."))[:_FOLDERS]]


def _suffixes(folder: Path) -> list[str]:
    """Give the endings of the pictures in a folder, the commonest first."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for _, e in zip(range(_ENTRIES), entries, strict=False)]
    except OSError:
        return []
    endings = Counter(name[name.rfind(".") :] for name in names if is_picture_name(name))
    return [ending for ending, _ in endings.most_common()]


def _in_other_case(path: str) -> str:
    """Find a file whose path differs in case only, or in how accents are written.

    Windows and Macs take both for the same. The path itself if there is none, or more than one.
    """
    if os.path.exists(path) or "\0" in path:  # noqa: PTH110
        return path
    here, missing = Path(path), []
    while not here.is_dir() and here != here.parent:
        missing.append(here.name)
        here = here.parent
    for name in reversed(missing):
        found = _names_by_key(str(here), here.stat().st_mtime_ns).get(_key(name))
        if found is None:
            return path
        here /= found
    return str(here)


@lru_cache(64)
def _names_by_key(folder: str, changed: int) -> dict[str, str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return {}
    count = Counter(map(_key, names))
    return {key: name for name in names if count[key := _key(name)] == 1}


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _steps(name: str) -> list[str]:
    steps = [step for step in name.strip().replace("\\", "/").split("/") if step not in ("", ".")]
    return steps or [name]
