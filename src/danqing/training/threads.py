"""How many threads TensorFlow's operations use. Knows no network."""

from __future__ import annotations

__all__ = ["use_one_thread"]


def use_one_thread() -> None:
    """Let each operation run on one thread; the time is right only before TensorFlow's first work.

    A dense network's step takes a fifth of a millisecond: handing parts of it to a second thread
    costs more than they take (docs/log.md: half the time an epoch with one thread). It is for a
    whole process, so the one who owns the process decides.
    """
    from danqing.networks.backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
