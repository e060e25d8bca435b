"""Damaged files for the readers of arrays and tables: each must give data, or a plain error.

`python -m benchmarks.fuzz_tables --inputs 100000` mutates good files of each kind (bytes changed,
cut, doubled, moved between files, lengths made absurd), and has them read in a process of its own:
a crash, a hang, an input that computes for over 5 seconds, memory that grows by over 512 MiB, an
error that is none of Danqing's, or one that doesn't name the file, is a failure, and is shown.
Knows nothing of the formats but the good files it makes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from danqing.data.arrays.idx import load_idx
from danqing.data.arrays.npz import load_npz
from danqing.data.tables import frame_files
from danqing.data.tables.table_files import load_table
from danqing.errors import DanqingError

__all__ = ["READERS", "damaged", "fuzz", "good_files", "mutate"]

SECONDS = 5
MEMORY = 512 * 2**20
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "idx": ("train-images-idx3-ubyte", load_idx),
    "npz": ("arrays.npz", load_npz),
    "csv": ("table.csv", load_table),
    "parquet": ("table.parquet", load_table),
}


def good_files(reader: str) -> list[bytes]:
    """Make small good files of the kind, of every sort that the reader knows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 4, 4), dtype=np.uint8)
    if reader == "idx":
        plain = bytes([0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 4]) + pixels.tobytes()
        colour = bytes([0, 0, 8, 4, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 4])
        return [plain, gzip.compress(plain, mtime=0), colour + pixels.tobytes()]
    if reader == "npz":
        y = np.array([0, 1, 2, 0, 1, 2])
        words = np.array(["a", "b", "a", "b", "a", "b"])
        sets: list[dict[str, Any]] = [
            {"x_train": pixels, "y_train": y, "x_test": pixels[:2], "y_test": y[:2]},
            {"X": rng.normal(size=(6, 3)), "y": words, "feature_names": words[:3]},
        ]
        made = []
        for arrays in sets:
            for save in (np.savez, np.savez_compressed):
                file = io.BytesIO()
                save(file, **arrays)
                made.append(file.getvalue())
        return made
    import polars as pl

    frame = pl.DataFrame(
        {
            "size": [1.5, None, 3.0, 4.25],
            "colour": ["red", "b,lue", None, "绿"],
            "day": ["2024-01-02", "2024-02-03", None, "2024-03-04"],
            "number": [1, 2, 3, 2**40],
            "target": ["yes", "no", "yes", "no"],
        }
    )
    if reader == "csv":
        comma = frame.write_csv().encode()
        semicolon = frame.write_csv(separator=";").replace(".", ",").encode()
        chinese = frame.write_csv(line_terminator="\r\n").encode("gb18030")
        return [comma, semicolon, chinese, b"\xef\xbb\xbf" + comma, gzip.compress(comma, mtime=0)]
    frame = frame.with_columns(
        pl.col("day").str.to_date(), pl.col("colour").cast(pl.Categorical), pl.lit(True).alias("on")
    )
    made = []
    for compression in ("uncompressed", "zstd", "snappy", "gzip"):
        file = io.BytesIO()
        frame.write_parquet(file, compression=compression)
        made.append(file.getvalue())
    return made


