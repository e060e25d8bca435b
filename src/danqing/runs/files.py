"""Reading and writing whole files of a run, JSON and named tensors, with a run's own errors.

Knows nothing of what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.atomic_file import AtomicFile
from danqing.errors import RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "check_writable",
    "read_bytes",
    "read_json",
    "read_tensors",
    "tensors_from",
    "tensors_to",
    "write_file",
    "write_json",
    "write_tensors",
]


def write_file(path: Path, content: bytes) -> None:
    """Write a file that appears as a whole or not at all, even after a loss of power.

    Raises
    ------
    RunError
        If the disk is full or the folder can't be written; nothing is left behind.
    """
    try:
        with AtomicFile(path) as file:
            file.write(content)
    except OSError as error:
        raise RunError(
            f"{path}: can't be written ({error.strerror}); free space or choose another --out"
        ) from None


def check_writable(folder: Path, instead: str) -> None:
    """Refuse a folder in which no file can be made, before anything slow is done.

    Raises
    ------
    RunError
        Says why, and what to do `instead`.
    """
    try:
        AtomicFile(folder / "probe", durable=False).discard()
    except OSError as error:
        raise RunError(f"{folder}: can't be written ({error.strerror}); {instead}") from None


def write_json(path: Path, plain: Any) -> None:
    """Write plain data as JSON; NaN and infinities are refused, as JSON has none."""
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)
    # Names of files whose bytes are no UTF-8 have lone surrogates, which JSON can escape.
    write_file(path, text.encode(errors="backslashreplace") + b"\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of a run.

    Raises
    ------
    RunError
        If it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RunError(f"{path}: is missing; {path.parent} is not a complete run folder") from None
    except OSError as error:
        raise RunError(f"{path}: can't be read ({error.strerror}); check its permissions") from None
    except (ValueError, RecursionError):
        raise RunError(f"{path}: is damaged, it is not JSON; train again") from None


def read_bytes(path: Path) -> bytes:
    """Read a file of a run.

    Raises
    ------
    RunError
        If it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(
            f"{path}: can't be read ({error.strerror}); finish its training with --resume, or name "
            "another run"
        ) from None


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as safetensors."""
    write_file(path, tensors_to(tensors))


def tensors_to(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Serialise named arrays as a safetensors file."""
    import numpy as np
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(value) for name, value in tensors.items()})


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read named arrays from safetensors.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    return tensors_from(read_bytes(path), path)


def tensors_from(content: bytes, path: Path) -> dict[str, NDArray[Any]]:
    """Deserialise the named arrays of a safetensors file; `path` is for the message.

    Raises
    ------
    RunError
        If it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(content)
    except SafetensorError:
        raise RunError(f"{path}: is damaged, it holds no tensors; train again") from None
