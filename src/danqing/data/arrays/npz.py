"""Arrays in an npz file, under Keras' names or X and y.

Knows no pickles: an array of Python objects is refused. The header of an array is checked against
the size of the file before memory is allocated.
"""

from __future__ import annotations

import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.from_arrays import (
    check_lengths,
    examples_from_arrays,
    pictures_as_of,
    target_from_array,
)
from danqing.data.dataset import Dataset
from danqing.data.file_checks import DEFLATE_RATIO, check_file, check_size
from danqing.data.labels import make_labels
from danqing.data.row_names import name_rows
from danqing.data.subset_names import SUBSETS, subset_of
from danqing.data.table import Table
from danqing.errors import SourceError

__all__ = ["load_npz", "load_npz_examples"]

_WHOLE = (("x", "y"), ("data", "target"), ("images", "labels"), ("data", "labels"))
_NAMES = ("feature_names", "target_names")
_DAMAGE = (
    OSError, EOFError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError,
    RecursionError, MemoryError, NotImplementedError, RuntimeError, AttributeError,
    struct.error, tokenize.TokenError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error,
)  # fmt: skip


def load_npz(path: str | Path, *, task: str | None = None) -> Dataset:
    """Load pictures or a table of numbers from an npz file.

    Parameters
    ----------
    path : str or Path
        With the arrays ``x_train``, ``y_train`` and optionally ``x_test``, ``y_test``, ``x_val``,
        ``y_val``; or ``X`` and ``y``; ``data`` and ``target``; ``images`` and ``labels``; in upper
        or lower case. ``feature_names`` are a table's column names, ``target_names`` class names.
    task : {"classification", "regression"}, optional
        Inferred from the targets if not given.

    Raises
    ------
    SourceError
        If the file is damaged, arrays are missing or don't fit; the message names it.
    """
    path = Path(path)
    check_file(path)
    arrays = _read_arrays(path)
    pairs = _pairs(arrays, path)
    names = _words(arrays.get("feature_names"))
    arrays_x = {subset: pair[0] for subset, pair in pairs.items()}
    x = examples_from_arrays(arrays_x, path, names)
    y = {subset: target_from_array(pair[1], path) for subset, pair in pairs.items()}
    check_lengths(x, y, path)
    labels = make_labels(
        y,
        path,
        pictures=not isinstance(x["train"], Table),
        task=task,
        names=_words(arrays.get("target_names")),
    )
    if labels.removed:
        x = {subset: own[np.flatnonzero(labels.kept[subset])] for subset, own in x.items()}
    return Dataset.from_subsets(
        x,
        labels.by_subset,
        name=path.stem,
        source=str(path.resolve()),
        class_names=labels.class_names,
        label_type=labels.label_type,
        removed=labels.removed,
        pictures_as=pictures_as_of(arrays_x, path),
        names=name_rows(labels.kept),
    )


def load_npz_examples(path: str | Path) -> Any:
    """Load only the training examples from an npz file, which need not have targets.

    Raises
    ------
    SourceError
        If the file is damaged, or has none of the arrays that `load_npz` knows.
    """
    path = Path(path)
    check_file(path)
    arrays = _read_arrays(path)
    for name in ("x_train", *(x for x, _ in _WHOLE)):
        if name in arrays:
            return examples_from_arrays({"train": arrays[name]}, path)["train"]
    raise SourceError(
        f"{path}: has the arrays {', '.join(sorted(arrays)) or 'none'}; expected x_train, or X"
    )


def _pairs(
    arrays: dict[str, NDArray[Any]], path: Path
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Find the examples and targets of each subset, training first."""
    found = {
        subset_of(x[2:]): (arrays[x], arrays[f"y_{x[2:]}"])
        for x in arrays
        if x.startswith("x_") and subset_of(x[2:]) and f"y_{x[2:]}" in arrays
    }
    for x, y in _WHOLE:
        if "train" not in found and x in arrays and y in arrays:
            found["train"] = (arrays[x], arrays[y])
    if "train" not in found:
        raise SourceError(
            f"{path}: has the arrays {', '.join(sorted(arrays)) or 'none'}; "
            "expected x_train and y_train, or X and y"
        )
    return {subset: found[subset] for subset in SUBSETS if subset in found}


def _is_wanted(name: str) -> bool:
    if name[:2] in ("x_", "y_"):
        return subset_of(name[2:]) is not None
    return name in _NAMES or any(name in pair for pair in _WHOLE)


def _words(array: NDArray[Any] | None) -> list[str]:
    return [] if array is None or array.ndim != 1 else [str(word) for word in array.tolist()]


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as packed, warnings.catch_warnings():
            # Python and NumPy warn of a damaged header before they refuse it.
            warnings.simplefilter("ignore")
            members = {}
            for member in packed.infolist():
                key = member.filename.removesuffix(".npy").lower()
                if member.filename.endswith(".npy") and key in members:
                    raise SourceError(f"{path}: has the array {key!r} twice; keep one of them")
                if member.filename.endswith(".npy"):
                    members[key] = member
            check_size(sum(m.file_size for key, m in members.items() if _is_wanted(key)), path)
            for key, member in members.items():
                if _is_wanted(key):
                    arrays[key] = _read_member(packed, member, path)
                else:
                    # Only its name matters, for the message if those that are needed are missing.
                    arrays[key] = np.empty(0)
    except SourceError:
        raise
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"{path}: is no npz file, or is damaged ({reason}); save it again with np.savez"
        ) from None
    return arrays


def _read_member(packed: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    where = f"{path}: the array {member.filename.removesuffix('.npy')!r}"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceError(f"{where} is compressed in another way than by np.savez; save it again")
    if member.file_size > max(member.compress_size, 1) * DEFLATE_RATIO:
        raise SourceError(f"{where} can't be as large as it claims; save it again with np.savez")
    with packed.open(member) as file:
        offset, promised = _read_header(file, where)
    if offset + promised != member.file_size:
        raise SourceError(
            f"{where} disagrees with its header in length; save it again with np.savez"
        )
    with packed.open(member) as file:
        array = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    if array.dtype.kind == "U" and not _is_text(array):
        raise SourceError(f"{where} is not valid text; save it again with np.savez")
    return array


def _is_text(array: NDArray[Any]) -> bool:
    """Whether all code points are Unicode's: others would fail wherever they are used."""
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    points = np.frombuffer(native.tobytes(), np.uint32)
    return bool(((points < 0xD800) | ((points > 0xDFFF) & (points <= 0x10FFFF))).all())


def _read_header(file: IO[bytes], where: str) -> tuple[int, int]:
    """Return the length of the header and that of the values it promises, in bytes."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise SourceError(
            f"{where} has the npy version {version}; expected 1.0 or 2.0, as np.savez writes"
        )
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[version[0]](file)
    if dtype.hasobject:
        raise SourceError(
            f"{where} contains Python objects, which are never read from a file; "
            "save it as numbers, or as text with astype(str)"
        )
    if dtype.kind not in "biufUS" or dtype.shape:
        raise SourceError(f"{where} is of type {dtype}; expected real numbers or text")
    if any(length < 0 for length in shape):
        raise SourceError(f"{where} has a negative length; save it again with np.savez")
    return file.tell(), math.prod(shape) * dtype.itemsize
