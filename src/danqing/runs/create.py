"""The folder of a run before anything is in it: created, reopened, locked by one process.

Knows nothing of what is written there.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from danqing.errors import RecipeError, RunError
from danqing.runs.path_lock import PathIsLocked, path_lock
from danqing.runs.portable_name import portable_name
from danqing.runs.rows import ROWS_FILE
from danqing.runs.run_folder import FORMAT, RunFolder

__all__ = ["create_folder", "lock_folder", "open_run", "remove_if_nothing_learned", "reopen_folder"]

_TEMPORARY = re.compile(r"\..+\.\d+")  # as `AtomicFile` names them
_FIRST_FILES = {ROWS_FILE, "data.json", "network.json"}  # written before config.json


@contextmanager
def open_run(out: str | Path | None, name: str, *, resume: bool) -> Iterator[RunFolder]:
    """Open the folder of a new run, or of one to resume, for this process alone.

    Parameters
    ----------
    out : path, optional
        Needed to resume.
    name : str
        Of the folder, after the time, where `out` is not given.
    resume : bool
        Open the folder if there is one.

    Raises
    ------
    RecipeError
        If there is no folder named to resume.
    RunError
        If the folder exists, or to resume holds something else, or another process trains in it.
    """
    if resume and out is None:
        raise RecipeError("resume: needs the folder of the run to resume; name it by --out")
    folder = reopen_folder(out) if resume and out is not None else create_folder(out, name)
    with lock_folder(folder):
        yield RunFolder(folder)


def create_folder(out: str | Path | None, name: str) -> Path:
    """Create the folder of a new run: `out`, or ``runs/<time>-<name>`` if that is None.

    Raises
    ------
    RunError
        If it exists already, as nothing is overwritten, or can't be made.
    """
    if out is None:
        base = Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{portable_name(name)}"
        tries = [base, *(base.with_name(f"{base.name}-{number}") for number in range(2, 100))]
    else:
        tries = [Path(out)]
    for folder in tries:
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(
                f"folder {folder}: can't be made ({error.strerror}); choose another --out"
            ) from None
        except ValueError:
            raise RunError(f"folder {str(folder)!r}: no name of a file; choose another") from None
    raise RunError(
        f"folder {tries[0]}: exists already, and nothing is overwritten; choose another --out, or "
        "add --resume if a training was interrupted in it"
    )


def reopen_folder(out: str | Path) -> Path:
    """Open the folder of a run to resume, or create it if there is none.

    Raises
    ------
    RunError
        If the folder is no run, or one of an older format, which can't be resumed.
    """
    folder = Path(out)
    if not folder.exists():
        return create_folder(folder, "")
    run = RunFolder(folder)
    if run.begun:
        if run.format < FORMAT:
            raise RunError(
                f"run {folder}: has format {run.format}, whose training can't be resumed by this "
                "danqing; finish it with danqing 0.1.0, or train again with another --out"
            )
    else:
        # A training that was killed at its very start leaves less than that.
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
        if any(name not in _FIRST_FILES and not _TEMPORARY.fullmatch(name) for name in names):
            raise RunError(
                f"folder {folder}: is not a run folder, it has no config.json; choose another --out"
            )
    return folder


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes from training in a folder until the block ends.

    Files that a killed process left half-written are removed.

    Raises
    ------
    RunError
        If another process is training there.
    """
    try:
        with path_lock(folder):
            for place in (folder, folder / "checkpoints"):
                for path in place.glob(".*"):
                    if _TEMPORARY.fullmatch(path.name):
                        path.unlink(missing_ok=True)
            yield
    except PathIsLocked:
        raise RunError(
            f"folder {folder}: another process is training in it; wait for its end, or stop it"
        ) from None


def remove_if_nothing_learned(run: RunFolder) -> bool:
    """Remove what a training wrote, unless there is anything learned; say whether it did."""
    learned = ("weights.safetensors", "history.csv", "checkpoints")
    if any((run.folder / name).exists() for name in learned):
        return False
    for name in ("config.json", *_FIRST_FILES):
        (run.folder / name).unlink(missing_ok=True)
    shutil.rmtree(run.event_logs, ignore_errors=True)
    with suppress(OSError):  # others' files stay, and with them the folder
        run.folder.rmdir()
    return True
