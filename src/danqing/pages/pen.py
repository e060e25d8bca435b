"""A pen for sheets drawn with Pillow: text, framed pictures, bars, dots. Knows no sheet."""

from __future__ import annotations

from math import ceil

from PIL import Image, ImageDraw, ImageFont

from danqing.pages.charts import bar_ends
from danqing.pages.colours import AZURE, CINNABAR, GREEN, INK, LINE
from danqing.pages.fonts import find_font, load_font
from danqing.pages.images import enlarged

__all__ = ["Pen"]

Colour = str | tuple[int, int, int]


class Pen:
    """Draws text, pictures and bars on a sheet.

    Parameters
    ----------
    sheet : Image
    text : str
        Everything that will be written: the font has to have its characters.
    """

    def __init__(self, sheet: Image.Image, text: str = "") -> None:
        self.sheet = sheet
        self.draw = ImageDraw.Draw(sheet)
        self._file = find_font(text)
        self._fonts = {17: load_font(17, self._file)}

    def write(
        self, left: int, top: int, text: str, width: int, size: int = 17, fill: Colour = INK
    ) -> int:
        """Write a line, cut to fit into `width`, and return its right end."""
        if size not in self._fonts:
            self._fonts[size] = load_font(size, self._file)
        font = self._fonts[size]
        text = "".join(character if character.isprintable() else " " for character in text)
        more = "…"
        if not isinstance(font, ImageFont.FreeTypeFont):
            # Pillow's bitmap font has Latin-1 only, and fails on the rest.
            text, more = text.encode("latin-1", "replace").decode("latin-1"), "..."
        if self.draw.textlength(text, font=font) > width:
            while text and self.draw.textlength(text + more, font=font) > width:
                text = text[:-1]
            text += more
        self.draw.text((left, top), text, font=font, fill=fill)
        return left + ceil(self.draw.textlength(text, font=font))

    def rule(self, left: int, right: int, top: int, fill: Colour = LINE) -> None:
        """Draw a line across."""
        self.draw.line((left, top, right, top), fill=fill)

    def paste(
        self, left: int, top: int, image: Image.Image, side: int, framed: bool = True
    ) -> None:
        """Paste an image into the middle of a square of `side`."""
        shown = enlarged(image, side)
        left, top = left + (side - shown.width) // 2, top + (side - shown.height) // 2
        if framed:
            box = (left - 1, top - 1, left + shown.width, top + shown.height)
            self.draw.rectangle(box, outline=LINE)
        self.sheet.paste(shown, (left, top))

    def bar(
        self, left: int, top: int, width: int, value: float, reach: float, *, signed: bool = False
    ) -> int:
        """Draw a bar of `value`, which would fill `width` at `reach`, and return its right end.

        Signed values go from the middle: cinnabar to the right, azure to the left.
        """
        low, high = (left + round(end * width) for end in bar_ends(value, reach, signed=signed))
        fill: Colour = INK if not signed else CINNABAR if value > 0 else AZURE
        self.draw.rectangle((low, top, high, top + 16), fill=fill)
        return high

    def dot(self, left: int, top: int, good: bool) -> None:
        """Draw a full green dot, or an empty red one."""
        box = (left, top + 7, left + 9, top + 16)
        if good:
            self.draw.ellipse(box, fill=GREEN)
        else:
            self.draw.ellipse(box, outline=CINNABAR, width=2)
