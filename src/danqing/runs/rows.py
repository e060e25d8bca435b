"""rows.safetensors: 64 bits of the digest of every row that a run was trained on.

Knows no data: the digests are made in `danqing.data`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from danqing.errors import RunError
from danqing.runs.files import read_tensors, write_tensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ROWS_FILE", "read_rows", "write_rows"]

ROWS_FILE = "rows.safetensors"


def read_rows(folder: Path) -> NDArray[np.uint64] | None:
    """Read the digests from a run folder; None if it has none, as those of older runs.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    path = folder / ROWS_FILE
    if not path.exists():
        return None
    found = read_tensors(path).get("train")
    if found is None or found.dtype.str != "<u8" or found.ndim != 1:
        raise RunError(f"{path}: is damaged, it holds no digests of rows; train again")
    return found


def write_rows(folder: Path, digests: NDArray[np.uint64]) -> None:
    """Write the digests into a run folder."""
    write_tensors(folder / ROWS_FILE, {"train": digests})
