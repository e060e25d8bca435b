"""How long `danqing predict` takes for one picture, from start to answer, in a process of its own.

    danqing train --network tiny --out runs/tiny && python -m benchmarks.predict --run runs/tiny

In turn with `python -c "import numpy, onnxruntime, PIL, typer"`, without which nothing can be
predicted: wall-clock time, and the processor's time, which is the same on a busy machine. Medians
of the pairs' ratios. It writes results/predict.json.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.record import write
from danqing import load_data

IMPORTS = "import numpy, onnxruntime, PIL, typer"


def seconds_of(*words: str) -> tuple[float, float]:
    """Call Python; give the wall-clock time and the processor's."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "seven.png"
        Image.fromarray(load_data("mnist").x_test[0, ..., 0]).save(picture)
        predict = ("-m", "danqing", "predict", str(options.run), str(picture))
        seconds_of(*predict)  # writes bytecode
        pairs = [(seconds_of(*predict), seconds_of("-c", IMPORTS)) for _ in range(options.pairs)]
    figures = {
        name: {
            "predict": round(median(one[place] for one, _ in pairs), 3),
            "imports": round(median(other[place] for _, other in pairs), 3),
            "ratio": round(median(one[place] / other[place] for one, other in pairs), 2),
        }
        for place, name in enumerate(("wall_clock", "processor_time"))
    }
    for name, found in figures.items():
        print(f"{name}: {found['predict']:.3f} against {found['imports']:.3f}: {found['ratio']}")
    write("predict", {"pairs": options.pairs, **figures})


if __name__ == "__main__":
    main()
