"""Which cores this process may use, and how many threads TensorFlow's operations run on.

Both apply to the whole process, so whoever owns it decides. Knows no network.
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
    """Restrict this process, and all that it starts, to so many cores.

    The idlest are chosen, so that two trainings on one core each don't share it. Must be called
    before libraries start their threads. Where processes can't be pinned to cores, only
    TensorFlow's threads are limited.

    Raises
    ------
    RecipeError
        If the machine has fewer.
    """
    most = os.cpu_count() or 1
    if not 1 <= count <= most:
        raise RecipeError(f"cores: expected 1 to {most}, the cores of this machine, not {count}")
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        busy = _busyness()
        os.sched_setaffinity(0, sorted(allowed, key=lambda core: busy.get(core, 0))[:count])
    os.environ[_THREADS] = os.environ["TF_NUM_INTEROP_THREADS"] = str(count)


def _busyness() -> dict[int, int]:
    """Measure each core's load over a tenth of a second, from Linux' counters."""
    before = _worked()
    time.sleep(0.1)
    return {core: worked - before.get(core, 0) for core, worked in _worked().items()}


def _worked() -> dict[int, int]:
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    cores = [line.split() for line in lines if line[:3] == "cpu" and line[3].isdigit()]
    # The fourth and fifth numbers count idle time, and waiting for a disk.
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
    """Choose the threads per operation: all cores with convolutions, otherwise one.

    A step of a dense network takes a fifth of a millisecond: handing work to a second thread costs
    more than it saves (docs/log.md: an epoch takes half the time with one thread).
    """
    return int(os.environ.get(_THREADS) or cores()) if convolutional else 1


def use_threads(count: int) -> None:
    """Set the threads per operation; only possible before TensorFlow's first operation.

    The last bits of sums depend on it.
    """
    from danqing.networks.backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(count)


def threads_in_use() -> int:
    """How many threads an operation runs on."""
    from danqing.networks.backend import tf

    return int(tf.config.threading.get_intra_op_parallelism_threads()) or cores()
