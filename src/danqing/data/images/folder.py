"""A folder of pictures, with one subfolder per class, as an `Origin`.

Knows no decoder's details and no archive; never changes anything in the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.decode import decode
from danqing.data.images.layout import PICTURES, is_picture_name, is_service_folder
from danqing.data.images.origin import Entry, Listing, Origin
from danqing.data.natural_order import natural_key
from danqing.errors import PictureError, SourceError

__all__ = ["list_picture_names", "list_pictures", "open_folder", "read_pictures"]

_DEEPEST = 32  # folders within folders; more is a loop that the system doesn't detect


def open_folder(path: str | Path) -> Origin:
    """Open a folder of pictures.

    Raises
    ------
    SourceError
        If it can't be read.
    """
    return _Folder(path)


def list_pictures(path: str | Path) -> list[Path]:
    """List the picture files in a folder and its subfolders, by name in natural order.

    Raises
    ------
    SourceError
        If the folder is missing, or has no pictures.
    """
    return [Path(path) / name for name in list_picture_names(path)]


def list_picture_names(path: str | Path) -> list[str]:
    """List picture files as `list_pictures` does, by their names within the folder."""
    *_, whole = _Folder(path).listings()
    names = [entry.name for entry in whole.entries if is_picture_name(entry.name)]
    if not names:
        raise SourceError(f"{path}: has no pictures; expected {PICTURES}")
    return sorted(names, key=natural_key)


def read_pictures(
    paths: Iterable[str | Path | bytes], pictures_as: Mapping[str, Any]
) -> tuple[NDArray[np.uint8], list[tuple[str, str]]]:
    """Decode picture files, or their contents, like those of a `Dataset`, given its `pictures_as`.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, height, width, channels)
        Those that can be read, in the given order.
    bad : list of (path, message)
        Those that can't.
    """
    height, width = pictures_as["size"]
    mode = pictures_as["mode"]
    good: list[NDArray[np.uint8]] = []
    bad: list[tuple[str, str]] = []
    for path in paths:
        try:
            good.append(decode(path, (height, width), mode, ends=pictures_as.get("range")))
        except PictureError as error:
            bad.append((str(path), str(error)))
    none = np.empty((0, height, width, 1 if mode == "L" else 3), np.uint8)
    return np.stack(good) if good else none, bad


class _Folder:
    stamp = ""  # only a new listing can tell whether anything in a folder has changed

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.name = self.path.name or "pictures"
        try:
            with os.scandir(self.path):
                pass
        except OSError as error:
            raise SourceError(
                f"{path}: can't be read as a folder of pictures ({error.strerror}); check its path "
                "and permissions"
            ) from None
        except ValueError:
            raise SourceError(
                f"{str(path)!r}: is not a valid folder name; check the path"
            ) from None

    def listings(self) -> Iterator[Listing]:
        listing = Listing()
        for _ in self._walk("", (), False, listing):
            yield listing
        if listing.unreadable and not listing.entries:
            name, reason = listing.unreadable[0]
            raise SourceError(f"{self.path}: has nothing that can be read; {name!r} {reason}")
        yield listing

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        # Joined as text: with many files, making a Path of each costs more than reading it.
        return ((name, f"{self.path}/{name}") for name in names)

    def full_name(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _walk(
        self, below: str, above: tuple[tuple[int, int], ...], linked: bool, listing: Listing
    ) -> Iterator[None]:
        """List a folder and its subfolders, yielding after each.

        Links to folders are followed, but not to a folder above, nor within a linked folder.
        """
        folder = f"{self.path}/{below}"
        folders: list[tuple[str, bool]] = []
        try:
            status = os.stat(folder)  # noqa: PTH116  # pathlib's takes longer than the rest
            here = (status.st_dev, status.st_ino)
            if here in above or len(above) > _DEEPEST:
                return
            with os.scandir(folder) as found:
                for item in found:
                    if item.name.startswith("."):
                        continue
                    if _is_folder(item):
                        link = item.is_symlink()
                        if not (link and linked):
                            folders.append((item.name, link))
                    else:
                        self._add(below + item.name, item, listing)
        except OSError as error:
            listing.unreadable.append((below, f"can't be opened ({error.strerror})"))
            return
        yield
        beside = [name for name, _ in folders]
        for name, link in sorted(folders):
            listing.folders.append(f"{below}{name}/")
            if is_service_folder(below, name, beside):
                continue  # often nobody may open it
            yield from self._walk(f"{below}{name}/", (*above, here), linked or link, listing)

    def _add(self, name: str, item: os.DirEntry[str], listing: Listing) -> None:
        try:
            status = item.stat()
        except OSError as error:
            if is_picture_name(name):
                listing.unreadable.append((name, f"can't be read ({error.strerror})"))
            return
        changed = max(status.st_mtime_ns, status.st_ctime_ns)
        listing.entries.append(Entry(name, status.st_size, changed))


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False
