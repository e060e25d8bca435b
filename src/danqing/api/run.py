"""Run: a training's result as Python users hold it. Knows no training loop and no page.

Predicting needs no TensorFlow; explaining does, and loads it then.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from danqing.runs import listing, run_folder
from danqing.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from danqing.data.dataset import Dataset
    from danqing.explanation.results import ExplanationSet
    from danqing.prediction.predictor import Predictor

__all__ = ["Run", "list_runs", "load_run"]


class Run:
    """A run folder and the network in it.

    Parameters
    ----------
    folder : RunFolder

    Examples
    --------
    >>> import tempfile, danqing
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=1, batch_size=256)
    >>> data = danqing.load_data("mnist")
    >>> run = danqing.train(data, recipe, tempfile.mkdtemp() + "/run")
    >>> run.finished, run.metrics["test"]["n"], len(run.history)
    (True, 10000, 1)
    >>> run.predict(data.x_test[:2]).shape
    (2, 10)
    """

    def __init__(self, folder: RunFolder) -> None:
        self._files = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def folder(self) -> Path:
        """Where the run is kept."""
        return self._files.folder

    @property
    def config(self) -> dict[str, Any]:
        """Every setting, the seed, and versions."""
        return self._files.config

    @property
    def data(self) -> dict[str, Any]:
        """Where the data came from: fingerprint, counts, class names, the split."""
        return self._files.data

    @property
    def history(self) -> list[dict[str, float]]:
        """A dict per epoch, with the columns of ``history.csv``."""
        return self._files.history

    @property
    def finished(self) -> bool:
        """Whether training and evaluation completed."""
        return self._files.finished

    @property
    def metrics(self) -> dict[str, Any]:
        """Test and validation metrics, seconds and parameters of a finished run."""
        return self._files.metrics

    @property
    def class_names(self) -> list[str]:
        """What each column of `predict` stands for; empty for regression."""
        return self._files.class_names

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether it predicts classes or numbers."""
        return self._files.task

    def predict(self, examples: Any) -> NDArray[np.float32]:
        """Predict class probabilities, shape (n, classes), or for regression numbers, shape (n,).

        Parameters
        ----------
        examples : Table or ndarray
            As `danqing.prediction.predictor.Predictor.predict` takes them.

        Raises
        ------
        RunError, SourceError
            If the run holds no network, or the examples don't suit it.
        """
        return self._predictor.predict(examples)

    def evaluate(self, dataset: Dataset | None = None) -> dict[str, Any]:
        """Measure the run on its own data, or on another Dataset; see `danqing.evaluate`."""
        from danqing.evaluation.evaluate import evaluate

        return evaluate(self._files, dataset)

    def explain(
        self,
        examples: Any = None,
        *,
        names: Sequence[str] = (),
        method: str | None = None,
        target: str | None = None,
        dataset: Dataset | None = None,
    ) -> ExplanationSet:
        """Explain predictions; see `danqing.explanation.explain.explain`."""
        from danqing.explanation.explain import explain

        return explain(
            self._files, examples, names=names, method=method, target=target, dataset=dataset
        )

    def textbook(self, dataset: Dataset | None = None) -> Path:
        """Write ``textbook.html`` into the run's folder; give its path."""
        from danqing.explanation.textbook.write import write_textbook

        return write_textbook(self._files, dataset)

    @cached_property
    def _predictor(self) -> Predictor:
        from danqing.prediction.predictor import Predictor

        return Predictor(self._files)


def load_run(folder: str | Path) -> Run:
    """Open a run folder.

    Raises
    ------
    RunError
        If there is no such folder, or it is no run.
    """
    return Run(run_folder.load_run(folder))


def list_runs(folder: str | Path = "runs") -> list[Run]:
    """List the runs in a folder: grouped by data, best validation score first."""
    return [Run(one) for one in listing.list_runs(folder)]
