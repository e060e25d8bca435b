"""All labelled pictures of a source, in one shape. Knows no folder and no archive.

Pictures of one size keep it, if it is at most 96 pixels a side. Others are brought to their median
height and width, scaled down so that the longer side has at most 64 pixels. They stay grey if all
of them are.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.cache.file_contents import FileContents
from danqing.data.cache.index import FileContent
from danqing.data.cache.pixel_files import CachedPictures
from danqing.data.cache.workers import Meter, OnProgress, cores
from danqing.data.dataset import Dataset
from danqing.data.images.decode import SMALL
from danqing.data.images.image_file import quiet
from danqing.data.images.layout import SUBSETS, Labelled, Origin, SubsetName, arrange
from danqing.data.natural_order import natural_key
from danqing.errors import SourceError

__all__ = ["IN_MEMORY", "ImageFiles", "LoadedImages", "files_of", "load_images", "to_dataset"]

IN_MEMORY = 1 << 30
"""Bytes of pixels up to which they are held in memory; more stay on disk."""

_LONGER_SIDE = 64

Stored = NDArray[np.uint8] | CachedPictures


@dataclass(frozen=True)
class ImageFiles:
    """Which files the rows of a `Dataset` come from, training, validation, test.

    Attributes
    ----------
    paths : list of str
        A file for each row.
    hashes : list of str
        SHA-256 of each file's content.
    unreadable : list of (path, reason)
    """

    paths: list[str]
    hashes: list[str]
    unreadable: list[tuple[str, str]]


@dataclass(frozen=True)
class LoadedImages:
    """Readable pictures in order, and what became of the rest.

    Attributes
    ----------
    files : list of Labelled
    digests : list of str
        SHA-256 of each file's content.
    pictures : ndarray or CachedPictures, shape (n, height, width, channels)
    pictures_as : dict
        Their size and mode.
    unreadable : list of (name, reason)
    left_out : Counter
        What was not even looked at: a reason and how many.
    """

    files: list[Labelled]
    digests: list[str]
    pictures: Stored = field(repr=False)
    pictures_as: dict[str, Any]
    unreadable: list[tuple[str, str]]
    left_out: Counter[str]


def load_images(origin: Origin, progress: OnProgress | None = None) -> LoadedImages:
    """Read all labelled pictures of a source, through the cache.

    Raises
    ------
    SourceError
        If its folders make no data set, nothing is readable, or there is no room for the pixels.
    """
    now = time.time_ns()
    pool = ThreadPoolExecutor(cores(), thread_name_prefix="decode")
    contents = FileContents(origin, pool, Meter(progress))
    known = bool(origin.stamp) and contents.old.stamp == origin.stamp
    try:
        listing = (contents.old.listing if known else None) or contents.listing()
        if origin.stamp:
            contents.new.stamp, contents.new.listing = origin.stamp, listing
        layout = arrange((entry.name for entry in listing.entries), str(origin.path))
        entries = {entry.name: entry for entry in listing.entries}
        with quiet():
            contents.look([entries[file.name] for file in layout.files], now)
            pictures_as, pictures = _in_one_shape(contents, layout.files, origin.path)
    finally:
        contents.close()
        pool.shutdown(cancel_futures=True)
    readable = contents.readable([file.name for file in layout.files])
    good = [file for file in layout.files if file.name in readable]
    bad = [file.name for file in layout.files if file.name not in readable]
    return LoadedImages(
        files=good,
        digests=[contents.digest(file.name) for file in good],
        pictures=pictures,
        pictures_as=pictures_as,
        unreadable=[*listing.unreadable, *((name, contents.reason(name)) for name in bad)],
        left_out=listing.left_out + Counter({"other files": layout.others}),
    )


def to_dataset(origin: Origin, loaded: LoadedImages, name: str) -> Dataset:
    """Make a Dataset of what was gathered.

    Raises
    ------
    SourceError
        If there is but one class, or one that is not in the part for training.
    """
    class_names = _classes(origin, loaded)
    position = {label: number for number, label in enumerate(class_names)}
    y = np.array([position[file.label] for file in loaded.files], dtype=np.int64)
    parts = Counter(file.part for file in loaded.files)
    stops = np.cumsum([0, *(parts[part] for part in SUBSETS)]).tolist()
    x = [_window(loaded.pictures, *stops[at : at + 2]) for at in range(3)]
    removed = loaded.left_out + Counter({"unreadable files": len(loaded.unreadable)})
    return Dataset(
        name=name,
        source=str(origin.path),
        x_train=x[0],
        y_train=y[: stops[1]],
        x_validation=x[1] if parts["validation"] else None,
        y_validation=y[stops[1] : stops[2]] if parts["validation"] else None,
        x_test=x[2],
        y_test=y[stops[2] :],
        class_names=class_names,
        removed=dict(sorted(removed.items())),
        pictures_as=loaded.pictures_as,
        content=_content_hash(loaded),
    )


def files_of(origin: Origin, loaded: LoadedImages) -> ImageFiles:
    """Tell which files the rows of `to_dataset` come from."""
    return ImageFiles(
        paths=[origin.full_name(file.name) for file in loaded.files],
        hashes=loaded.digests,
        unreadable=[(origin.full_name(name), reason) for name, reason in loaded.unreadable],
    )


def _in_one_shape(
    contents: FileContents, files: list[Labelled], path: Path
) -> tuple[dict[str, Any], Stored]:
    names = [file.name for file in files]
    while True:
        good = contents.readable(names)
        if not good:
            raise SourceError(
                f"{path}: none of its {len(names):,} pictures can be read; "
                f"the first, {names[0]!r}, {contents.reason(names[0])}"
            )
        pictures_as = _one_shape(good.values())
        height, width = pictures_as["size"]
        shape = (height, width, 1 if pictures_as["mode"] == "L" else 3)
        store, rows = contents.store(list(good), shape, IN_MEMORY)
        if len(rows) < len(good):
            decoded = contents.readable(names)
            if not decoded or _one_shape(decoded.values()) != pictures_as:
                continue  # some can't be decoded: the sizes of the rest decide
        if isinstance(store, np.ndarray):
            return pictures_as, store[rows]
        pictures = CachedPictures(store, rows)
        if pictures.nbytes > IN_MEMORY:
            return pictures_as, pictures
        try:
            return pictures_as, pictures.read_all()
        except SourceError:  # the cache is damaged; that file of it is gone by now
            contents.forget()


def _one_shape(found: Collection[FileContent]) -> dict[str, Any]:
    """Choose the one size and mode that all pictures are brought to."""
    height, width = next(iter(found))[:2]
    if max(height, width) > SMALL or any(content[:2] != (height, width) for content in found):
        tall = median(content.height for content in found)
        wide = median(content.width for content in found)
        scale = min(1, _LONGER_SIDE / max(tall, wide))
        height, width = max(1, round(tall * scale)), max(1, round(wide * scale))
    return {"size": [height, width], "mode": "L" if all(c.grey for c in found) else "RGB"}


def _classes(origin: Origin, loaded: LoadedImages) -> tuple[str, ...]:
    by_part: dict[SubsetName, set[str]] = {part: set() for part in SUBSETS}
    for file in loaded.files:
        by_part[file.part].add(file.label)
    for part in SUBSETS[1:]:
        if extra := by_part[part] - by_part["train"]:
            first = min(extra, key=natural_key)
            raise SourceError(
                f"{origin.path}: class {first!r} has pictures for {part} but none for training; "
                "add some, or remove its folder"
            )
    classes = sorted(by_part["train"], key=natural_key)
    if len(classes) < 2:
        raise SourceError(
            f"{origin.path}: has readable pictures of one class only, {classes[0]!r}; "
            "expected two or more folders, one for each class"
        )
    return tuple(classes)


def _window(pictures: Stored, start: int, stop: int) -> Stored:
    if isinstance(pictures, np.ndarray):
        return pictures[start:stop]
    return pictures.window(start, stop)


def _content_hash(loaded: LoadedImages) -> str:
    digest = hashlib.sha256(repr(sorted(loaded.pictures_as.items())).encode())
    for file, content in zip(loaded.files, loaded.digests, strict=True):
        digest.update(f"{content} {file.part} {len(file.label)} {file.label}\n".encode())
    return digest.hexdigest()
