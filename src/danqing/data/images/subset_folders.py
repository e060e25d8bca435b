"""Which folders of pictures are subsets: around the classes, or within each of them.

Knows names of folders, as tuples of steps; no files.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from danqing.data.subset_names import SubsetName, subsets_of

__all__ = ["inner_subsets", "is_doubled", "note_on_subfolders", "top_subsets", "wrapping"]


def wrapping(folders: Collection[tuple[str, ...]]) -> int:
    """Count the folders around everything, each with nothing in it but one folder of folders."""
    top = 0
    while (
        all(len(path) > top + 1 for path in folders)
        and len({path[top] for path in folders}) == 1
        and not subsets_of([next(iter(folders))[top]])
    ):
        top += 1
    return top


def is_doubled(
    folders: Collection[tuple[str, ...]], top: int, subsets: Mapping[str, SubsetName]
) -> bool:
    """Whether each subset's folder holds but one of the same name, as some archives unpack."""
    inside = [path[top:] for path in folders if len(path) > top and path[top] in subsets]
    return bool(inside) and all(len(path) > 2 and path[1] == path[0] for path in inside)


def top_subsets(folders: dict[tuple[str, ...], list[str]], top: int) -> dict[str, SubsetName]:
    """Find the folders that are subsets; a class may be called train too, of trains."""
    names = {path[top] for path in folders if len(path) > top}
    subsets = subsets_of(sorted(names))
    if "train" not in subsets.values():  # a class may be called test, but only among other classes
        return subsets if names == set(subsets) else {}
    depths = Counter[bool]()
    for path, pictures in folders.items():
        if len(path) > top and subsets.get(path[top]) == "train":
            depths[len(path) > top + 1] += len(pictures)
    nested = depths[True] > depths[False]
    several = len(set(subsets.values())) > 1 or names == set(subsets)
    return subsets if nested and several else {}


def inner_subsets(folders: Collection[tuple[str, ...]], top: int) -> dict[str, SubsetName]:
    """Find the subsets that are folders in each class: cat/train, cat/test, dog/train, dog/test.

    Examples
    --------
    >>> inner_subsets([(c, s) for c in ("cat", "dog") for s in ("train", "test")], 0)
    {'test': 'test', 'train': 'train'}
    """
    inside: dict[str, set[str]] = {}
    for path in folders:
        if len(path) < top + 2:
            return {}
        inside.setdefault(path[top], set()).add(path[top + 1])
    names = sorted(set().union(*inside.values()))
    found = subsets_of(names)
    whole = len(inside) > 1 and found.keys() == set(names) and len(set(found.values())) > 1
    trained = (
        all("train" in {found[name] for name in own} for own in inside.values()) if whole else 0
    )
    return found if trained else {}


def note_on_subfolders(files: Iterable[tuple[str, str]]) -> str:
    """Say that the classes may be subsets with names in another language; empty if they aren't.

    Parameters
    ----------
    files : iterable of (str, str)
        The name of each file, with ``/`` between folders, and its class.

    Examples
    --------
    >>> files = [(f"{s}/{c}/1.png", s) for s in ("opetus", "koe") for c in "ab"]
    >>> note_on_subfolders(files)[:72]
    "each of the classes 'koe' and 'opetus' has the folders 'a' and 'b' in it"
    """
    inside: dict[str, set[str]] = {}
    for name, label in files:
        steps = name.split("/")[:-1]
        at = next(
            (n for n, s in enumerate(steps) if unicodedata.normalize("NFC", s) == label), None
        )
        if at is None or at + 1 == len(steps):
            return ""
        inside.setdefault(label, set()).add(steps[at + 1])
    first = next(iter(inside.values()), set())
    if len(inside) not in (2, 3) or len(first) < 2 or any(own != first for own in inside.values()):
        return ""
    labels, folders = (" and ".join(map(repr, sorted(names))) for names in (inside, first))
    return (
        f"each of the classes {labels} has the folders {folders} in it; if they are a training and "
        "a test set, call them train and test"
    )
