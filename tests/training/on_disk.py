"""Pictures that training streams, as if they were on a disk."""

from __future__ import annotations

from typing import Any


class OnDisk:
    """Pictures that are no ndarray, and count the rows of each read."""

    def __init__(self, pictures: Any) -> None:
        self._pictures, self.shape = pictures, pictures.shape
        self.reads: list[int] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, rows: Any) -> Any:
        taken = self._pictures[rows]
        self.reads.append(len(taken))
        return taken
