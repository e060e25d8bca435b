from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pillow_heif import from_pillow

from danqing.data.images.decode import decode, examine, fit, probe
from danqing.errors import PictureError

FORMATS = ["PNG", "JPEG", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF"]


def packed(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    if kind == "HEIF":
        from_pillow(image).save(file, quality=95, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def scene(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    rows, columns = np.mgrid[: size[1], : size[0]]
    red, green = 255 * rows / size[1], 255 * columns / size[0]
    colours = np.stack([red, green, np.full(red.shape, 60)], -1).astype(np.uint8)
    return Image.fromarray(colours).convert(mode)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_format_gives_the_same_picture(kind: str, mode: str) -> None:
    content = packed(scene(mode), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert probe(content)[:2] == (30, 40)
    got = decode(content, (30, 40), mode)
    tolerance = {"JPEG": 12, "AVIF": 25, "HEIF": 25, "GIF": 40 if mode == "RGB" else 0}.get(kind, 0)
    expected = np.asarray(scene(mode)).reshape(30, 40, -1).astype(int)
    assert np.abs(got - expected).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_orientation(orientation: int, kind: str) -> None:
    # A white corner at the top left, seen upright.
    upright = np.zeros((24, 40), np.uint8)
    upright[:8, :8] = 255
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    # In a HEIC it becomes a property of the picture.
    kept = exif.tobytes() if kind == "HEIF" else exif
    content = packed(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=kept)
    assert probe(content)[:2] == (24, 40)
    got = decode(content, (24, 40), "L")[..., 0].astype(int)
    assert np.abs(got - upright).max() <= 12


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_white_paper(mode: str) -> None:
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 5, 10))
    if mode == "P":
        image = Image.new("P", (10, 10), 0)
        image.putpalette([255, 0, 0, 0, 0, 0])
        image.paste(1, (0, 0, 5, 10))
        content = packed(image, transparency=0)
    else:
        content = packed(image.convert(mode))
    got = decode(content, (10, 10), "RGB")
    assert (got[:, :5] == 0).all()
    assert (got[:, 5:] == 255).all()


def bmp(rgb: np.ndarray, alpha: np.ndarray, mask: int = 0xFF000000) -> bytes:
    """Give a BMP of 32 bits a pixel, which Pillow can't write with its alpha declared."""
    height, width = alpha.shape
    body = np.dstack([rgb[..., ::-1], alpha]).astype(np.uint8)[::-1].tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(body), 0, 0, 0, 0)
    head += struct.pack("<5I", 0xFF0000, 0xFF00, 0xFF, mask, 0x73524742) + bytes(48)
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + body


@pytest.mark.parametrize("side", [20, 200])  # decoded at the first look, or later
def test_a_bmp_whose_alpha_was_never_set_is_opaque(side: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 200, (side, side, 3)).astype(np.uint8)
    alpha = np.zeros((side, side), np.uint8)
    assert (decode(bmp(rgb, alpha), (side, side), "RGB") == rgb).all()
    assert (decode(bmp(rgb, alpha, mask=0), (side, side), "RGB") == rgb).all()
    alpha[:, : side // 2] = 255
    half = decode(bmp(rgb, alpha), (side, side), "RGB")
    assert (half[:, : side // 2] == rgb[:, : side // 2]).all()
    assert (half[:, side // 2 :] == 255).all()
    clear = packed(Image.fromarray(np.dstack([rgb, np.zeros_like(alpha)])))
    assert (decode(clear, (side, side), "RGB") == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled(kind: str) -> None:
    deep = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    content = packed(Image.fromarray(deep), kind)
    assert probe(content) == (16, 16, True)
    assert decode(content, (16, 16), "L").ravel().tolist() == list(range(256))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 128.0, 255.0]], np.float32), [0, 128, 255]),
        (np.array([[-1.0, np.nan, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0, 32768, 65535]], np.int32), [0, 128, 255]),
        (np.array([[0, 1, 1]], np.int32), [0, 1, 1]),
    ],
)
def test_deeper_tiffs(values: np.ndarray, expected: list[int]) -> None:
    got = decode(packed(Image.fromarray(values), "TIFF"), (1, 3), "L")
    assert got.ravel().tolist() == expected


def test_palettes_black_and_white_and_inks() -> None:
    assert probe(packed(scene("1")))[2]
    assert set(decode(packed(scene("1")), (30, 40), "L").ravel()) == {0, 255}
    grey = scene("L").convert("P")
    grey.putpalette([value for value in range(256) for _ in range(3)])
    assert probe(packed(grey))[2]
    assert not probe(packed(scene().quantize(16)))[2]
    inks = packed(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    red = decode(inks, (8, 8), "RGB")[0, 0].tolist()
    assert red[0] > 230
    assert max(red[1:]) < 40


def test_first_frame_of_an_animation() -> None:
    content = packed(
        Image.new("L", (8, 8), 10), "GIF", save_all=True, append_images=[Image.new("L", (8, 8), 99)]
    )
    assert (decode(content, (8, 8), "L") == 10).all()


def test_smaller_sizes_are_antialiased() -> None:
    chess = (np.indices((400, 400)).sum(0) % 2 * 255).astype(np.uint8)
    got = decode(packed(Image.fromarray(chess)), (20, 20), "L")
    assert 120 <= got.min() <= got.max() <= 135


@given(size=st.tuples(st.integers(1, 96), st.integers(1, 96)), colour=st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_first_look_agrees_with_decoding(size: tuple[int, int], colour: bool) -> None:
    for kind in ("PNG", "JPEG"):
        content = packed(scene("RGB" if colour else "L", size), kind)
        look = examine(content)
        assert look[:3] == probe(content)
        assert look.pixels is not None
        for mode in ("L", "RGB"):
            assert fit(look, (9, 7), mode) == decode(content, (9, 7), mode).tobytes()


def png(
    width: int, height: int, data: bytes, *, depth: int = 8, kind: int = 0, interlaced: bool = False
) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello", "is not a picture"),
        (b"P5 2 2 255 abcd", "is not a picture"),  # a format of Pillow's that is not on the list
        (packed(scene())[:100], "damaged"),
        (png(60_000, 60_000, zlib.compress(bytes(1000))), "too many pixels"),
        (png(10_000, 6_000, b""), "10000x6000 pixels"),
        (png(100, 100, zlib.compress(bytes(10))), "damaged"),
        (packed(scene(), "HEIF")[:300], "is a HEIC picture and damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(200)), "is a HEIC picture and dam"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is a HEIC picture and damaged"),
        (packed(scene(), "AVIF")[:300], "is an AVIF picture and damaged"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42", "is a video, which can't be read; expected PNG"),
        (b"%PDF-1.4", "is a PDF document, which can't"),
    ],
    ids=[
        "empty",
        "text",
        "pgm",
        "cut",
        "bomb",
        "large",
        "short",
        "cut heic",
        "heic",
        "mif1",
        "avif",
        "video",
        "pdf",
    ],
)
def test_bad_content(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad one.png"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=words) as caught:
        decode(path, (28, 28), "L")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


KINDS = [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (1, 3), (8, 3), (8, 2), (16, 2), (8, 4), (8, 6),
         (16, 4), (16, 6)]  # fmt: skip
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def black(side: int, depth: int, kind: int, *, interlaced: bool = False) -> bytes:
    """Give a PNG of nothing but zeros, packed as far as that goes."""
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
             (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]  # fmt: skip
    length = 0
    for left, top, right, down in steps:
        columns, rows = -(-(side - left) // right), -(-(side - top) // down)
        length += rows * (1 + (columns * depth * CHANNELS[kind] + 7) // 8)
    content = png(
        side, side, zlib.compress(bytes(length), 9), depth=depth, kind=kind, interlaced=interlaced
    )
    if kind != 3:
        return content
    palette = b"PLTE" + bytes(3)
    chunk = struct.pack(">I", 3) + palette + struct.pack(">I", zlib.crc32(palette))
    return content[:33] + chunk + content[33:]


@pytest.mark.parametrize(("depth", "kind"), [(1, 0), (8, 0), (8, 2)])
def test_a_large_black_png_is_no_lie(depth: int, kind: int) -> None:
    content = black(5000, depth, kind)
    assert len(content) < 5000 * 5000 * depth * CHANNELS[kind] / 8 / 1000
    assert not decode(content, (7, 7), "L").any()


@pytest.mark.parametrize(("depth", "kind"), KINDS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_black_pngs_of_every_kind(depth: int, kind: int, interlaced: bool) -> None:
    content = black(600, depth, kind, interlaced=interlaced)
    assert probe(content)[:2] == (600, 600)
    got = decode(content, (7, 7), "L")
    assert (got == (255 if kind in (4, 6) else 0)).all()  # transparent, or black


@pytest.mark.parametrize(("depth", "kind"), KINDS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_that_promises_more_than_it_holds(depth: int, kind: int, interlaced: bool) -> None:
    liar = bytearray(black(300, depth, kind, interlaced=interlaced))
    struct.pack_into(">II", liar, 16, 7000, 7000)
    struct.pack_into(">I", liar, 29, zlib.crc32(liar[12:29]))
    words = f"its {len(liar):,} bytes can't hold 7000x7000 pixels"
    for read in (probe, examine):  # from the header alone
        with pytest.raises(PictureError, match=words):
            read(bytes(liar))


def test_a_thread_of_a_picture() -> None:
    tall = png(1, 70_000, zlib.compress(bytes(2 * 70_000)), depth=8, kind=0)
    for read in (probe, examine):
        with pytest.raises(PictureError, match="has 1x70000 pixels; at most 65,535 a side"):
            read(tall)


@given(kind=st.sampled_from(FORMATS), data=st.data())
@settings(max_examples=150, deadline=None)
def test_mutated_content_gives_pixels_or_an_error(kind: str, data: st.DataObject) -> None:
    content = bytearray(packed(scene(), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for mutated in (bytes(content), bytes(content[:cut])):
        got: object = None
        try:
            got = decode(mutated, (8, 8), "RGB", name="x.bin").shape
        except PictureError as error:
            got = str(error)
        assert got == (8, 8, 3) or str(got).startswith("x.bin: ")


def sixteen_bits(values: np.ndarray, kind: str) -> bytes:
    """Write colours of 16 bits, which Pillow can't, as PNG or TIFF of either byte order."""
    height, width, channels = values.shape
    if kind == "PNG":
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
        chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
    order = "<" if kind.startswith("II") else ">"
    data = values.astype(f"{order}u2").tobytes()
    packing = 8 if kind.endswith("zip") else 1
    data = zlib.compress(data) if packing == 8 else data
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (259, 3, 1, packing),
        (262, 3, 1, 2),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),
    ]
    tags += [(338, 3, 1, 2)] * (channels == 4)
    bits_at = 8 + 2 + 12 * (len(tags) + 2) + 4
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    tags += [(258, 3, channels, bits_at), (273, 4, 1, bits_at + len(bits))]
    entries = b"".join(
        struct.pack(f"{order}HHIHH", *tag, 0) if tag[1] == 3 and tag[0] != 258
        else struct.pack(f"{order}HHII", *tag)
        for tag in sorted(tags)
    )  # fmt: skip
    start = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return start + entries + struct.pack(f"{order}I", 0) + bits + data


@pytest.mark.parametrize("kind", ["PNG", "II", "MM", "II zip", "MM zip"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_sixteen_bits_keep_them(kind: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (30, 40, channels)).astype(np.uint16)
    values[..., 3:] = 65535
    content = sixteen_bits(values, kind)
    look = examine(content)
    assert (look.height, look.width, look.grey, look.pixels) == (30, 40, False, None)
    assert (look.low, look.high) == (values[..., :3].min(), values[..., :3].max())
    of_format = decode(content, (30, 40), "RGB")
    assert np.array_equal(of_format, (values[..., :3] / 257).round())
    of_set = decode(content, (30, 40), "RGB", ends=(0, 4095))
    assert np.array_equal(of_set, (values[..., :3] * (255 / 4095)).round())
    with pytest.raises(PictureError, match=r"has values from \d+ to \d+, but in"):
        decode(content, (30, 40), "RGB", ends=(0, 1023))
    if channels == 4:
        values[..., 3] = 0
        values[:15, :, 3] = 65535
        half = decode(sixteen_bits(values, kind), (30, 40), "RGB")
        assert (half[15:] == 255).all()
        assert np.array_equal(half[:15], of_format[:15])
