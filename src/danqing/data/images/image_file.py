"""The bytes of a picture file, opened. Knows what its header promises, and reads no pixel.

PNG, JPEG, WebP, BMP, GIF (its first frame) and TIFF (its first page) are opened, by Pillow; no
other of its decoders can be reached.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import IO

# Named here, or Pillow would load all its decoders on the first file that none of its five
# common ones knows.
from PIL import (
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from danqing.errors import PictureError

__all__ = ["open_picture", "quiet"]

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", WebPImagePlugin.WebPImageFile.format, "TIFF")
_COMMON: dict[bytes, Callable[[IO[bytes]], Image.Image]] = {
    b"\x89PN": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
}
_LARGEST = 50_000_000  # pixels; more is a decompression bomb, or nothing a network can use
_LONGEST = 65_535  # pixels of a side, as in JPEG; rows have their own cost in memory
_DEFLATE = 1032  # bytes that one byte can stand for: two bits make 258 of them at most
assert TiffImagePlugin.TiffImageFile.format == "TIFF"


@contextmanager
def open_picture(content: bytes) -> Iterator[Image.Image]:
    """Open a picture, its size checked, and turn whatever its decoder raises into one error.

    Raises
    ------
    PictureError
        Without the file's name, which only the caller knows.
    """
    try:
        image = _opened(content)
        _check(image, len(content))
        yield image
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(
            f"has far too many pixels; at most {_LARGEST:,} are read, make it smaller"
        ) from None
    except UnidentifiedImageError:
        raise PictureError(
            "is no picture; expected PNG, JPEG, WebP, BMP, GIF or TIFF"
            if content
            else "is no picture: the file is empty"
        ) from None
    except Exception as error:  # decoders fail on bad bytes in many ways: struct, zlib, Key, Type…
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise PictureError(f"is damaged or too large ({what}); save it anew") from None


def _opened(content: bytes) -> Image.Image:
    # For small files `Image.open` takes a quarter longer than the two commonest formats themselves.
    # All else is left to it, also the words for what is damaged or too large.
    if kind := _COMMON.get(content[:3]):
        with suppress(Exception):
            image = kind(BytesIO(content))
            if image.width * image.height <= _LARGEST:
                return image
    return Image.open(BytesIO(content), formats=_FORMATS)


def _check(image: Image.Image, length: int) -> None:
    """Refuse a picture that is too large, or a PNG that can't be as large as it says."""
    width, height = image.size
    if width * height > _LARGEST:
        raise PictureError(
            f"has {width}x{height} pixels; at most {_LARGEST:,} are read, make it smaller"
        )
    if max(width, height) > _LONGEST:
        raise PictureError(
            f"has {width}x{height} pixels; at most {_LONGEST:,} a side are read, make it smaller"
        )
    # Pillow takes a PNG whose rows end early, and fills up with black whatever was promised.
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        bits = width * height * _bits_a_pixel(str(image.tile[0][3]))  # interlaced, rather more
        if bits > 8 * _DEFLATE * length:
            raise PictureError(
                f"is damaged (its {length:,} bytes can't hold {width}x{height} pixels); "
                "save it anew"
            )


def _bits_a_pixel(raw: str) -> int:
    """Tell how many bits of a PNG's rows a pixel takes, by Pillow's word for them.

    Examples
    --------
    >>> [_bits_a_pixel(raw) for raw in ("1", "P;4", "L", "I;16B", "RGB", "RGBA;16B")]
    [1, 4, 8, 16, 24, 64]
    """
    channels, _, depth = raw.partition(";")
    return 1 if raw == "1" else len(channels) * int(depth.rstrip("B") or 8)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's remarks on odd files; it changes the whole process, so never in threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
