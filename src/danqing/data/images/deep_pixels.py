"""Pictures of more than 8 bits: their range, and their scaling to 8 bits. Knows no files.

Pillow keeps the values of deep greys, but of 16 bits in colour only the high byte. Its decoders can
be told that a file's bytes are in the other order: then the low byte is what they keep.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from danqing.errors import PictureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["deep_values", "has_deep_colours", "is_deep_grey", "range_of", "scaled", "swap_bytes"]

_OVERSHOOT = 0.1  # share of the range, by which values may lie outside
_OTHER = "B" if sys.byteorder == "little" else "L"
_SWAPPED = {"L": "B", "B": "L", "N": _OTHER}


def is_deep_grey(image: Image.Image) -> bool:
    """Whether a picture is grey with more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def has_deep_colours(image: Image.Image) -> bool:
    """Whether a picture that is not loaded yet has 16 bits in each of its colours."""
    raw = {_raw_mode(tile) for tile in getattr(image, "tile", ())}
    deep = len(raw) == 1 and raw.pop()[:-1] in ("RGB;16", "RGBA;16")
    return deep and "transparency" not in image.info


def swap_bytes(image: Image.Image) -> None:
    """Have a picture with deep colours, not loaded yet, decode to the low byte of each value."""
    tiles: list[Any] = image.tile  # type: ignore[attr-defined]
    image.tile = [_with_other_order(tile) for tile in tiles]  # type: ignore[attr-defined]


def deep_values(high: Image.Image, low: Image.Image | None = None) -> NDArray[np.float32]:
    """Return the values of a deep grey picture, or of the two bytes of one in colours."""
    import numpy as np

    if low is None:
        return np.nan_to_num(np.asarray(high).astype(np.float32), posinf=0, neginf=0)
    both = [np.asarray(image)[..., :3].astype(np.float32) for image in (high, low)]
    return both[0] * 256 + both[1]


def range_of(deep: Image.Image, values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the least and the greatest value; the greatest of integers is at least 255."""
    high = float(values.max())
    return float(values.min()), high if deep.mode == "F" else max(high, 255.0)


def scaled(
    deep: Image.Image, values: NDArray[np.float32], ends: Sequence[float] | None
) -> Image.Image:
    """Scale values from those of black and white, by default the format's, or the picture's own.

    Raises
    ------
    PictureError
        If values are far outside of `ends`.
    """
    import numpy as np

    low, high = float(values.min()), float(values.max())
    if ends is not None and (ends[1] > 1 or deep.mode == "F"):
        black, white = ends
        over = _OVERSHOOT * (white - black)
        if low < black - over or high > white + over:
            raise PictureError(
                f"has values from {low:g} to {high:g}, but in training they were from {black:g} "
                f"to {white:g}; bring it to that scale"
            )
    elif deep.mode.startswith("I;16") or values.ndim == 3:
        black, white = 0.0, 65535.0
    elif low < 0 or high > 65535:
        black, white = low, high
    else:
        black, white = 0.0, next(w for w in (1.0, 255.0, 65535.0) if high <= w)
        white = 255.0 if deep.mode == "I" and white == 1 else white
    pixels = ((values - black) * (255 / max(white - black, 1e-30))).round().clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def _raw_mode(tile: Any) -> str:
    args = tile[3]
    return str(args if isinstance(args, str) else args[0] if args else "")


def _with_other_order(tile: Any) -> Any:
    raw = _raw_mode(tile)
    other = raw[:-1] + _SWAPPED[raw[-1]]
    return tile._replace(args=other if isinstance(tile.args, str) else (other, *tile.args[1:]))
