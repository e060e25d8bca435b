"""Run folders -> Runs, bundles -> Predictors. Knows no training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from danqing.api.arguments import checked_path
from danqing.api.run import Run
from danqing.runs import listing, run_folder

if TYPE_CHECKING:
    from danqing.prediction.predictor import Predictor

__all__ = ["list_runs", "load_bundle", "load_run"]


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
    return Run(run_folder.load_run(checked_path(folder, "run")))


def load_bundle(path: str | Path) -> Predictor:
    """Open a bundle, NAME.danqing, to predict with; needs no TensorFlow.

    Parameters
    ----------
    path : path

    Returns
    -------
    Predictor
        With `predict`, `predict_proba` and `predictions`, which take what a `Run`'s do.

    Raises
    ------
    BundleError
        If there is no such file, or it is damaged, of another format, or no bundle.

    Examples
    --------
    >>> import danqing
    >>> danqing.load_bundle("nowhere.danqing")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    danqing.errors.BundleNotFound: bundle nowhere.danqing: there is no such file; ...
    """
    from danqing.prediction.bundles.bundle import read_bundle
    from danqing.prediction.predictor import Predictor

    return Predictor(read_bundle(path))


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
    return [Run(files) for files in listing.list_runs(checked_path(folder, "folder"))]
