"""Arrays in an npz file, under Keras' names or X and y.

Knows no pickles: a member that holds Python objects is refused. A member's header is checked
against the bytes there are before memory is asked for.
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

from danqing.data.arrays.from_arrays import examples_from_arrays, target_from_array
from danqing.data.dataset import Dataset
from danqing.data.file_checks import check_file, check_size
from danqing.data.labels import make_labels
from danqing.data.table import Table
from danqing.errors import SourceError

__all__ = ["load_npz", "load_npz_examples"]

_WHOLE = (("x", "y"), ("data", "target"), ("images", "labels"), ("data", "labels"))
_PARTS = {"train": "train", "val": "validation", "valid": "validation",
          "validation": "validation", "test": "test"}  # fmt: skip
_DENSEST = 1032  # times: deflate never packs closer (RFC 1951: 258 bytes in 2 bits)
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
        With the arrays ``x_train``, ``y_train`` and perhaps ``x_test``, ``y_test``, ``x_val``,
        ``y_val``; or ``X`` and ``y``; ``data`` and ``target``; ``images`` and ``labels``, in
        upper or lower case. ``feature_names`` name a table's columns, ``target_names`` classes.
    task : {"classification", "regression"}, optional
        Chosen from the targets if not given.

    Raises
    ------
    SourceError
        If the file is damaged, names are missing, or arrays don't fit; the message names it.
    """
    path = Path(path)
    check_file(path)
    arrays = _read_arrays(path)
    parts = _parts_of(arrays, path)
    names = _words(arrays.get("feature_names"))
    x = examples_from_arrays([pair[0] for pair in parts.values()], path, names)
    y = [target_from_array(pair[1], path) for pair in parts.values()]
    for part, examples, targets in zip(parts, x, y, strict=True):
        if len(examples) != len(targets):
            raise SourceError(
                f"{path}: has {len(examples):,} examples and {len(targets):,} targets "
                f"for {part}; expected as many"
            )
    labels = make_labels(
        y,
        path,
        pictures=not isinstance(x[0], Table),
        task=task,
        names=_words(arrays.get("target_names")),
    )
    if labels.removed:
        x = [part[np.flatnonzero(kept)] for part, kept in zip(x, labels.kept, strict=True)]
    by_part = {part: (x[i], labels.parts[i]) for i, part in enumerate(parts)}
    x_train, y_train = by_part["train"]
    x_test, y_test = by_part.get("test", (x_train[:0], y_train[:0]))
    x_validation, y_validation = by_part.get("validation", (None, None))
    return Dataset(
        name=path.stem,
        source=str(path.resolve()),
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        class_names=labels.class_names,
        x_validation=x_validation,
        y_validation=y_validation,
        removed=labels.removed,
    )


def load_npz_examples(path: str | Path) -> Any:
    """Load the examples for training alone from an npz file, which need not have targets.

    Raises
    ------
    SourceError
        If the file is damaged, or has none of the names that `load_npz` knows.
    """
    path = Path(path)
    check_file(path)
    arrays = _read_arrays(path)
    for name in ("x_train", *(x for x, _ in _WHOLE)):
        if name in arrays:
            return examples_from_arrays([arrays[name]], path)[0]
    raise SourceError(
        f"{path}: has the arrays {', '.join(sorted(arrays)) or 'none'}; expected x_train, or X"
    )


def _parts_of(
    arrays: dict[str, NDArray[Any]], path: Path
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    parts = {
        part: (arrays[f"x_{word}"], arrays[f"y_{word}"])
        for word, part in _PARTS.items()
        if f"x_{word}" in arrays and f"y_{word}" in arrays
    }
    for x, y in _WHOLE:
        if "train" not in parts and x in arrays and y in arrays:
            parts = {"train": (arrays[x], arrays[y]), **parts}
    if "train" not in parts:
        raise SourceError(
            f"{path}: has the arrays {', '.join(sorted(arrays)) or 'none'}; "
            "expected x_train and y_train, or X and y"
        )
    return parts


def _words(array: NDArray[Any] | None) -> list[str]:
    return [] if array is None or array.ndim != 1 else [str(word) for word in array.tolist()]


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    wanted = {f"{letter}_{word}" for letter in "xy" for word in _PARTS}
    wanted |= {word for pair in _WHOLE for word in pair} | {"feature_names", "target_names"}
    try:
        with zipfile.ZipFile(path) as packed, warnings.catch_warnings():
            # A damaged header makes Python and NumPy warn before they refuse it.
            warnings.simplefilter("ignore")
            members = {}
            for member in packed.infolist():
                key = member.filename.removesuffix(".npy").lower()
                if member.filename.endswith(".npy") and key in members:
                    raise SourceError(f"{path}: has the array {key!r} twice; keep one of them")
                if member.filename.endswith(".npy"):
                    members[key] = member
            check_size(sum(m.file_size for key, m in members.items() if key in wanted), path)
            for key, member in members.items():
                if key in wanted:
                    arrays[key] = _read_member(packed, member, path)
                else:
                    # Its name is worth telling if the ones that are needed are missing.
                    arrays[key] = np.empty(0)
    except SourceError:
        raise
    except _DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"{path}: is no npz file, or is damaged ({reason}); save it anew with np.savez"
        ) from None
    return arrays


def _read_member(packed: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    where = f"{path}: the array {member.filename.removesuffix('.npy')!r}"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SourceError(f"{where} is packed in another way than np.savez does; save it anew")
    if member.file_size > max(member.compress_size, 1) * _DENSEST:
        raise SourceError(f"{where} can't be as long as it says; the file is damaged")
    with packed.open(member) as file:
        offset, promised = _read_header(file, where)
    if offset + promised != member.file_size:
        raise SourceError(f"{where} disagrees with its header in length; the file is damaged")
    with packed.open(member) as file:
        array = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    if array.dtype.kind == "U" and not _is_text(array):
        raise SourceError(f"{where} holds what is no text; the file is damaged")
    return array


def _is_text(array: NDArray[Any]) -> bool:
    """Tell whether all code points are Unicode's: others would fail wherever they are used."""
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    points = np.frombuffer(native.tobytes(), np.uint32)
    return bool(((points < 0xD800) | ((points > 0xDFFF) & (points <= 0x10FFFF))).all())


def _read_header(file: IO[bytes], where: str) -> tuple[int, int]:
    """Give the header's length, and that of the values it promises, in bytes."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise SourceError(f"{where} has the npy version {version}; expected 1.0 or 2.0")
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[version[0]](file)
    if dtype.hasobject:
        raise SourceError(
            f"{where} holds Python objects, which are never read from a file; "
            "save it as numbers, or as text with astype(str)"
        )
    if dtype.kind not in "biufUS" or dtype.shape:
        raise SourceError(f"{where} is of type {dtype}; expected real numbers or text")
    if any(length < 0 for length in shape):
        raise SourceError(f"{where} has a negative length; the file is damaged")
    return file.tell(), math.prod(shape) * dtype.itemsize
