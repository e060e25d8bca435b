"""From the bytes of a picture file to pixels of a given size. Knows no labels and no cache.

Whether a picture is grey depends on its mode alone: black and white, grey of any depth, with or
without transparency, or a palette of greys only. An RGB file that shows only greys is in colour.

NumPy is imported only where it is needed: without it a helper process starts in a third of the
time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from PIL import Image

from danqing.data.images.deep_pixels import (
    deep_values,
    has_deep_colours,
    is_deep_grey,
    range_of,
    scaled,
    swap_bytes,
)
from danqing.data.images.image_file import open_picture, quiet, read_file
from danqing.errors import PictureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "SMALL",
    "Look",
    "Mode",
    "decode",
    "decode_content",
    "examine",
    "fit",
    "flatten",
    "probe",
]

Mode = Literal["L", "RGB"]

SMALL = 96  # pixels a side, up to which `examine` decodes a picture at once

_GREY = ("1", "L", "LA", "La", "I", "F")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_FILLED = ("BMP", "DIB")  # formats in which an alpha of 0 everywhere was left unset, not meant
_ORIENTED = {"exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp"}
_ORIENTATION = 0x0112


class Look(NamedTuple):
    """The result of `examine`.

    Attributes
    ----------
    height, width : int
        Of the upright picture.
    grey : bool
    pixels : bytes or None
        Row by row, one byte per pixel, or three in colour; None for a picture larger than `SMALL`,
        or of more than 8 bits, which is not decoded yet.
    low, high : float
        The least and greatest value of a picture of more than 8 bits; of integers at least 255.
    """

    height: int
    width: int
    grey: bool
    pixels: bytes | None
    low: float = 0.0
    high: float = 0.0


def probe(source: bytes | str | Path, *, name: str = "") -> tuple[int, int, bool]:
    """Read height, width, and whether a picture is grey, from its header; else as `decode`."""
    with quiet(), _named(source, name), open_picture(_content(source)) as image:
        return _shape(image)


def decode(
    source: bytes | str | Path,
    size: tuple[int, int],
    mode: Mode,
    *,
    name: str = "",
    ends: Sequence[float] | None = None,
) -> NDArray[np.uint8]:
    """Decode a picture to `size` and `mode`.

    Its EXIF orientation is applied; transparent parts become white, but a BMP of which all would be
    is opaque, as viewers show it; 16 bits per channel are scaled to 8, not truncated; reduction is
    antialiased.

    Parameters
    ----------
    source : bytes or path
    size : (height, width)
    mode : {"L", "RGB"}
    name : str
        How messages refer to it; by default its path.
    ends : (black, white), optional
        The values of a picture of more than 8 bits. By default those of its format.

    Returns
    -------
    ndarray of uint8, shape (height, width, 1 or 3)

    Raises
    ------
    PictureError
        If it is not a picture, damaged, or too large, or its values are far outside of `ends`.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (300, 200), "red").save(file, "PNG")
    >>> decode(file.getvalue(), (2, 3), "RGB")[0, 0].tolist()
    [255, 0, 0]
    """
    import numpy as np

    with quiet(), _named(source, name):
        pixels = decode_content(_content(source), size, mode, ends)
    return np.frombuffer(pixels, np.uint8).reshape(*size, -1)


def decode_content(
    content: bytes, size: tuple[int, int], mode: Mode, ends: Sequence[float] | None = None
) -> bytes:
    """Decode like `decode`, but in many threads, within one `quiet()`; errors are unnamed."""
    with open_picture(content) as image:
        if max(image.size) > SMALL:
            # A JPEG can be decoded at a half, a quarter or an eighth of its size for less work.
            height, width = reversed(size) if _orientation(image) >= 5 else size
            image.draft(None, (2 * width, 2 * height))
        return _fit(_natural(_eight_bits(image, content, ends), ends), size, mode)


def examine(content: bytes) -> Look:
    """Read a picture's header, and decode it if it is small; errors are unnamed.

    Raises
    ------
    PictureError
        If it is not a picture, damaged, or too large.
    """
    with open_picture(content) as image:
        height, width, grey = _shape(image)
        if has_deep_colours(image):
            values = deep_values(image, _low_bytes(content))
            return Look(height, width, grey, None, *range_of(image, values))
        if is_deep_grey(image):
            return Look(height, width, grey, None, *range_of(image, deep_values(image)))
        if max(height, width) > SMALL:
            return Look(height, width, grey, None)
        picture = _natural(image)
        width, height = picture.size
        return Look(height, width, grey, picture.tobytes())


def fit(look: Look, size: tuple[int, int], mode: Mode) -> bytes:
    """Convert examined pixels to a size and a mode, as `decode_content` returns them."""
    assert look.pixels is not None
    own: Mode = "L" if look.grey else "RGB"
    if (look.height, look.width) == size and own == mode:
        return look.pixels
    return _fit(Image.frombytes(own, (look.width, look.height), look.pixels), size, mode)


def _fit(picture: Image.Image, size: tuple[int, int], mode: Mode) -> bytes:
    if picture.mode != mode:
        picture = picture.convert(mode)
    if picture.size != (size[1], size[0]):
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return picture.tobytes()


def flatten(image: Image.Image) -> Image.Image:
    """Turn a picture upright and put it on white paper; the result has no alpha channel."""
    image.load()  # only now is all its metadata known
    if image.format in _FILLED and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        return image.convert("RGB")
    if not _ORIENTED.isdisjoint(image.info):
        from PIL import ImageOps  # rarely needed, and its import takes longer than decoding

        image = ImageOps.exif_transpose(image)
    if image.mode in _ALPHA or "transparency" in image.info:
        if image.mode.startswith("I"):
            return image
        grey = image.mode in _GREY
        drawn = image.convert("RGBA")
        paper = Image.new("RGB", drawn.size, "white")
        paper.paste(drawn, mask=drawn.getchannel("A"))
        return paper.convert("L") if grey else paper
    return image


def _content(source: bytes | str | Path) -> bytes:
    return source if isinstance(source, bytes) else read_file(source)


@contextmanager
def _named(source: bytes | str | Path, name: str) -> Iterator[None]:
    name = name or ("" if isinstance(source, bytes) else str(source))
    try:
        yield
    except PictureError as error:
        raise PictureError(f"{name}: {error}" if name else str(error)) from None


def _orientation(image: Image.Image) -> int:
    # Pillow turns TIFF itself; what follows the pixels of a PNG is known only after decoding.
    known = "exif" in image.info or ("xmp" in image.info and image.format != "PNG")
    return int(image.getexif().get(_ORIENTATION, 1)) if known and image.format != "TIFF" else 1


def _shape(image: Image.Image) -> tuple[int, int, bool]:
    width, height = reversed(image.size) if _orientation(image) >= 5 else image.size
    return height, width, _is_grey(image)


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        colours = image.getpalette("RGB") or []
        return colours[::3] == colours[1::3] == colours[2::3]
    return image.mode in _GREY or image.mode.startswith("I;")


def _natural(image: Image.Image, ends: Sequence[float] | None = None) -> Image.Image:
    """Return a picture upright and opaque, as L if it is grey, else as RGB."""
    mode = "L" if _is_grey(image) else "RGB"
    flat = flatten(image)
    if flat.mode == mode:
        return flat
    if is_deep_grey(flat):
        return scaled(flat, deep_values(flat), ends)
    return flat.convert(mode)


def _eight_bits(image: Image.Image, content: bytes, ends: Sequence[float] | None) -> Image.Image:
    """Return a picture that has 16 bits in each colour with 8; any other as it is."""
    if not has_deep_colours(image):
        return image
    values = deep_values(image, _low_bytes(content))
    picture = scaled(image, values, ends)
    if image.mode == "RGBA":
        picture.putalpha(image.getchannel("A"))
    if image.format != "TIFF":  # which is upright already
        picture.info = dict(image.info)
    return picture


def _low_bytes(content: bytes) -> Image.Image:
    with open_picture(content) as image:
        swap_bytes(image)
        image.load()
        return image.copy()
