"""Run: what a training leaves, as Python users hold it. Knows no training loop and no page.

Predicting needs no TensorFlow; explaining does, and loads it then.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from danqing.api.arguments import checked_path
from danqing.api.exports import Exports
from danqing.api.other_data import load_for
from danqing.runs.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from danqing.data.dataset import Dataset
    from danqing.explanation.results import ExplanationSet
    from danqing.prediction.predictor import Predictor

__all__ = ["Run"]


class Run(Exports):
    """A run folder and the network in it; `train`, `load_run` and `list_runs` give one.

    An estimator's `run_` is one, too, in memory: it has no folder until it is saved.

    Parameters
    ----------
    files : RunFolder

    Examples
    --------
    >>> import tempfile, danqing
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> run = danqing.train("iris", out=folder, network="dense(16)", epochs=5)
    >>> run.finished, run.metrics["test"]["n"], len(run.history)
    (True, 30, 5)
    >>> run.predict([[5.1, 3.5, 1.4, 0.2]]).tolist()
    ['setosa']
    """

    def __init__(self, files: RunFolder) -> None:
        self._files = files

    def __repr__(self) -> str:
        return "Run(in memory)" if self.folder is None else f"Run({str(self.folder)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"_files": self._files}  # an opened network can't be pickled, and opens anew

    @property
    def folder(self) -> Path | None:
        """The run folder; None of a run in memory."""
        return None if self._files.in_memory else self._files.folder

    @property
    def config(self) -> dict[str, Any]:
        """All settings, the seed and versions."""
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
        """The classes as text, in the order of `predict_proba`'s columns; empty for regression."""
        return self._files.class_names

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes in the type trained on, in the order of `predict_proba`'s columns."""
        return self._predictor.classes

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether it predicts classes or numbers."""
        return self._files.task

    def predict(self, x: Any) -> NDArray[Any]:
        """Predict labels, or for regression numbers.

        Parameters
        ----------
        x : array, data frame, dict, list of dicts, PIL image, path, or a sequence of these
            Raw examples, read as the training data were. Rows: an array with the columns of
            training in their order; a frame, dicts, or a CSV or Parquet file, whose columns are
            found by name. Pictures: files, PIL images, or arrays of shape (h, w), (h, w, c),
            (n, h, w) or (n, h, w, c), in the scale of the training pictures.

        Returns
        -------
        ndarray, shape (n,)
            Labels of the type trained on; float64 for regression.

        Raises
        ------
        SourceError
            If columns are missing, or a file can't be read.
        PictureError
            If a file isn't a picture, or pixels have a scale that can't be the training's.
        RunError
            If the run has no trained network.
        """
        return self._predictor.predict(x)

    def predict_proba(self, x: Any) -> NDArray[np.float32]:
        """Predict the probability of each class, shape (n, classes), ordered as `classes_`.

        Takes what `predict` takes, and raises what it raises; for regression a `RunError`.
        """
        return self._predictor.predict_proba(x)

    def predictions(
        self, x: Any, names: Sequence[str] = (), *, risk: float = 0.01
    ) -> list[dict[str, Any]]:
        """Predict as ``danqing predict --json`` prints it: a dict for each example.

        Takes what `predict` takes; `names` are what to call the examples, `risk` is the highest
        acceptable error rate of the predictions that aren't marked as unsure.
        """
        return self._predictor.predictions(x, names, risk=risk)

    def evaluate(self, source: Any = None) -> dict[str, Any]:
        """Evaluate the run on its test set, or on other data.

        Parameters
        ----------
        source : Dataset, or whatever `danqing.load_data` takes, optional
            The run's own data if not given. Of other data, the test set, or all if it has none.

        Returns
        -------
        dict
            ``test`` and, for the run's own data, ``validation``, each with ``n``, ``loss``,
            ``accuracy`` and more; for regression ``r2``, ``mae`` and ``mse`` in its place.

        Raises
        ------
        RunError
            If the run's own data have changed, were in memory and aren't given, or other data
            don't suit the run.
        SourceError
            If the data can't be read.

        Examples
        --------
        >>> import tempfile, danqing
        >>> folder = tempfile.mkdtemp() + "/run"
        >>> run = danqing.train("iris", out=folder, network="dense(16)", epochs=5)
        >>> run.evaluate()["test"] == run.metrics["test"]
        True
        """
        from danqing.evaluation.evaluate import evaluate

        return evaluate(self._files, None if source is None else load_for(self._files, source))

    def explain(
        self,
        examples: Any = None,
        *,
        names: Sequence[str] = (),
        method: str | None = None,
        target: str | None = None,
        dataset: Dataset | str | Path | None = None,
    ) -> ExplanationSet:
        """Explain predictions, each attribution map with its sanity checks.

        Parameters
        ----------
        examples : optional
            As for `predict`; a few examples of the run's test set if not given.
        names : sequence of str
            What to call the examples.
        method : str, optional
            ``integrated-gradients``, ``gradient``, ``smoothgrad``, ``grad-cam`` or ``occlusion``;
            all that suit the network if not given.
        target : str, optional
            The class to explain, which is also the counterfactual's. If not given, the prediction
            is explained and the counterfactual is of the runner-up.
        dataset : Dataset or path, optional
            The run's own data, if they were in memory, or where they are now, if they have moved.

        Returns
        -------
        ExplanationSet

        Raises
        ------
        RecipeError
            If method or target is unknown.
        RunError, SourceError
            If no examples are given and its data are gone; or the run is damaged.
        """
        from danqing.explanation.explain import explain

        if examples is not None:
            examples, names = self._examples(examples, names)
        return explain(
            self._files, examples, names=names, method=method, target=target, dataset=dataset
        )

    def textbook(
        self, dataset: Dataset | str | Path | None = None, out: str | Path | None = None
    ) -> Path:
        """Write an interactive textbook about the run's network.

        Parameters
        ----------
        dataset : Dataset or path, optional
            As for `explain`.
        out : path, optional
            A new file; ``textbook.html`` in the run folder if not given.

        Returns
        -------
        Path

        Raises
        ------
        RunError
            If the run has no trained network, its data have changed, or `out` exists.
        """
        from danqing.explanation.textbook.write_textbook import write_textbook

        return write_textbook(
            self._files, dataset, checked_path(out, "out") if out is not None else None
        )

    def save(self, folder: str | Path) -> Run:
        """Copy the run to a new folder (or raise a `RunError`); give the copy."""
        return Run(self._files.save(checked_path(folder, "folder")))

    def _repr_html_(self) -> str:
        from danqing.api.display import run_html

        return run_html(self._files)

    def _examples(self, x: Any, names: Sequence[str]) -> tuple[Any, Sequence[str]]:
        """Read raw examples as `predict` does; files name themselves."""
        import numpy as np

        from danqing.data.table import concatenate_tables

        found = list(self._predictor.read(x))
        names = names or [name for inputs in found for name in inputs.names]
        each = [inputs.examples for inputs in found]
        if len(each) == 1:
            return each[0], names
        encoding = self._files.preparation.encoding
        if encoding is None:
            return np.concatenate(each), names
        return concatenate_tables([encoding.typed(table) for table in each]), names

    @cached_property
    def _predictor(self) -> Predictor:
        from danqing.prediction.predictor import Predictor

        return Predictor(self._files)
