"""Event logs for TensorBoard, a row of history at a time. Knows no training.

TensorFlow writes them itself; only the viewer is a package of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from danqing.networks.backend import tf

__all__ = ["EventLog"]


class EventLog:
    """Writes scalars into a folder that `tensorboard --logdir` shows.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> EventLog(folder).write({"epoch": 1, "loss": 0.5})
    >>> len(list(folder.glob("events.out.tfevents.*")))
    1
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        # As `tf.summary.scalar` writes them; that needs the viewer's package.
        self._kind: Any = tf.compat.v1.SummaryMetadata(
            plugin_data={"plugin_name": "scalars"}, data_class=1
        )

    def write(self, row: dict[str, float]) -> None:
        """Write a row of history as scalars of its epoch."""
        with self._writer.as_default(step=int(row["epoch"])):
            for name, value in row.items():
                if name != "epoch":
                    tf.summary.write(name, tf.constant(value, tf.float32), metadata=self._kind)
        self._writer.flush()
