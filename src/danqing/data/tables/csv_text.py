"""The bytes of a CSV file -> text that is well-formed CSV, row by row as a person reads it.

Finds encoding and separator, and tells quotation marks that quote from those that are inch marks.
Knows no types and no data frames.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from danqing.data.file_checks import check_size
from danqing.data.tables.encodings import to_utf8
from danqing.errors import SourceError

__all__ = ["CsvText", "read_csv_text"]

_PIECE = 2**20
_SEPARATORS = (",", ";", "\t", "|")
_BLANK = re.compile(rb"(?<=\n) *\r?\n")
_HINT = re.compile(rb'"?sep=([^\n"])"?[ \t,;|]*\r?\n', re.IGNORECASE)


@dataclass(frozen=True)
class CsvText:
    """Text in UTF-8, of which every quotation mark quotes a field, without blank lines.

    Attributes
    ----------
    text : bytes
    separator : str
    quoted : bool
        Whether there are quotation marks.
    note : str
        Which encoding was guessed; empty if there was nothing to guess.
    """

    text: bytes
    separator: str
    quoted: bool
    note: str = ""


def read_csv_text(content: bytes, path: Path) -> CsvText:
    r"""Decode a CSV file, plain or gzipped, and mend its quotation marks.

    Raises
    ------
    SourceError
        If the content is no text, is damaged or empty, or a quotation mark is never closed.

    Examples
    --------
    >>> found = read_csv_text(b'sep=;\nname;size\n5" pipe;2\n', Path("a.csv"))
    >>> found.text, found.separator
    (b'name;size\n"5"" pipe";2\n', ';')
    """
    text, note = to_utf8(_unpacked(content, path), path)
    hint = _HINT.match(text)
    if hint:  # Excel's, which Excel itself never shows
        separator = hint[1].decode(errors="replace")
        text = text[hint.end() :].lstrip(b"\r\n")
    else:
        separator = _separator(text, path)
    if not text.strip():
        raise SourceError(f"{path}: is empty; expected a header and one row per example")
    # In a single column, an empty line is an empty row.
    single = separator.encode() not in text.split(b"\n", 1)[0]
    if b'"' not in text:
        return CsvText(text if single else _BLANK.sub(b"", text), separator, False, note)
    mark = re.escape(separator.encode())
    field = re.compile(rb'(^|\n|%b)"[^"]*(?:""[^"]*)*"(?=\r?\n|%b|\r?\Z)' % (mark, mark))
    rest = field.sub(rb"\1", text)
    if b'"' in rest or (separator == "\t" and _has_rows_as_lines(text)):
        text = _mended(text, separator, path)
    elif not single and _BLANK.search(text):
        text = re.sub(rb'("[^"]*(?:""[^"]*)*")|(?<=\n) *\r?\n', rb"\1", text)
    return CsvText(text, separator, True, note)


def _has_rows_as_lines(text: bytes) -> bool:
    """Whether each line has as many tabs as the header, though quotation marks say otherwise."""
    if not re.search(rb'"[^"\n]*\n', text):
        return False
    tabs = {line.count(b"\t") for line in text.split(b"\n") if line.strip(b" \r")}
    return len(tabs) == 1


def _mended(text: bytes, separator: str, path: Path) -> bytes:
    """Write the rows anew, with quotation marks only where they quote.

    A line with as many fields as the header is a row, whatever its quotation marks; only a line
    that ends within quotation marks goes on in the next one.
    """
    lines = text.decode(errors="replace").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    width, number = 0, 0
    while number < len(lines):
        first = number
        fields, is_open = _fields(lines[number], separator)
        number += 1
        if not lines[first].strip(" ") and (width != 1 or number == len(lines)):
            continue
        if is_open and (separator != "\t" or len(fields) < width):
            fields, number = _joined(lines, first, separator, width, path)
        width = width or len(fields)
        writer.writerow(fields)
    return file.getvalue().encode()


def _joined(
    lines: list[str], first: int, separator: str, width: int, path: Path
) -> tuple[list[str], int]:
    """Read a row that goes on over several lines, within quotation marks."""
    row = lines[first]
    for number in range(first + 1, min(len(lines), first + 1000)):
        row += "\n" + lines[number]
        if '"' not in lines[number]:
            continue
        fields, is_open = _fields(row, separator)
        if not is_open and (not width or len(fields) == width):
            return fields, number + 1
    if separator == "\t":  # where quotation marks often mean nothing
        return row.split("\n", 1)[0].split(separator), first + 1
    raise SourceError(
        f"{path}: can't be read as a table (the quotation mark in line {first + 1} is never "
        "closed); close it, or write it twice where it means inches"
    )


def _fields(line: str, separator: str) -> tuple[list[str], bool]:
    """Split a row into fields; also whether the last one begins with a mark that isn't closed."""
    if '"' not in line:
        return line.split(separator), False
    fields: list[str] = []
    at, is_open = 0, False
    while True:
        end = _end_of_quoted(line, at, separator) if line.startswith('"', at) else None
        if end is not None:
            fields.append(line[at + 1 : end].replace('""', '"'))
            end += 1
        else:
            is_open = is_open or line.startswith('"', at)
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            fields.append(line[at:end])
        if end >= len(line):
            return fields, is_open
        at = end + 1


def _end_of_quoted(line: str, at: int, separator: str) -> int | None:
    """Return where the quotation mark is that closes a field, or None."""
    place = at + 1
    while (place := line.find('"', place)) >= 0:
        if line.startswith('""', place):
            place += 2
            continue
        if place + 1 == len(line) or line.startswith(separator, place + 1):
            return place
        place += 1
    return None


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


def _separator(text: bytes, path: Path) -> str:
    """Return the separator that is most frequent in the first line, outside quotes."""
    if not text.strip():
        raise SourceError(f"{path}: is empty; expected a header and one row per example")
    line = text[:_PIECE].split(b"\n", 1)[0].decode(errors="replace")
    unquoted = "".join(line.split('"')[::2])
    return max(_SEPARATORS, key=unquoted.count)
