"""How long a textbook takes to open, and how much it weighs. Needs Chromium.

    danqing textbook runs/fast && python -m benchmarks.opening --run runs/fast

The whole of a headless Chromium's life with the page: start, load, the scripts that fill the first
chapters, and giving back what they made; less the same with an empty page, in turn, medians. The
rest of the chapters is filled while the reader reads. It writes results/opening.json.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.record import write


def seconds_to_open(page: Path, folder: Path) -> float:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("No Chromium found: install chromium to measure this.")
    command = [
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'browser'}"),
        page.resolve().as_uri(),
    ]
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    page = options.run / "textbook.html"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty.html"
        empty.write_text("<!DOCTYPE html><title>empty</title>")
        seconds_to_open(empty, folder)  # makes the browser's own folder
        pairs = [
            (seconds_to_open(page, folder), seconds_to_open(empty, folder))
            for _ in range(options.rounds)
        ]
    seconds = median(one for one, _ in pairs) - median(other for _, other in pairs)
    megabytes = page.stat().st_size / 1e6
    print(f"{page}: {seconds:.2f} s more than an empty page, {megabytes:.2f} MB")
    write("opening", {"seconds": round(seconds, 3), "megabytes": megabytes, "pairs": pairs})


if __name__ == "__main__":
    main()
