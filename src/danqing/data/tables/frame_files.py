"""CSV, TSV and Parquet files -> a Polars data frame; the fields of a CSV file stay text.

Infers no types: these are decided from whole columns, so that row 10,000 can't contradict a type
inferred from row 1.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.data.file_checks import LARGEST, check_file, check_size
from danqing.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RawFrame", "polars_errors", "read_frame"]

_BOM = b"\xef\xbb\xbf"
_PIECE = 2**20
_REFUSED = 10  # exit status; Python and the systems use others
_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class RawFrame:
    """A frame with distinct, non-empty column names, and whether 1,5 may mean one and a half."""

    frame: pl.DataFrame
    decimal_comma: bool = False


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

    text = _as_utf8(_unpacked(content, path), path)
    separator = _separator(text, path)
    try:
        with polars_errors(path):
            # Without the byte order mark, Polars would take a first column named "x^2" for zlib.
            frame = pl.read_csv(
                io.BytesIO(_BOM + text), has_header=False, infer_schema=False, separator=separator
            )
            names = [str(name or "").strip() for name in frame.row(0)]
            frame = frame[1:]
            if frame.width > 1:
                frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    except SourceError:
        _refuse_long_row(text, separator, path)
        raise
    return RawFrame(_renamed(frame, names), decimal_comma=separator == ";")


def _unpacked(content: bytes, path: Path) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            pieces, size = [], 0
            while piece := packed.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                check_size(size, path)
            return b"".join(pieces)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: is damaged ({error}); copy it again") from None


def _as_utf8(content: bytes, path: Path) -> bytes:
    """Convert text to UTF-8 without a byte order mark, with lines that end in a line feed."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # Excel's "Unicode text"
        content = _decoded(content, "utf-16", path)
    elif not _is_utf8(content):
        content = _decoded(content, _legacy_encoding(content), path)
    if b"\0" in content:
        raise SourceError(f"{path}: is not text; expected CSV or Parquet")
    content = content.removeprefix(_BOM)
    if b"\n" not in content:  # line ends of old Macs
        content = content.replace(b"\r", b"\n")
    return content.lstrip(b"\r\n")


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(content[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _legacy_encoding(content: bytes) -> str:
    """Distinguish Chinese text in GB 18030 from Western text in Latin-1.

    In Chinese text almost every byte above 127 is one of a pair (GB 2312); in Western text an
    accented letter usually stands alone.
    """
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "latin-1"
    high = content.translate(bytes([32] * 128) + bytes(range(128, 256))).split()
    even = sum(len(run) % 2 == 0 for run in high)
    return "gb18030" if even > len(high) / 2 else "latin-1"


def _decoded(content: bytes, encoding: str, path: Path) -> bytes:
    try:
        return content.decode(encoding).encode()
    except UnicodeError:
        raise SourceError(f"{path}: is not valid {encoding}; save it as UTF-8") from None


def _separator(text: bytes, path: Path) -> str:
    """Return the separator that is most frequent in the first line, outside quotes."""
    if not text.strip():
        raise SourceError(f"{path}: is empty; expected a header and one row per example")
    line = text[:_PIECE].split(b"\n", 1)[0].decode(errors="replace")
    unquoted = "".join(line.split('"')[::2])
    return max(_SEPARATORS, key=unquoted.count)


def _refuse_long_row(text: bytes, separator: str, path: Path) -> None:
    """Report the first row with more fields than the header, if that is what is wrong."""
    if len(text) > LARGEST // 16:
        return
    rows = csv.reader(io.StringIO(text.decode(errors="replace")), delimiter=separator)
    try:
        width = len(next(rows))
        for row in rows:
            if len(row) > width:
                raise SourceError(
                    f"{path}: line {rows.line_num} has {len(row)} fields, the header {width}; "
                    "quote text that contains separators"
                ) from None
    except (csv.Error, StopIteration):
        return


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
