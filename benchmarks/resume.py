"""Whatever befalls a training, `--resume` reaches the very weights that it would have reached.

    python -m benchmarks.resume [--kills 50] [--seed 0]

Two short trainings by the command line, a dense network with dropout on MNIST and a convolutional
one on scikit-learn's digits, are begun anew and killed by SIGKILL at a random moment between the
start of the process and its end; every fifth one while a state is being written. Then the same
command with `--resume` brings them to their end. Moments after a training's end are no kills, and
don't count. So that short trainings have many states, one is written every 0.2 s here; everything
else is as users have it.

Then: the newest state is truncated; the disk is full (a small tmpfs, where it can be mounted)
until the process is killed, or until its end. "same" means bit-identical weights and equal figures
in all lines of the history. At last: the share of its time that `fast` on MNIST spends on states.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.record import write

JOBS = [
    ["mnist", "--network", "dense(64)-dropout(0.3)-dense(64)", "--epochs", "10"],
    ["digits", "--network", "conv(16,3)-batchnorm-relu-dropout(0.2)-dense(32)", "--epochs", "15"],
]
OFTEN = """
import sys
from danqing.training.loop import checkpoint_manager
checkpoint_manager._interval = lambda seconds: 0.2
from danqing.apps.cli.main import main
sys.argv[0] = "danqing"
main()
"""
TMPFS = "size=4m"


def begin(job: list[str], folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OFTEN, "train", *job, "--out", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(job: list[str], folder: Path) -> str:
    """Bring a training to its end; give what it said."""
    process = begin(job, folder, "--resume")
    said = process.communicate()[1]
    if process.returncode:
        raise SystemExit(f"resuming failed: {said}")
    return said


def result(folder: Path) -> tuple[bytes, list[dict[str, str]]]:
    with (folder / "history.csv").open() as file:
        lines = [{**line, "seconds": ""} for line in csv.DictReader(file)]
    return (folder / "weights.safetensors").read_bytes(), lines


def states(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoints/[0-9]*.safetensors"))


def wait_for_write(process: subprocess.Popen[str], folder: Path) -> bool:
    """Wait until a state is half-written."""
    while process.poll() is None:
        if any(folder.glob("checkpoints/.*")):
            return True
        time.sleep(0.0005)
    return False


def wait_for_states(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    while process.poll() is None and len(states(folder)) < count:
        time.sleep(0.01)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def kills(place: Path, count: int, seed: int) -> list[dict[str, Any]]:
    references = []
    for number, job in enumerate(JOBS):
        began = time.perf_counter()
        finish(job, place / f"whole{number}")
        references.append((result(place / f"whole{number}"), time.perf_counter() - began))
    rng = random.Random(seed)
    found: list[dict[str, Any]] = []
    for number in itertools.count():
        if sum(one["alive"] for one in found) == count:
            break
        job = JOBS[number % len(JOBS)]
        expected, duration = references[number % len(JOBS)]
        folder, writing = place / f"run{number}", number % 5 == 4
        process = begin(job, folder)
        moment = rng.uniform(0, duration)
        if writing:
            wait_for_states(process, folder, 1 + int(rng.uniform(0, 3)))
            wait_for_write(process, folder)
        else:
            time.sleep(moment)
        alive, kept = process.poll() is None, len(states(folder))
        half = any(folder.glob("checkpoints/.*"))
        kill(process)
        finish(job, folder)
        same = result(folder) == expected
        clean = not list(folder.rglob(".*")) and not (folder / "checkpoints").exists()
        found.append(
            {"alive": alive, "states": kept, "half_written": half, "same": same, "clean": clean}
        )
        print(f"kill {number + 1}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def truncated(place: Path) -> bool:
    job, folder = JOBS[0], place / "truncated"
    process = begin(job, folder)
    wait_for_states(process, folder, 2)
    kill(process)
    newest = states(folder)[-1]
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    said = finish(job, folder)
    return "is damaged" in said and result(folder) == result(place / "whole0")


@contextmanager
def small_disk(place: Path) -> Iterator[Path | None]:
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", TMPFS, "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    path = disk / "others"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def full_disk(place: Path) -> dict[str, Any]:
    """Fill the disk when there is a state; kill the process, or let it come to its end."""
    found: dict[str, Any] = {}
    with small_disk(place) as disk:
        if disk is None:
            return {"skipped": "no tmpfs can be mounted here"}
        for name in ("killed", "to the end"):
            folder = disk / name.replace(" ", "-")
            process = begin(JOBS[0], folder)
            wait_for_states(process, folder, 1)
            filler = fill(disk)
            if name == "killed":
                time.sleep(1)
                kill(process)
                status, lines = None, []
            else:
                said = process.communicate()[1]
                status = process.returncode
                lines = [line for line in said.splitlines() if "No space left" in line]
            filler.unlink()
            finish(JOBS[0], folder)
            found[name] = {
                "status": status,
                "said": lines,
                "same": result(folder) == result(place / "whole0"),
            }
            subprocess.run(["rm", "-r", str(folder)], check=True)
    return found


def overhead(place: Path, epochs: int) -> dict[str, float]:
    """Train `fast` on MNIST as users do; give the seconds of fitting, and those for states."""
    from danqing import Recipe, load_data
    from danqing.training.loop import checkpoint_manager
    from danqing.training.train import train

    kept: list[float] = []
    original = checkpoint_manager.CheckpointManager.save

    def timed(self: Any, loop: Any, *, now: bool = False) -> None:
        original(self, loop, now=now)
        kept[:] = [self.seconds]

    checkpoint_manager.CheckpointManager.save = timed  # type: ignore[method-assign]
    try:
        run = train(load_data("mnist"), Recipe(epochs=epochs), place / "overhead")
    finally:
        checkpoint_manager.CheckpointManager.save = original  # type: ignore[method-assign]
    return {"fit": run.metrics["seconds"]["fit"], "states": kept[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--epochs", type=int, default=2, help="of fast, for the overhead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        killed = kills(place, options.kills, options.seed)
        damaged, full = truncated(place), full_disk(place)
        spent = overhead(place, options.epochs)
    share = spent["states"] / spent["fit"]
    print("| what befell it | times | the same in the end |")
    print("| --- | ---: | ---: |")
    for words, chosen in (
        ("killed before the first state", [k for k in killed if k["alive"] and not k["states"]]),
        (
            "killed between states",
            [k for k in killed if k["alive"] and k["states"] and not k["half_written"]],
        ),
        ("killed while a state was half-written", [k for k in killed if k["half_written"]]),
        ("at its end already", [k for k in killed if not k["alive"]]),
    ):
        print(f"| {words} | {len(chosen)} | {sum(k['same'] and k['clean'] for k in chosen)} |")
    print(f"| newest state truncated | 1 | {int(damaged)} |")
    for words, entry in full.items():
        told = entry if isinstance(entry, str) else int(entry["same"])
        print(f"| full disk, {words} | 1 | {told} |")
    print(f"\nstates took {share:.2%} of the {spent['fit']:.0f} s that `fast` trained")
    write(
        "resume",
        {
            "kills": killed,
            "truncated": damaged,
            "full_disk": full,
            "overhead": spent,
            "share": share,
        },
    )


if __name__ == "__main__":
    main()
