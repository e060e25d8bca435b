"""Cores that this process may use, and threads that TensorFlow's operations use of them.

Both are for a whole process, so the one who owns the process decides. Knows no network.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from danqing.data.cache.workers import cores
from danqing.errors import RecipeError

__all__ = ["choose_threads", "limit_cores", "suitable_threads", "threads_in_use", "use_threads"]

_log = logging.getLogger("danqing")

_THREADS = "TF_NUM_INTRAOP_THREADS"  # TensorFlow's own variable


def limit_cores(count: int) -> None:
    """Keep this process, and all that it starts, to so many of its cores.

    The idlest ones, so that two trainings of one core each don't share it. To be called before
    libraries start their threads. Where the system pins no processes to cores, it only limits
    TensorFlow's threads.

    Raises
    ------
    RecipeError
        If the machine has not so many.
    """
    most = os.cpu_count() or 1
    if not 1 <= count <= most:
        raise RecipeError(f"cores: expected 1 to {most}, what this machine has, not {count}")
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        busy = _busyness()
        os.sched_setaffinity(0, sorted(allowed, key=lambda core: busy.get(core, 0))[:count])
    os.environ[_THREADS] = os.environ["TF_NUM_INTEROP_THREADS"] = str(count)


def _busyness() -> dict[int, int]:
    """Give how much each core has worked in a tenth of a second, as Linux tells it."""
    before = _worked()
    time.sleep(0.1)
    return {core: worked - before.get(core, 0) for core, worked in _worked().items()}


def _worked() -> dict[int, int]:
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    cores = [line.split() for line in lines if line[:3] == "cpu" and line[3].isdigit()]
    # The fourth and fifth numbers are of a core that is idle, or waits for a disk.
    return {int(c[0][3:]): sum(map(int, c[1:4])) + sum(map(int, c[6:9])) for c in cores}


def choose_threads(recorded: int | None, *, convolutional: bool, owns_process: bool) -> int:
    """Set the threads per operation if the process is ours, and return how many there are.

    Parameters
    ----------
    recorded : int, optional
        What a run to be resumed was started with: the last bits of sums depend on it.
    convolutional : bool
        Whether a step convolves.
    owns_process : bool
    """
    if owns_process:
        use_threads(recorded or suitable_threads(convolutional=convolutional))
    threads = threads_in_use()
    if recorded not in (None, threads):
        _log.warning(
            "the run was started with %s threads per operation and is resumed with %s: weights may "
            "differ in their last digits",
            recorded,
            threads,
        )
    return threads


def suitable_threads(*, convolutional: bool) -> int:
    """Give the number of threads an operation: with convolutions all cores, else one.

    A dense network's step takes a fifth of a millisecond: handing parts of it to a second thread
    costs more than they take (docs/log.md: half the time an epoch with one thread).
    """
    return int(os.environ.get(_THREADS) or cores()) if convolutional else 1


def use_threads(count: int) -> None:
    """Let each operation run on so many threads; only right before TensorFlow's first work.

    The last bits of a sum depend on it.
    """
    from danqing.networks.backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(count)


def threads_in_use() -> int:
    """Give the number of threads an operation runs on."""
    from danqing.networks.backend import tf

    return int(tf.config.threading.get_intra_op_parallelism_threads()) or cores()
