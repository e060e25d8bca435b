"""Reading a picture file's bytes, and opening them: its header is checked, no pixel is decoded.

Pillow opens PNG, JPEG, WebP, AVIF, BMP, GIF (the first frame) and TIFF (the first page), and
pillow-heif HEIC (the primary picture); no other decoders can be reached.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from danqing.data.file_checks import DEFLATE_RATIO
from danqing.errors import PictureError

__all__ = ["open_picture", "quiet", "read_file"]

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
_ARTICLES = {"HEIC": "a HEIC", "AVIF": "an AVIF"}
_OTHERS: dict[bytes, str] = {
    b"%PDF": "a PDF document",
    b"8BPS": "a Photoshop file",
    b"\xff\x0a": "a JPEG XL picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"FUJIFILM": "a camera's raw file",
    b"\0\0\x01\0": "an icon",
    b"<svg": "an SVG drawing",
    b"gimp xcf": "a GIMP file",
    b"\x1aE\xdf\xa3": "a video",
}
# Opening a pipe would wait forever for its other end; Windows would change the ends of lines.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_MOST_BYTES = 256 << 20
_MOST_PIXELS = 50_000_000  # more is a decompression bomb, or nothing a network can use
_LONGEST_SIDE = 65_535  # pixels, as in JPEG; each row takes memory of its own


def read_file(path: str | Path) -> bytes:
    """Read all bytes of a picture file.

    Raises
    ------
    PictureError
        If it is missing, unreadable, not a file or far too large; the message doesn't name it.
    """
    try:
        descriptor = os.open(path, _READ)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise PictureError("is a folder; name the picture files in it")
            if not stat.S_ISREG(status.st_mode):
                raise PictureError("is not a regular file; name a picture file")
            if status.st_size > _MOST_BYTES:
                raise PictureError(f"is larger than {_MOST_BYTES >> 20} MiB; make it smaller")
            content = os.read(descriptor, status.st_size)
            while len(content) < status.st_size and (more := os.read(descriptor, status.st_size)):
                content += more
            return content
        finally:
            os.close(descriptor)
    except PictureError:  # which is a ValueError
        raise
    except FileNotFoundError:
        raise PictureError("there is no such file; check its path") from None
    except PermissionError:
        raise PictureError("can't be read; check its permissions") from None
    except OSError as error:
        raise PictureError(f"can't be read ({error.strerror}); copy it again") from None
    except ValueError:
        raise PictureError("is not a valid file name; check its path") from None


@contextmanager
def open_picture(content: bytes) -> Iterator[Image.Image]:
    """Open a picture, check its size, and convert whatever its decoder raises to one error.

    Raises
    ------
    PictureError
        The message doesn't name the file, which only the caller knows.
    """
    try:
        image = _opened(content)
        _check(image, len(content))
        yield image
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(
            f"has far too many pixels; at most {_MOST_PIXELS:,} are read; make it smaller"
        ) from None
    except UnidentifiedImageError:
        raise PictureError(_what_else(content)) from None
    except (
        Exception
    ) as error:  # bad bytes make decoders raise many things: struct, zlib, Key, Type…
        what = " ".join(str(error).split())[:200] or type(error).__name__
        kind = f"{_ARTICLES[brand]} picture and " if (brand := _brand(content)) else ""
        raise PictureError(f"is {kind}damaged or too large ({what}); save it again") from None


def _brand(content: bytes) -> str:
    """Return the name of a format that telephones use; empty for others."""
    if content[4:8] != b"ftyp":
        return ""
    length = min(max(int.from_bytes(content[:4], "big"), 16), 256)
    brands = [content[8:12], *(content[at : at + 4] for at in range(16, length, 4))]
    known = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "")
    return known or ("HEIC" if b"mif1" in brands or b"msf1" in brands else "")


def _what_else(content: bytes) -> str:
    """Tell what a file is that can't be opened."""
    if not content:
        return "is not a picture: the file is empty"
    expected = "expected PNG, JPEG, WebP, HEIC, AVIF, BMP, GIF or TIFF"
    start = content[:256].lstrip()
    kind = next((kind for magic, kind in _OTHERS.items() if start.startswith(magic)), "")
    if not kind and content[4:8] == b"ftyp":
        kind = "a camera's raw file" if content[8:11] == b"crx" else "a video"
    if not kind and start.startswith(b"<?xml") and b"<svg" in content[:4096]:
        kind = "an SVG drawing"
    return (
        f"is {kind}, which can't be read; {expected}" if kind else f"is not a picture; {expected}"
    )


def _opened(content: bytes) -> Image.Image:
    # On small files `Image.open` takes a quarter longer than the decoders of the two most common
    # formats. Everything else is left to it, errors about damage and size included.
    if kind := _common(content[:3]):
        with suppress(Exception):
            image = kind(BytesIO(content))
            if image.width * image.height <= _MOST_PIXELS:
                return image
    # These are imported when the first such file is met: with their libraries they take long.
    if (brand := _brand(content)) == "HEIC":
        from pillow_heif import HeifImageFile

        heif: Image.Image = HeifImageFile(BytesIO(content))
        return heif
    if brand == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile

        return AvifImageFile(BytesIO(content))
    # Imported first, or Pillow would load all its decoders on a file that its five common ones
    # don't know.
    from PIL import TiffImagePlugin, WebPImagePlugin  # noqa: F401

    return Image.open(BytesIO(content), formats=_FORMATS)


def _common(start: bytes) -> Callable[[IO[bytes]], Image.Image] | None:
    """Give the decoder of a PNG or JPEG file; importing one takes longer than decoding."""
    if start == b"\x89PN":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile
    if start == b"\xff\xd8\xff":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile
    return None


def _check(image: Image.Image, length: int) -> None:
    """Refuse a picture that is too large, or a PNG that can't be as large as it claims."""
    width, height = image.size
    if width * height > _MOST_PIXELS:
        raise PictureError(
            f"has {width}x{height} pixels; at most {_MOST_PIXELS:,} are read; make it smaller"
        )
    if max(width, height) > _LONGEST_SIDE:
        raise PictureError(
            f"has {width}x{height} pixels; at most {_LONGEST_SIDE:,} a side are read; "
            "make it smaller"
        )
    # Pillow accepts a PNG whose rows end early, and fills what is missing with black.
    tile = getattr(image, "tile", None)
    if image.format == "PNG" and tile:
        bits = width * height * _bits_per_pixel(str(tile[0][3]))  # more if interlaced
        if bits > 8 * DEFLATE_RATIO * length:
            raise PictureError(
                f"is damaged (its {length:,} bytes can't hold {width}x{height} pixels); "
                "save it again"
            )


def _bits_per_pixel(raw: str) -> int:
    """Return the bits per pixel in a PNG's rows, from Pillow's name for their raw mode.

    Examples
    --------
    >>> [_bits_per_pixel(raw) for raw in ("1", "P;4", "L", "I;16B", "RGB", "RGBA;16B")]
    [1, 4, 8, 16, 24, 64]
    """
    channels, _, depth = raw.partition(";")
    return 1 if raw == "1" else len(channels) * int(depth.rstrip("B") or 8)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings about odd files, in the whole process, so never in threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
