"""Predicting beside what it can't be faster than: the bare ONNX Runtime session; and beside Keras.

    danqing train --out runs/fast && danqing export runs/fast --out fast.danqing
    python -m benchmarks.predict_many --bundle fast.danqing --keras runs/fast

One array in process: medians of single calls, in turn with the session alone. A folder of 28x28 PNG
files: pictures per second of the clock and of the processors, and the most memory that a process
took; then the same folder again, killed ten times (kill -9) and resumed: the very file. With a run,
from the start of a process to the prediction of one picture, in turn with the same through Keras.
It writes results/predict_many.json.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.record import write
from danqing import load_bundle, load_data

KILLS = 10
KERAS = """
import sys
import numpy as np
from PIL import Image
from danqing.networks.architecture import Architecture
from danqing.networks.build import build, load_tensors
from danqing.runs.run_folder import RunFolder
run = RunFolder(sys.argv[1])
model = build(Architecture.from_json(run.network), run.preparation)
load_tensors(model, run.tensors)
picture = np.asarray(Image.open(sys.argv[2]), np.float32)[None, ..., None]
print(int(np.asarray(model(picture, training=False)).argmax()))
"""


def seconds_of(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_process(bundle: Path, calls: int) -> dict[str, float]:
    """Time single predictions of an array, in microseconds."""
    predictor, picture = load_bundle(bundle), load_data("mnist").x_test[:1]
    session, plain = predictor._session._session, picture.astype(np.float32)
    ways: dict[str, Callable[[], Any]] = {
        "session": lambda: session.run(None, {"examples": plain}),
        "predict_proba": lambda: predictor.predict_proba(picture),
        "predict": lambda: predictor.predict(picture),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(calls):
        for name, way in ways.items():
            found[name].append(seconds_of(way))
    return {name: round(1e6 * median(seconds), 1) for name, seconds in found.items()}


def folder(bundle: Path, count: int, workers: int) -> dict[str, float]:
    """Predict a folder of pictures; give pictures per second and megabytes of memory."""
    pictures = load_data("mnist").x_test
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "pictures"
        for number in range(count):
            one = place / f"{number // 1000:04}"
            one.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pictures[number % len(pictures), ..., 0]).save(one / f"{number}.png")
        command = [
            *(sys.executable, "-m", "danqing", "predict", str(bundle), str(place)),
            *("--workers", str(workers), "--out", str(Path(name) / "out.txt")),
        ]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = seconds_of(lambda: subprocess.run(command, check=True, capture_output=True))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = (Path(name) / "out.txt").read_bytes()
        assert len(whole.splitlines()) == count
        again = [*command[:-1], str(Path(name) / "again.txt"), "--resume"]
        kills = kill_and_resume(again, seconds)
        assert (Path(name) / "again.txt").read_bytes() == whole
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "pictures": count,
        "per_second": round(count / seconds),
        "per_processor_second": round(count / spent),  # the same on a busy machine
        "megabytes": round(most),
        "kills_survived": kills,
    }


def kill_and_resume(command: list[str], seconds: float) -> int:
    """Kill a command that takes so many seconds, again and again; then let it finish."""
    rng = np.random.default_rng(0)
    killed = 0
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
            time.sleep(rng.uniform(0.3, 2 * seconds / KILLS + 0.5))
            killed += one.poll() is None
            one.kill()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    return killed


def cold(run: Path, bundle: Path, pairs: int) -> dict[str, float]:
    """Time a process that predicts one picture, by ONNX Runtime and by Keras."""
    with tempfile.TemporaryDirectory() as name:
        picture = str(Path(name) / "seven.png")
        Image.fromarray(load_data("mnist").x_test[0, ..., 0]).save(picture)
        ours = [sys.executable, "-m", "danqing", "predict", str(bundle), picture]
        theirs = [sys.executable, "-c", KERAS, str(run), picture]
        found = [
            tuple(
                seconds_of(lambda c=c: subprocess.run(c, check=True, capture_output=True))  # type: ignore[misc]
                for c in (ours, theirs)
            )
            for _ in range(pairs)
        ]
    return {
        "danqing": round(median(one for one, _ in found), 3),
        "keras": round(median(other for _, other in found), 3),
        "ratio": round(median(other / one for one, other in found), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--keras", type=Path)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    figures: dict[str, Any] = {"microseconds": in_process(options.bundle, options.calls)}
    print(figures["microseconds"])
    figures["folder"] = folder(options.bundle, options.pictures, options.workers)
    print(figures["folder"])
    if options.keras:
        figures["cold"] = cold(options.keras, options.bundle, options.pairs)
        print(figures["cold"])
    write("predict_many", figures)


if __name__ == "__main__":
    main()
