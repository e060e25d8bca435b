"""Run folders -> Runs. Knows no training and no prediction."""

from __future__ import annotations

from pathlib import Path

from danqing.api.run import Run
from danqing.runs import listing, run_folder

__all__ = ["list_runs", "load_run"]


def load_run(folder: str | Path) -> Run:
    """Open a run folder.

    Parameters
    ----------
    folder : path

    Raises
    ------
    RunError
        If there is no such folder, or it is not a run.

    Examples
    --------
    >>> import danqing
    >>> danqing.load_run("runs/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    danqing.errors.RunNotFound: run runs/nowhere: there is no such folder; ...
    """
    return Run(run_folder.load_run(folder))


def list_runs(folder: str | Path = "runs") -> list[Run]:
    """List the runs in a folder: grouped by data, best validation score first.

    Parameters
    ----------
    folder : path

    Returns
    -------
    list of Run
        Damaged ones are left out with a warning.

    Examples
    --------
    >>> import tempfile, danqing
    >>> danqing.list_runs(tempfile.mkdtemp())
    []
    """
    return [Run(files) for files in listing.list_runs(folder)]
