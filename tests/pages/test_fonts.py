"""Fonts: one that has the characters, and a way out where none can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageFont

from danqing.pages.fonts import find_font, load_font
from danqing.pages.pen import Pen


def found(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danqing.pages.fonts._font_files", lambda: iter(files))


def test_chinese_text_gets_a_font_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc")]
    found(files, monkeypatch)
    assert find_font("玫瑰") == files[1]
    assert find_font("rose") == files[0]
    found([tmp_path / "DejaVuSansMono.ttf"], monkeypatch)
    assert find_font("rose") is None


def test_damaged_font_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "DejaVuSans.ttf"
    broken.write_bytes(b"no font")
    assert load_font(15, broken).getbbox("a")
    assert load_font(15, None).getbbox("a")


def test_pen_cuts_text_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Image.new("RGB", (400, 60))
    pen = Pen(sheet, "玫瑰")
    whole = pen.write(10, 5, "a rose", 300)
    assert 10 < pen.write(10, 30, "a rose is a rose is a rose" * 9, 100) <= 110
    assert whole < 110
    # Without FreeType, Pillow has only one font of pixels, for Latin-1.
    found([], monkeypatch)
    pixels = ImageFont.load_default_imagefont()
    monkeypatch.setattr("danqing.pages.fonts.ImageFont.load_default", lambda size: pixels)
    assert Pen(sheet, "玫瑰").write(10, 5, "玫瑰 " * 99, 100) <= 110


def test_pen_draws_bars_to_scale() -> None:
    pen = Pen(Image.new("RGB", (200, 40)))
    assert pen.bar(10, 0, 100, 1, 2) == 60
    assert pen.bar(10, 0, 100, -1, 2, signed=True) == 60
    assert pen.bar(10, 0, 100, 2, 2, signed=True) == 110
