"""A contact sheet: a few pictures of each class on one page, drawn with Pillow.

Knows no findings.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from danqing.data.dataset import Dataset
from danqing.errors import SourceError
from danqing.inspection.finding import count_of

__all__ = ["draw_contact_sheet", "find_font", "load_font"]

_MOST_CLASSES = 20
_PICTURES = 12  # of each class
_THUMB, _GAP, _MARGIN, _NAMES = 72, 6, 28, 190  # pixels
_TITLE = 64
_PAPER, _INK, _PALE, _LINE = "#ffffff", "#1f2328", "#6e7781", "#d8dee4"

# Fonts with Chinese characters, and fonts with Latin ones only.
_CHINESE = (
    "NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-microhei", "wqy-zenhei", "PingFang",
    "Hiragino Sans GB", "STHeiti", "msyh", "simhei", "DroidSansFallback", "Arial Unicode",
)  # fmt: skip
_LATIN = (
    "DejaVuSans.",
    "NotoSans-Regular",
    "LiberationSans-Regular",
    "Arial.",
    "arial.",
    "Helvetica",
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_contact_sheet(dataset: Dataset) -> Image.Image:
    """Draw a line of pictures for each class, evenly spaced over the training set.

    Of more than 20 classes, 20 are drawn, evenly spaced. For regression, the lines go from the
    smallest to the largest targets.

    Parameters
    ----------
    dataset : Dataset
        Pictures, not a table.

    Raises
    ------
    SourceError
        If the dataset is a table.

    Examples
    --------
    >>> from danqing import load_data
    >>> draw_contact_sheet(load_data("digits")).size
    (1176, 932)
    """
    if dataset.tabular:
        raise SourceError(f"{dataset.name}: is a table; expected pictures to draw")
    lines = list(_lines(dataset))
    names = max(len(dataset.class_names), len(lines))
    text = "".join(name for name, *_ in lines) + dataset.name
    width = 2 * _MARGIN + _NAMES + _PICTURES * (_THUMB + _GAP) - _GAP
    step = _THUMB + 2 * _GAP
    sheet = Image.new("RGB", (width, _TITLE + len(lines) * step + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    file = find_font(text)
    title, font, small = (load_font(size, file) for size in (24, 17, 13))
    shown = "" if len(lines) == names else f", {len(lines)} of them shown"
    classes = f" in {names:,} classes{shown}" if dataset.class_names else ""
    after = _write(draw, (_MARGIN, 20), dataset.name, title, _INK, _NAMES * 3) + 24
    about = f"{len(dataset.y_train):,} training pictures{classes}"
    _write(draw, (max(after, _MARGIN + _NAMES), 26), about, font, _PALE, width)
    for line, (name, count, rows) in enumerate(lines):
        top = _TITLE + line * step
        draw.line((_MARGIN, top - _GAP, width - _MARGIN, top - _GAP), fill=_LINE)
        _write(draw, (_MARGIN, top + 16), name, font, _INK, _NAMES - 16)
        _write(draw, (_MARGIN, top + 40), count, small, _PALE, _NAMES - 16)
        for place, row in enumerate(rows):
            picture = _thumbnail(dataset.x_train[np.array([row])][0])
            left = _MARGIN + _NAMES + place * (_THUMB + _GAP)
            sheet.paste(
                picture,
                (left + (_THUMB - picture.width) // 2, top + (_THUMB - picture.height) // 2),
            )
    return sheet


def find_font(text: str = "") -> Path | None:
    """Find an installed font with the characters of `text`, or None."""
    chinese = any(ord(character) > 0x2E7F for character in text)
    files = sorted(_font_files())
    for wanted in (*_CHINESE, *_LATIN) if chinese else (*_LATIN, *_CHINESE):
        for file in files:
            if file.name.lower().startswith(wanted.lower()) and "mono" not in file.name.lower():
                return file
    return None


def _lines(dataset: Dataset) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Give each line's name, its number of pictures as text, and the rows to draw."""
    y = dataset.y_train
    if not dataset.class_names:
        for rows in np.array_split(np.argsort(y, kind="stable"), min(10, len(y))):
            yield (
                f"{y[rows[0]]:.4g} to {y[rows[-1]]:.4g}",
                count_of(len(rows), "picture"),
                _spread(rows, _PICTURES),
            )
        return
    for label in _spread(np.arange(len(dataset.class_names)), _MOST_CLASSES):
        rows = np.flatnonzero(y == label)
        yield dataset.class_names[label], count_of(len(rows), "picture"), _spread(rows, _PICTURES)


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    return np.asarray(rows[np.arange(most) * len(rows) // most])


def _thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    height, width, channels = pixels.shape
    if channels == 3:
        picture = Image.fromarray(pixels)
    else:
        picture = Image.fromarray(np.ascontiguousarray(pixels[..., 0]))
    scale = _THUMB / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Pixels of small pictures stay visible; large pictures are averaged.
    method = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    return picture.resize(size, method)


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, font: Font, fill: str, width: int
) -> int:
    """Write a line, shortened to fit; give the x where it ends."""
    text = "".join(character if character.isprintable() else " " for character in text)
    more = "…"
    if not isinstance(font, ImageFont.FreeTypeFont):
        # Pillow's bitmap font has Latin-1 only, and fails on the rest.
        text, more = text.encode("latin-1", "replace").decode("latin-1"), "..."
    if draw.textlength(text, font=font) > width:
        while text and draw.textlength(text + more, font=font) > width:
            text = text[:-1]
        text += more
    draw.text(place, text, font=font, fill=fill)
    return place[0] + ceil(draw.textlength(text, font=font))


def load_font(size: int, file: Path | None) -> Font:
    """Load a font found by `find_font`; Pillow's own if there is none or it can't be read."""
    if file is not None:
        try:
            return ImageFont.truetype(str(file), size)
        except (OSError, ValueError):
            pass
    return ImageFont.load_default(size)


def _font_files() -> Iterator[Path]:
    folders = [
        Path("/usr/share/fonts"), Path("/usr/local/share/fonts"),
        Path("/System/Library/Fonts"), Path("/Library/Fonts"),
    ]  # fmt: skip
    with contextlib.suppress(RuntimeError):  # nobody's home
        home = Path.home()
        folders += [home / ".fonts", home / ".local/share/fonts", home / "Library/Fonts"]
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                if name.lower().endswith((".ttf", ".ttc", ".otf")):
                    yield Path(parent) / name
