"""The pages' colours for what is drawn with Pillow: those of base.css by day. Knows no page."""

from __future__ import annotations

__all__ = ["AZURE", "CARD", "CINNABAR", "GREEN", "INK", "LINE", "PALE"]

CINNABAR, AZURE, GREEN = (200, 50, 30), (31, 95, 168), (47, 125, 79)
CARD, INK, PALE, LINE = "#ffffff", "#22262c", "#5c636d", "#ddd8cc"
