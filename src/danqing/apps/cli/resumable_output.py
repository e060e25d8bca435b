"""A file that grows by whole jobs, and goes on where a killed process left it.

Beside FILE there is FILE.progress while it grows: how many jobs are in it and how many bytes they
take. What was written beyond is cut off and done again, so that no line is lost or repeated. Knows
no predictions.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from danqing.atomic_file import AtomicFile
from danqing.errors import RecipeError, RunError
from danqing.runs.path_lock import PathIsLocked, path_lock

__all__ = ["ResumableOutput"]

_SECONDS = 1.0  # between two notes of progress


class ResumableOutput:
    """The output of a sequence of jobs.

    Parameters
    ----------
    path : Path
    identity : str
        Of the jobs: others can't continue the file.
    resume : bool
        Continue the file if there is one.

    Attributes
    ----------
    jobs : int
        How many are in the file already.
    failed : bool
        Whether one of them failed in part.
    finished : bool
        Whether there is nothing left to do.

    Raises
    ------
    RunError
        If the file exists and isn't to be continued, belongs to other jobs, or can't be written.
    """

    def __init__(self, path: Path, identity: str, *, resume: bool) -> None:
        if path.is_dir():
            raise RunError(f"{path}: is a folder; name a file in it")
        self._path, self._identity = path, identity
        self._held = ExitStack()  # of the lock
        self._progress = path.with_name(f"{path.name}.progress")
        self.jobs, self.failed, self.finished = 0, False, False
        known = self._known() if resume else None
        if known is None and path.exists():
            if not resume:
                raise RunError(
                    f"{path}: exists already, and nothing is overwritten; choose another --out, or "
                    "add --resume if it was interrupted"
                )
            self.finished = True
            return
        if not path.parent.is_dir():
            raise RunError(f"{path}: there is no folder {path.parent}; make it first")
        end = 0
        if known is not None:
            self.jobs, self.failed, end = known["jobs"], known["failed"], known["bytes"]
        try:
            if known is None:
                self._note(0)  # before the file: one without it is finished
            self._file = path.open("r+b" if path.exists() else "xb")
            self._lock()
            if os.fstat(self._file.fileno()).st_size < end:
                raise RunError(f"{path}: is shorter than {self._progress.name} says; remove both")
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise self._unwritable(error) from None
        self._noted = time.monotonic()

    def write(self, text: str) -> None:
        """Write a job's lines, or what comes before the first."""
        try:
            self._file.write(text.encode(errors="surrogatepass"))
        except OSError as error:
            raise self._unwritable(error) from None

    def done(self, *, failed: bool) -> None:
        """Count a job whose lines are written."""
        self.jobs += 1
        self.failed = self.failed or failed
        if time.monotonic() - self._noted >= _SECONDS:
            self.save()
            self._noted = time.monotonic()

    def save(self) -> None:
        """Make sure that what is written so far is kept."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._note(self._file.tell())
        except OSError as error:
            raise self._unwritable(error) from None

    def leave(self) -> None:
        """Keep what is written, to be continued."""
        self.save()
        self._file.close()
        self._held.close()

    def close(self) -> None:
        """Keep the whole file; there is nothing to continue any more."""
        self.leave()
        self._progress.unlink(missing_ok=True)

    def _note(self, end: int) -> None:
        plain = {"identity": self._identity, "jobs": self.jobs, "bytes": end, "failed": self.failed}
        with AtomicFile(self._progress) as file:
            file.write(json.dumps(plain).encode())

    def _known(self) -> dict[str, Any] | None:
        try:
            plain: dict[str, Any] = json.loads(self._progress.read_bytes())
            identity = plain["identity"]
            known = {"jobs": int(plain["jobs"]), "bytes": int(plain["bytes"])}
            known["failed"] = bool(plain["failed"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            raise RunError(f"{self._progress}: is damaged; remove it and {self._path}") from None
        if identity != self._identity:
            raise RecipeError(
                f"{self._path}: was begun by another call: network, options or files differ. "
                "Repeat that call, or choose another --out"
            )
        return known

    def _lock(self) -> None:
        """Refuse to write beside another process."""
        try:
            self._held.enter_context(path_lock(self._path))
        except PathIsLocked:
            raise RunError(
                f"{self._path}: another process is writing it; wait for its end"
            ) from None

    def _unwritable(self, error: OSError) -> RunError:
        reason = error.strerror or error
        return RunError(f"{self._path}: can't be written ({reason}); choose another --out")
