"""IDX files, MNIST's own format, plain or gzipped, under MNIST's file names.

Format: two zero bytes, a byte for the type, a byte for the number of dimensions, each dimension
as 4 bytes, most significant first, then the values (LeCun, Cortes & Burges, "The MNIST database
of handwritten digits"). Knows no class names: the files contain numbers only.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.file_checks import DEFLATE_RATIO, check_file, check_size
from danqing.data.labels import make_labels
from danqing.data.subset_names import SUBSETS, subset_of
from danqing.errors import SourceError

__all__ = ["is_idx", "load_idx", "load_idx_pictures"]

_NAME = re.compile(
    r"(?P<set>.*?)(?P<subset>train|t10k|test|validation|val)[-_.]"
    r"(?P<what>images|labels)[-_.]idx\d[-_.]ubyte(\.gz)?",
    re.IGNORECASE,
)
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4"}
_PIECE = 2**20


def is_idx(path: str | Path) -> bool:
    """Whether a file, or any file in a folder, has one of MNIST's names.

    Examples
    --------
    >>> is_idx("data/train-images-idx3-ubyte.gz"), is_idx("data/cat.png")
    (True, False)
    """
    path = Path(path)
    return bool(_named(path)) if path.is_dir() else bool(_NAME.fullmatch(path.name))


def load_idx(path: str | Path) -> Dataset:
    """Load pictures with their classes from IDX files.

    Parameters
    ----------
    path : str or Path
        A folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and, for a test set,
        ``t10k-...``; each may end in ``.gz``. Or any one of these files.

    Returns
    -------
    Dataset
        Named after the folder.

    Raises
    ------
    SourceError
        If a file is missing, damaged, or disagrees with another; the message names it.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    files = _chosen(path, folder)
    if ("train", "images") not in files:
        raise SourceError(f"{folder}: has no train-images-idx3-ubyte; expected MNIST's file names")
    pictures: dict[str, NDArray[np.uint8]] = {}
    targets: dict[str, NDArray[Any]] = {}
    for subset in SUBSETS:
        if (subset, "images") not in files:
            continue
        pictures[subset], targets[subset] = _read_subset(files, subset, folder)
        if pictures[subset].shape[1:] != pictures["train"].shape[1:]:
            raise SourceError(
                f"{files[subset, 'images']}: has pictures of shape {pictures[subset].shape[1:]}; "
                f"expected {pictures['train'].shape[1:]} as in the training set"
            )
    labels = make_labels(targets, folder, pictures=True, task="classification")
    return Dataset.from_subsets(
        pictures,
        labels.by_subset,
        name=folder.resolve().name or "idx",
        source=str(path.resolve()),
        class_names=labels.class_names,
        label_type=labels.label_type,
    )


def load_idx_pictures(path: str | Path) -> NDArray[np.uint8]:
    """Load the pictures of one IDX file, without labels.

    Raises
    ------
    SourceError
        If the file is missing, damaged, or contains no pictures.
    """
    return _read_pictures(Path(path))


def _named(folder: Path) -> list[tuple[re.Match[str], Path]]:
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(
            f"{folder}: can't be read ({error.strerror}); check its permissions"
        ) from None
    return [(match, file) for file in files if (match := _NAME.fullmatch(file.name))]


def _chosen(path: Path, folder: Path) -> dict[tuple[str, str], Path]:
    """Find the file of each (subset, "images" or "labels") of one data set."""
    found = _named(folder)
    own = _NAME.fullmatch(path.name) if path != folder else None
    sets = {match["set"] for match, _ in found}
    if own is None and len(sets) > 1:
        raise SourceError(
            f"{folder}: has several data sets ({', '.join(sorted(sets))}); name one of their files"
        )
    files: dict[tuple[str, str], Path] = {}
    for match, file in found:
        if own is None or match["set"] == own["set"]:
            word = match["subset"].lower()
            subset = "test" if word == "t10k" else str(subset_of(word))
            # The plain file sorts before its gzipped copy, and reads faster.
            files.setdefault((subset, match["what"].lower()), file)
    return files


def _read_subset(
    files: dict[tuple[str, str], Path], subset: str, folder: Path
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    if (subset, "labels") not in files:
        raise SourceError(
            f"{folder}: has {files[subset, 'images'].name}, but no labels for it; "
            "add the file with -labels-idx1-"
        )
    images_file, labels_file = files[subset, "images"], files[subset, "labels"]
    images = _read_pictures(images_file)
    targets = _read(labels_file, (1,))
    if len(images) != len(targets):
        raise SourceError(
            f"{labels_file}: has {len(targets):,} labels for {len(images):,} pictures of "
            f"{images_file.name}; expected as many"
        )
    return images, targets


def _read_pictures(path: Path) -> NDArray[np.uint8]:
    images = _read(path, (3, 4))
    if images.dtype != np.uint8:
        raise SourceError(f"{path}: has values of type {images.dtype}; expected bytes")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if 0 in images.shape or images.shape[3] > 4:
        raise SourceError(
            f"{path}: has pictures of shape {images.shape}; "
            "expected (n, height, width) or (n, height, width, channels), none of them 0"
        )
    return images


def _read(path: Path, dimensions: tuple[int, ...]) -> NDArray[Any]:
    size = check_file(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    return _read_values(cast("IO[bytes]", unpacked), path, size, dimensions, True)
            return _read_values(file, path, size, dimensions, False)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: is damaged ({error}); copy it again") from None


def _read_values(
    file: IO[bytes], path: Path, size: int, dimensions: tuple[int, ...], packed: bool
) -> NDArray[Any]:
    header = file.read(4)
    if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in _TYPES:
        raise SourceError(
            f"{path}: doesn't start like an IDX file, but with {header!r}; copy it again"
        )
    if header[3] not in dimensions:
        raise SourceError(
            f"{path}: has {header[3]} dimensions; expected {' or '.join(map(str, dimensions))}"
        )
    lengths = file.read(4 * header[3])
    shape = tuple(int(n) for n in np.frombuffer(lengths[: len(lengths) // 4 * 4], ">u4"))
    kind = np.dtype(_TYPES[header[2]])
    promised = math.prod(shape) * kind.itemsize
    start = 4 + 4 * header[3]
    # A size that the file cannot have is refused before memory is allocated.
    possible = size * DEFLATE_RATIO if packed else size
    if len(shape) < header[3] or start + promised > possible:
        raise SourceError(
            f"{path}: ends too early, its header promises {shape}; copy or download it again"
        )
    check_size(promised, path)
    values = np.empty(promised, dtype=np.uint8)
    filled = 0
    while filled < promised:
        piece = file.read(min(_PIECE, promised - filled))
        if not piece:
            raise SourceError(
                f"{path}: ends after {filled:,} bytes of {promised:,}; copy or download it again"
            )
        values[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    if file.read(1):
        raise SourceError(f"{path}: is longer than its header says, {shape}; copy it again")
    return values.view(kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)
