"""history.csv: a line per epoch. Knows the file, and nothing else of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from danqing.errors import RunError
from danqing.runs.files import write_file

__all__ = ["read_history", "write_history"]


def read_history(path: Path) -> list[dict[str, float]]:
    """Read a dict per epoch; none if there is no file yet.

    Raises
    ------
    RunError
        If it is damaged.
    """
    import csv  # not for a prediction
    import io

    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
        return [{name: float(value) for name, value in row.items()} for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        raise RunError(f"{path}: is damaged; train again") from None


def write_history(path: Path, rows: Iterable[Mapping[str, float]]) -> None:
    """Write a line per epoch; no file if there are none."""
    import csv
    import io

    rows = list(rows)
    if not rows:
        return
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_file(path, text.getvalue().encode())
