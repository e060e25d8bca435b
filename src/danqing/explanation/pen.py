"""A pen for sheets: text shortened to fit, pictures in frames, dots. Knows no explanation."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from danqing.explanation.colours import FOR, enlarged
from danqing.pages.fonts import find_font, load_font

__all__ = ["INK", "PALE", "PAPER", "RULE", "Pen"]

PAPER, INK, PALE, RULE = "#ffffff", "#1f2328", "#667079", "#d8dee4"
_GOOD = "#2f7d4f"


class Pen:
    """Writes and pastes on a sheet; text is shortened to fit."""

    def __init__(self, sheet: Image.Image, text: str) -> None:
        self.sheet = sheet
        self.draw = ImageDraw.Draw(sheet)
        file = find_font(text)
        self.fonts = {size: load_font(size, file) for size in (15, 17, 20, 28)}

    def write(
        self, left: int, top: int, text: str, width: int, size: int = 17, fill: str = INK
    ) -> None:
        """Write a line, shortened to `width`."""
        font = self.fonts[size]
        text = "".join(c if c.isprintable() else " " for c in text)
        if not isinstance(font, ImageFont.FreeTypeFont):
            text = text.encode("latin-1", "replace").decode("latin-1")
        whole = text
        while text and self.draw.textlength(text, font=font) > width:
            text = text[:-1]
        if text != whole:
            text = text[:-1] + ("…" if isinstance(font, ImageFont.FreeTypeFont) else ".")
        self.draw.text((left, top), text, font=font, fill=fill)

    def paste(self, left: int, top: int, image: Image.Image, side: int) -> None:
        """Paste an image into the middle of a square of `side`, with a frame."""
        shown = enlarged(image, side)
        left, top = left + (side - shown.width) // 2, top + (side - shown.height) // 2
        self.draw.rectangle(
            (left - 1, top - 1, left + shown.width, top + shown.height), outline=RULE
        )
        self.sheet.paste(shown, (left, top))

    def dot(self, left: int, top: int, good: bool) -> None:
        """Draw a full green dot, or an empty red one."""
        box = (left, top + 7, left + 9, top + 16)
        if good:
            self.draw.ellipse(box, fill=_GOOD)
        else:
            self.draw.ellipse(box, outline=FOR, width=2)
