"""CSV, TSV and Parquet files -> a Polars data frame; the fields of a CSV file stay text.

Infers no types: these are decided from whole columns, so that row 10,000 can't contradict a type
inferred from row 1.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.data.file_checks import LARGEST, check_file, check_size
from danqing.data.tables.csv_text import read_csv_text
from danqing.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RawFrame", "polars_errors", "read_frame"]

_BOM = b"\xef\xbb\xbf"
_REFUSED = 10  # exit status; Python and the systems use others


@dataclass(frozen=True)
class RawFrame:
    """A frame with distinct, non-empty column names, and the separator of a CSV file.

    `notes` say what was guessed or renamed.
    """

    frame: pl.DataFrame
    separator: str = ","
    notes: tuple[str, ...] = ()


def read_frame(path: Path) -> RawFrame:
    """Read a Parquet file, or a CSV file in any common encoding and with any common separator.

    Raises
    ------
    SourceError
        If the file is missing, too large, damaged, not a table or without rows; it is named.
    """
    check_size(check_file(path), path)
    try:
        with path.open("rb") as file:
            content = file.read()
    except OSError as error:
        raise SourceError(f"{path}: can't be read ({error.strerror}); copy it again") from None
    if content[:4] == b"PAR1":
        _try_apart(path)
        raw = _read_parquet(content, path)
    else:
        raw = _read_csv(content, path)
    if not raw.frame.width or not raw.frame.height:
        raise SourceError(f"{path}: has no rows; expected a header and one row per example")
    return raw


@contextmanager
def polars_errors(path: Path) -> Iterator[None]:
    """Convert whatever Polars raises into a SourceError that names the file."""
    import polars as pl

    try:
        yield
    except SourceError:  # which is a ValueError
        raise
    # A panic of its Rust code is not an Exception, and would pass all the usual handlers.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError,
            OverflowError, TypeError, MemoryError) as error:  # fmt: skip
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"{path}: can't be read as a table ({reason}); save it again as CSV or Parquet"
        ) from None


def _try_apart(path: Path) -> None:
    """Have another process read a Parquet file first.

    A damaged page can ask for more memory than there is. Polars then aborts the whole process,
    with nothing to catch; rather another process than this one, perhaps after hours of training.
    """
    if not sys.executable:  # Python embedded in another program: there is nothing to start
        return
    code = f"from danqing.data.tables import frame_files as f; f._report({str(path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        reason = done.stdout.decode(errors="replace").strip()
        damage = f"{path}: is damaged: reading it crashes the process; save it again"
        raise SourceError(reason if done.returncode == _REFUSED and reason else damage)


def _report(path: str) -> None:
    try:
        _read_parquet(Path(path).read_bytes(), Path(path))
    except SourceError as error:
        print(error)
        sys.exit(_REFUSED)


def _read_parquet(content: bytes, path: Path) -> RawFrame:
    import polars as pl

    with polars_errors(path):
        schema = pl.read_parquet_schema(io.BytesIO(content))
        rows = pl.scan_parquet(io.BytesIO(content)).select(pl.len()).collect().item()
        # A few bytes can stand for billions of equal values.
        check_size(rows * len(schema) * 8, path)
        frame = pl.read_parquet(io.BytesIO(content))
    return RawFrame(_renamed(frame, frame.columns))


def _read_csv(content: bytes, path: Path) -> RawFrame:
    import polars as pl

    found = read_csv_text(content, path)
    try:
        with polars_errors(path):
            # Without the byte order mark, Polars would take a first column named "x^2" for zlib.
            frame = pl.read_csv(
                io.BytesIO(_BOM + found.text),
                has_header=False,
                infer_schema=False,
                separator=found.separator,
                quote_char='"' if found.quoted else None,
            )
            names = [str(name or "").strip() for name in frame.row(0)]
            frame = frame[1:]
    except SourceError:
        _refuse_long_row(found.text, found.separator, path)
        raise
    renamed = _renamed(frame, names)
    notes = [found.note, *_notes_on_repeated(names, renamed.columns)]
    return RawFrame(renamed, found.separator, tuple(filter(None, notes)))


def _refuse_long_row(text: bytes, separator: str, path: Path) -> None:
    """Report the first row with more fields than the header, if that is what is wrong."""
    if len(text) > LARGEST // 16:
        return
    rows = csv.reader(io.StringIO(text.decode(errors="replace")), delimiter=separator)
    try:
        width = len(next(rows))
        for row in rows:
            if len(row) > width:
                mend = "quote text that contains separators"
                if not any(row[width:]):
                    mend = "delete the separators at the end of its lines, or add one to the header"
                if width == 1:
                    mend = "delete what stands above the names of the columns"
                raise SourceError(
                    f"{path}: line {rows.line_num} has {len(row)} fields, the header {width}; "
                    f"{mend}"
                ) from None
    except (csv.Error, StopIteration):
        return


def _notes_on_repeated(names: list[str], distinct: list[str]) -> list[str]:
    """Name the columns that share a name."""
    pairs = [(name, own) for name, own in zip(names, distinct, strict=True) if name]
    repeated = dict.fromkeys(name for name, own in pairs if name != own)
    return [
        f"{names.count(name)} columns are named {name!r}; they are called "
        f"{', '.join(repr(own) for other, own in pairs if other == name)}"
        for name in repeated
    ]


def _renamed(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Make column names distinct: number the unnamed ones, and count the repeated ones."""
    taken: set[str] = set()
    distinct = []
    for position, name in enumerate(names, start=1):
        name = name or f"column {position}"
        own, count = name, 2
        while own in taken:
            own, count = f"{name} ({count})", count + 1
        taken.add(own)
        distinct.append(own)
    return frame.rename(dict(zip(frame.columns, distinct, strict=True)))
