"""What Pillow draws has the colours of the style sheet."""

from __future__ import annotations

import re

from danqing.pages import colours
from danqing.pages.resources import resource


def test_colours_are_those_of_the_style_sheet() -> None:
    by_day = resource("danqing.pages", "base.css").partition("}")[0]
    named = dict(re.findall(r"--(\w+): (#\w{6});", by_day))
    for name in ("CINNABAR", "AZURE", "GREEN"):
        red, green, blue = getattr(colours, name)
        assert named[name.lower()] == f"#{red:02x}{green:02x}{blue:02x}"
    for name in ("CARD", "INK", "PALE", "LINE"):
        assert named[name.lower()] == getattr(colours, name)
