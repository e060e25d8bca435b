"""System fonts for what Pillow writes. Knows no page."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import ImageFont

__all__ = ["Font", "find_font", "load_font"]

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Fonts that have Chinese characters first; then any that has Latin ones.
_CHINESE = (
    "NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-microhei", "wqy-zenhei", "PingFang",
    "Hiragino Sans GB", "STHeiti", "msyh", "simhei", "DroidSansFallback", "Arial Unicode",
)  # fmt: skip
_LATIN = (
    "DejaVuSans.", "NotoSans-Regular", "LiberationSans-Regular", "Arial.", "arial.", "Helvetica",
)  # fmt: skip


def find_font(text: str = "") -> Path | None:
    """Find a font file on the system that has the characters of `text`, if there is one."""
    chinese = any(ord(character) > 0x2E7F for character in text)
    files = sorted(_font_files())
    for wanted in (*_CHINESE, *_LATIN) if chinese else (*_LATIN, *_CHINESE):
        for file in files:
            if file.name.lower().startswith(wanted.lower()) and "mono" not in file.name.lower():
                return file
    return None


def load_font(size: int, file: Path | None) -> Font:
    """Load a font that `find_font` found; Pillow's own if there is none or it can't be read."""
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
    with contextlib.suppress(RuntimeError):  # there is no home folder
        home = Path.home()
        folders += [home / ".fonts", home / ".local/share/fonts", home / "Library/Fonts"]
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                if name.lower().endswith((".ttf", ".ttc", ".otf")):
                    yield Path(parent) / name