def mutate(good: list[bytes], seed: str) -> bytes:
    """Damage a good file in one to four ways."""
    rng = random.Random(seed)
    content = bytearray(rng.choice(good))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        length = rng.choice((1, 2, 4, 8, rng.randint(1, 64)))
        way = rng.randrange(7)
        if way == 0 and at < len(content):
            content[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            content[at : at + length] = rng.randbytes(length)
        elif way == 2:
            del content[at : at + length]
        elif way == 3:
            content[at:at] = content[at : at + length] * rng.randint(1, 4)
        elif way == 4:  # lengths made absurd
            content[at : at + 4] = rng.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0" * 4))
        elif way == 5:
            other = rng.choice(good)
            start = rng.randrange(len(other))
            content[at : at + length] = other[start : start + length]
        elif rng.random() < 0.3:
            del content[at:]
        else:
            content[at:at] = rng.choice((b'"', b"\n", b",", b"\r\n", b"\0", b";", b"inf", b"1e999"))
    return bytes(content)


def damaged(reader: str, good: list[bytes], seed: str) -> bytes:
    """Damage a good file; of every second npz its arrays, with the zip around them intact."""
    if reader != "npz" or seed[-1] in "02468":
        return mutate(good, seed)
    with zipfile.ZipFile(io.BytesIO(good[len(seed) % len(good)])) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    struck = random.Random(seed).choice(sorted(members))
    members[struck] = mutate(list(members.values()), seed)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def fuzz(reader: str, first: int, inputs: int, folder: Path, apart: bool = False) -> Counter[str]:
    """Read `inputs` damaged files, and count what became of them.

    Parquet files are tried in a process of their own only if `apart`: that takes half a second.
    """
    name, read = READERS[reader]
    try_apart = frame_files._try_apart
    if not apart:
        frame_files._try_apart = lambda path: None
    try:
        return _fuzz(reader, read, first, inputs, folder / name)
    finally:
        frame_files._try_apart = try_apart


def _fuzz(
    reader: str, read: Callable[[Path], Any], first: int, inputs: int, path: Path
) -> Counter[str]:
    folder = path.parent
    at = folder / "at"
    if reader == "idx":
        labels = bytes([0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 0, 1, 2])
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    good = good_files(reader)
    path.write_bytes(good[0])
    read(path)  # what libraries take once is no growth
    memory = _peak()
    counts: Counter[str] = Counter()
    for number in range(first, first + inputs):
        content = damaged(reader, good, f"{reader} {number}")
        path.write_bytes(content)
        at.write_text(str(number))
        started = time.process_time()  # its own: the machine may be busy
        signal.alarm(100 * SECONDS)  # by the clock: for what waits for ever
        try:
            read(path)
            counts["data"] += 1
        except DanqingError as error:
            message = str(error)
            plain = str(path) in message or (reader == "idx" and str(folder) in message)
            counts["plain error" if plain and "\n" not in message else "FAILURE: message"] += 1
            if not (plain and "\n" not in message):
                print(f"{reader} {number}: {message}", file=sys.stderr)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            counts[f"FAILURE: {type(error).__name__}"] += 1
            print(f"{reader} {number}: {type(error).__name__}: {error}", file=sys.stderr)
        signal.alarm(0)
        if time.process_time() - started > SECONDS:
            counts["FAILURE: slow"] += 1
            print(f"{reader} {number}: slow", file=sys.stderr)
        if _peak() - memory > MEMORY:
            counts["FAILURE: memory"] += 1
            print(f"{reader} {number}: {(_peak() - memory) / 2**20:.0f} MiB", file=sys.stderr)
            memory = _peak()
    return counts


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _fuzz_apart(reader: str, first: int, inputs: int) -> Counter[str]:
    """Fuzz in another process, and go on after the input that killed it, if one did."""
    counts: Counter[str] = Counter()
    end = first + inputs
    with tempfile.TemporaryDirectory() as folder:
        while first < end:
            count = min(5000, end - first)
            call = [sys.executable, "-m", "benchmarks.fuzz_tables", "--child", folder,
                    "--reader", reader, "--first", str(first), "--inputs", str(count)]  # fmt: skip
            done = subprocess.run(call, capture_output=True, check=False)
            lines = done.stderr.decode(errors="replace").splitlines()
            print(*(line for line in lines if line.startswith(reader)), sep="\n", end="")
            if done.returncode == 0:
                counts.update(json.loads(done.stdout))
                first += count
                continue
            killer = int((Path(folder) / "at").read_text())
            before = subprocess.run(
                [*call[:-1], str(killer - first)], capture_output=True, check=True
            )
            counts.update(json.loads(before.stdout))
            # What ends the process must be told plainly when it is read as users' files are.
            call[-3], call[-1] = str(killer), "1"
            alone = subprocess.run([*call, "--apart"], capture_output=True, check=False)
            if alone.returncode == 0:
                counts.update(json.loads(alone.stdout))
                counts["of these, ends of the trial process"] += 1
            else:
                counts[f"FAILURE: ended with {alone.returncode}"] += 1
            print(f"{reader} {killer}: ended with {done.returncode}")
            first = killer + 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--reader", choices=list(READERS))
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--child", type=Path)
    parser.add_argument("--apart", action="store_true")
    call = parser.parse_args()
    if call.child:
        print(json.dumps(fuzz(call.reader, call.first, call.inputs, call.child, call.apart)))
        return
    failed = False
    for reader in [call.reader] if call.reader else READERS:
        started = time.perf_counter()
        counts = _fuzz_apart(reader, call.first, call.inputs)
        took = time.perf_counter() - started
        print(f"{reader}: {call.inputs:,} inputs in {took:.0f} s: {dict(sorted(counts.items()))}")
        failed |= any(word.startswith("FAILURE") for word in counts)
    sys.exit(failed)


if __name__ == "__main__":
    main()
