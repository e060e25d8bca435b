"""How quickly a folder of pictures is read: our first load, our second, and Keras' reader.

    python -m benchmarks.reading [--files 20000] [--rounds 3]
    python -m benchmarks.reading --large [--files 200000]

The folder holds MNIST's digits as 28x28 files, PNG and JPEG in turn, in ten class folders. Keras
reads it through once, by ``image_dataset_from_directory``, in grey, 128 a batch. Each way runs in
a process of its own, in turn, after the files were written, so all find them in the memory of the
system; the clock leaves out imports. The table holds medians.

With --large: pictures of 64x64 pixels in colour, and how much more memory a process takes that
loads them and reads through them by batches, or trains on them for an epoch, than one that only
imports the same.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from benchmarks.apart import measured_apart
from benchmarks.record import write
from danqing.data.catalog.mnist import load_mnist
from danqing.data.images.load_images import load_images

CLASSES = 10


def make_digits(folder: Path, files: int) -> None:
    mnist = load_mnist()
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(files):
        kind = ("png", "jpg")[number % 2]
        place = folder / str(mnist.y_train[number]) / f"{number:06}.{kind}"
        Image.fromarray(mnist.x_train[number, ..., 0]).save(place)


def make_colours(folder: Path, files: int) -> None:
    """Write pictures that are all different, and compress as photographs do."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(files):
        coarse = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
        image.save(folder / str(number % CLASSES) / f"{number:06}.jpg")


def with_danqing(folder: Path) -> float:
    began = time.perf_counter()
    load_images(folder)
    return time.perf_counter() - began


def with_keras(folder: Path) -> float:
    import keras

    began = time.perf_counter()
    batches = keras.utils.image_dataset_from_directory(
        folder,
        color_mode="grayscale",
        image_size=(28, 28),
        batch_size=128,
        shuffle=False,
        verbose=False,
    )
    sum(len(y) for _, y in batches)
    return time.perf_counter() - began


def memory(folder: Path, way: str) -> int:
    """Give the largest memory in bytes of this process, and as much as two of its helpers took."""
    if way == "reading":
        x = load_images(folder).x_train
        for start in range(0, len(x), 128):
            x[start : start + 128].mean()
    if way in ("libraries", "training"):
        import onnxruntime  # noqa: F401
        import sklearn.metrics
        import sklearn.model_selection  # noqa: F401

        import danqing.training.loop.loop  # noqa: F401
    if way == "training":
        from danqing import Recipe
        from danqing.training.train import train

        recipe = Recipe(network="conv(8,8,8)-batchnorm-relu-dense(32)", epochs=1)
        train(load_images(folder), recipe, folder.parent / "run")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * (own + 2 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def in_a_process(way: str, folder: Path, cache: Path) -> float:
    return float(measured_apart("reading", "--one", way, str(folder), DANQING_CACHE=str(cache)))


def speed(place: Path, files: int, rounds: int) -> None:
    folder = place / "digits"
    make_digits(folder, files)
    found: dict[str, list[float]] = {"first load": [], "second load": [], "keras": []}
    for number in range(rounds):
        found["keras"].append(in_a_process("keras", folder, place))
        for way in ("first load", "second load"):
            found[way].append(in_a_process("danqing", folder, place / f"cache{number}"))
    print(f"| {files:,} files of 28x28 pixels | seconds | files a second |")
    print("| --- | ---: | ---: |")
    for way, seconds in found.items():
        print(f"| {way} | {median(seconds):.2f} | {files / median(seconds):,.0f} |")
    write("reading", {"files": files, "seconds": found})


def large(place: Path, files: int) -> None:
    folder = place / "colours"
    make_colours(folder, files)
    found = {}
    print(f"| {files:,} pictures of 64x64x3 | peak memory beyond imports, MiB |")
    print("| --- | ---: |")
    for title, way, base in (
        ("first load", "reading", "nothing"),
        ("second load", "reading", "nothing"),
        ("training", "training", "libraries"),
    ):
        more = in_a_process(way, folder, place / "cache")
        found[title] = more - in_a_process(base, folder, place / "cache")
        print(f"| {title} | {found[title] / 2**20:,.0f} |", flush=True)
    write("reading_large", {"files": files, "bytes": found})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, folder = options.one[0], Path(options.one[1])
        ways = {"danqing": with_danqing, "keras": with_keras}
        print(json.dumps(ways[way](folder) if way in ways else memory(folder, way)))
        return
    with tempfile.TemporaryDirectory() as place:
        if options.large:
            large(Path(place), options.files or 200_000)
        else:
            speed(Path(place), options.files or 20_000, options.rounds)


if __name__ == "__main__":
    main()
