"""Pictures of any source, with or without labels. Knows no network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from danqing.data.arrays.idx import is_idx, load_idx_pictures
from danqing.data.arrays.npz import load_npz_examples
from danqing.data.arrays.objects import examples_of
from danqing.data.dataset import Dataset
from danqing.data.images.folder import list_pictures
from danqing.data.sources import SOURCE_NAMES, load_data
from danqing.errors import SourceError

__all__ = ["picture_files", "pictures_of"]


def picture_files(source: Any) -> list[Path]:
    """List the picture files of a folder and its subfolders; of other sources, none.

    Raises
    ------
    SourceError
        If a folder has none.
    """
    if not isinstance(source, str | os.PathLike) or str(source) in SOURCE_NAMES:
        return []
    path = Path(source).expanduser()
    return list_pictures(path) if path.is_dir() and not is_idx(path) else []


def pictures_of(source: Any) -> Any:
    """Load the training pictures of a source, without labels.

    Parameters
    ----------
    source : str, path, Dataset or array
        As for `load_data`, or without labels: an npz or IDX file of pictures, or an array of shape
        (n, height, width) or (n, height, width, channels).

    Returns
    -------
    Pictures, shape (n, height, width, channels)

    Raises
    ------
    SourceError
        If it can't be read, is a table, or is empty.

    Examples
    --------
    >>> import numpy as np
    >>> pictures_of(np.zeros((5, 28, 28), np.uint8)).shape
    (5, 28, 28, 1)
    """
    pictures = _examples(source)
    where = source if isinstance(source, str | os.PathLike) else "the data given"
    if len(pictures.shape) != 4:
        raise SourceError(f"{where}: is a table; expected pictures without labels")
    if not len(pictures):
        raise SourceError(f"{where}: has no pictures; expected pictures without labels")
    return pictures


def _examples(source: Any) -> Any:
    if isinstance(source, Dataset):
        return source.x_train
    if not isinstance(source, str | os.PathLike):
        return examples_of(source)
    path = Path(source).expanduser()
    if str(source) not in SOURCE_NAMES and path.is_file():
        if path.suffix.lower() == ".npz":
            return load_npz_examples(path)
        if is_idx(path):
            return load_idx_pictures(path)
    return load_data(source).x_train
