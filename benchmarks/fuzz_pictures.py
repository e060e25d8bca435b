"""Mutated pictures and archives: each gives pixels or a plain error, in bounded time and memory.

    python -m benchmarks.fuzz_pictures [--inputs N] [--reader NAME]

Readers: the eight formats of pictures, zip and tar. An input is a good file of which bytes were
changed, removed, doubled or cut off, or fields of headers set to their extremes; every second PNG
has its checksums put right after that, or hardly one would reach the decoder. A failure is any
exception but Danqing's own, an input that computes for over 5 seconds, memory that grows by over
1 GiB in all, or a file that appears outside the cache. It prints a table, and ends with 1 on any
failure.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import random
import resource
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from benchmarks.record import write
from danqing.data.images.decode import decode
from danqing.data.images.load_images import load_images
from danqing.errors import DanqingError

__all__ = ["READERS", "fuzz"]

SLOWEST = 5.0  # seconds an input
MEMORY = 1 << 30  # bytes in all

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)


def picture(kind: str, seed: int) -> bytes:
    noise = np.random.default_rng(seed)
    size = (int(noise.integers(1, 40)), int(noise.integers(1, 40)))
    mode = ("L", "RGB", "RGBA", "P", "1")[seed % 5]
    pixels = noise.integers(0, 255, (*size, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert("RGB" if kind == "JPEG" else mode)
    file = io.BytesIO()
    options: dict[str, Any] = {}
    if kind == "TIFF":
        options["compression"] = (None, "tiff_lzw", "tiff_deflate", "packbits")[seed % 4]
        image = image.convert("L") if seed % 2 else image
    if kind in ("PNG", "JPEG", "WEBP") and seed % 3 == 0:
        exif = Image.Exif()
        exif[0x0112] = 6
        options["exif"] = exif
    if kind == "HEIC":
        from_pillow(image.convert("RGBA" if seed % 2 else "RGB")).save(file, quality=50)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def members() -> dict[str, bytes]:
    return {f"{label}/{n}.png": picture("PNG", n) for label in "ab" for n in range(3)}


def zip_file(seed: int) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_STORED if seed % 2 else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in members().items():
            packed.writestr(name, content)
    return file.getvalue()


def tar_file(seed: int) -> bytes:
    file = io.BytesIO()
    layout = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)[seed % 3]
    with tarfile.open(fileobj=file, mode="w", format=layout) as packed:
        for name, content in members().items():
            member = tarfile.TarInfo(("long" * 30 if seed % 5 == 0 else "x") + "/" + name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    # Half of them packed: their mutations then reach the unpacking.
    return gzip.compress(file.getvalue(), 1) if seed % 2 else file.getvalue()


def mutate(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        if not changed:
            break
        # Headers are short and matter most.
        end = len(changed) if chance.random() < 0.5 else min(len(changed), 128)
        at = chance.randrange(end)
        match chance.randrange(6):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                length = chance.choice((1, 2, 4))
                changed[at : at + length] = bytes([chance.choice(EXTREMES)]) * length
            case 3:
                del changed[at : at + chance.randint(1, 16)]
            case 4:
                changed[at:at] = changed[at : at + chance.randint(1, 64)]
            case 5:
                del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def sealed(content: bytes) -> bytes:
    """Put the checksums of a PNG's chunks right."""
    start = b"\x89PNG\r\n\x1a\n"
    if not content.startswith(start):
        return content
    whole, at = bytearray(start), len(start)
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4])
        if end + 4 > len(content):
            break
        whole += content[at:end] + zlib.crc32(content[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(whole) + content[at:]


def read_picture(content: bytes, place: Path) -> None:
    decode(content, (28, 28), "RGB", name=place.name)


def read_archive(content: bytes, place: Path) -> None:
    place.write_bytes(content)
    load_images(place)


Reader = tuple[Callable[[int], bytes], Callable[[bytes, Path], None]]
READERS: dict[str, Reader] = {
    **{
        kind.lower(): (partial(picture, kind), read_picture)
        for kind in ("PNG", "JPEG", "WEBP", "HEIC", "AVIF", "BMP", "GIF", "TIFF")
    },
    "zip": (zip_file, read_archive),
    "tar": (tar_file, read_archive),
}


def fuzz(reader: str, inputs: int, seed: int = 0) -> dict[str, Any]:
    """Read mutated inputs; count what was read, what was refused, and list what failed."""
    make, read = READERS[reader]
    chance = random.Random(seed)
    good = [make(number) for number in range(30)]
    counts: dict[str, Any] = {"read": 0, "refused": 0, "slowest": 0.0, "failures": []}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = os.environ.get("DANQING_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DANQING_CACHE"] = f"{folder}/cache"
        place = Path(folder) / "input"
        try:
            for number in range(inputs):
                content = mutate(chance.choice(good), chance)
                if number % 2:
                    content = sealed(content)
                began = time.process_time()  # its own: the machine may be busy
                try:
                    read(content, place)
                    counts["read"] += 1
                except DanqingError as error:
                    counts["refused"] += 1
                    if place.name not in str(error) or "\n" in str(error):
                        counts["failures"].append((number, f"message {error}"))
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    counts["failures"].append((number, repr(error)))
                seconds = time.process_time() - began
                counts["slowest"] = max(counts["slowest"], seconds)
                if seconds > SLOWEST:
                    counts["failures"].append((number, f"took {seconds:.1f} s"))
                if not {path.name for path in Path(folder).iterdir()} <= {"input", "cache"}:
                    counts["failures"].append((number, "wrote outside the cache"))
        finally:
            if kept is None:
                del os.environ["DANQING_CACHE"]
            else:
                os.environ["DANQING_CACHE"] = kept
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    counts["memory"] = grown
    if grown > MEMORY:
        counts["failures"].append((inputs, f"memory grew by {grown >> 20} MiB"))
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--reader", choices=sorted(READERS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # libtiff tells its own troubles there, past Python.
    failures = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    found = {}
    print("| reader | read | refused | failures | slowest, s | memory grown, MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for reader in options.reader or READERS:
        counts = found[reader] = fuzz(reader, options.inputs, options.seed)
        print(
            f"| {reader} | {counts['read']:,} | {counts['refused']:,} | {len(counts['failures'])} "
            f"| {counts['slowest']:.2f} | {counts['memory'] >> 20} |",
            flush=True,
        )
        for failure in counts["failures"][:5]:
            print(f"{reader}: {failure}", file=failures, flush=True)
    if not options.reader:
        write("fuzz_pictures", {"inputs": options.inputs, "seed": options.seed, "found": found})
    sys.exit(any(counts["failures"] for counts in found.values()))


if __name__ == "__main__":
    main()
