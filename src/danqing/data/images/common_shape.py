"""The one shape that pictures of many sizes and colours are converted to. Knows no files.

Pictures that share a size keep it, if no side exceeds 96 pixels. Others are resized to their
median height and width, scaled down so that the longer side has at most 64 pixels, or, of strips,
are grey if all of them are, and RGB otherwise. Those of more than 8 bits have one scale for all.
"""

from __future__ import annotations

from collections.abc import Collection
from statistics import median
from typing import Any

from danqing.data.cache.index import FileContent
from danqing.data.images.decode import SMALL

__all__ = ["common_shape"]

_WHITES = (1, 255, 1023, 4095, 16383, 65535)  # of floats, and of 8, 10, 12, 14 and 16 bits

_LONGER_SIDE = 64  # pixels,
_SHORTER_SIDE = 16  # unless the shorter side had fewer left than so many, which it then keeps,
_MOST_PIXELS = SMALL * SMALL  # as long as there are no more than these


def common_shape(found: Collection[FileContent]) -> dict[str, Any]:
    """Choose the size and mode that all pictures are converted to."""
    height, width = next(iter(found))[:2]
    if max(height, width) > SMALL or any(content[:2] != (height, width) for content in found):
        height, width = _smaller(
            median(content.height for content in found), median(content.width for content in found)
        )
    mode = "L" if all(content.grey for content in found) else "RGB"
    deep = [content for content in found if content.high or content.low]
    common: dict[str, Any] = {"size": [height, width], "mode": mode}
    return {**common, "range": _range(deep)} if deep else common


def _range(deep: Collection[FileContent]) -> list[float]:
    """Choose black and white for pictures of more than 8 bits: those of the least depth for all.

    Examples
    --------
    >>> _range([FileContent(8, 8, True, "", 9, 255), FileContent(8, 8, True, "", 0, 3000)])
    [0, 4095]
    """
    low, high = min(content.low for content in deep), max(content.high for content in deep)
    if low < 0 or high > _WHITES[-1]:
        return [low, high]
    return [0, next(white for white in _WHITES if high <= white)]


def _smaller(height: float, width: float) -> tuple[int, int]:
    """Scale a size down; a strip keeps what is across it.

    Examples
    --------
    >>> _smaller(100, 200), _smaller(12, 640), _smaller(4000, 20)
    ((32, 64), (12, 640), (576, 16))
    """
    longer, shorter = max(height, width), min(height, width)
    scale = min(1, _LONGER_SIDE / longer)
    if shorter * scale < _SHORTER_SIDE:
        scale = min(1, _SHORTER_SIDE / shorter)
    across = max(1, round(shorter * scale))
    along = max(1, round(min(longer * scale, _MOST_PIXELS / across)))
    return (across, along) if height < width else (along, across)
