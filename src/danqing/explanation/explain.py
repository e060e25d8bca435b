"""A run + examples -> explanations with their sanity checks. Writes and draws nothing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from danqing.data.dataset import Dataset
from danqing.data.split import Splits
from danqing.errors import DanqingError, RecipeError, SourceError
from danqing.evaluation.own_data import own_splits
from danqing.explanation.attributions.load_network import load_network
from danqing.explanation.attributions.methods import METHODS, methods_for
from danqing.explanation.choose_examples import choose_examples
from danqing.explanation.explainer import Explainer, text_of
from danqing.explanation.importance import Importance, permutation_importance
from danqing.explanation.results import ExplanationSet
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["explain"]

_IMPORTANCE_ROWS = 2000


def explain(
    run: RunFolder,
    examples: Any = None,
    *,
    names: Sequence[str] = (),
    method: str | None = None,
    target: str | None = None,
    dataset: Dataset | str | Path | None = None,
) -> ExplanationSet:
    """Explain a run's predictions for some examples; every map comes with its sanity checks.

    Parameters
    ----------
    run : RunFolder
    examples : Table or ndarray, optional
        Raw rows; or pictures, shape (n, height, width, channels), from 0 to 255. If not given,
        a few of the run's own test set: correct predictions and the worst mistake.
    names : sequence of str
        Names of the examples.
    method : str, optional
        One of `danqing.explanation.attributions.methods.METHODS`; if not given, all that suit the
        network.
    target : str, optional
        The class whose score is explained, and the counterfactual's class. If not given, that is
        the predicted class, and the second most probable one for the counterfactual.
    dataset : Dataset or path, optional
        The run's own data, if they were in memory, or where they are now, if they have moved.

    Returns
    -------
    ExplanationSet

    Raises
    ------
    RecipeError
        If the method or the target is unknown.
    RunError, SourceError
        If no examples are given and the run's data can't be loaded, or if the run is damaged.

    Examples
    --------
    >>> import tempfile, danqing
    >>> from danqing.training.train import train
    >>> recipe = danqing.Recipe(network="dense(16)", epochs=5)
    >>> data = danqing.load_data("iris")
    >>> run = train(data, recipe, tempfile.mkdtemp() + "/run")
    >>> found = explain(run, data.x_train[[0]])
    >>> found.columns, found.explanations[0].maps[0].gap < 0.01
    (('sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'), True)
    """
    class_target = _class_of(run, target)
    network = load_network(run)
    methods = _methods(network, method)
    splits: Splits | None = None
    labels: list[str] = []
    notes: list[str] = []
    if examples is None:
        splits = own_splits(run, dataset)
        rows = choose_examples(run, splits.test)
        examples, names = splits.test.x[rows], [splits.test.name_of_row(int(row)) for row in rows]
        labels = [text_of(value, run) for value in splits.test.y[rows]]
    else:
        if not len(examples):
            raise SourceError("there are no examples to explain; expected one or more")
        try:
            splits = own_splits(run, dataset)
        except DanqingError as error:
            notes.append(f"no nearest training examples: {error}")
    explainer = Explainer(run, network, examples, class_target)
    found = explainer.explanations(methods, names, labels, splits.train if splits else None)
    importance = _importance(run, splits) if splits and explainer.columns else ()
    return ExplanationSet(
        str(run.folder),
        tuple(run.class_names),
        explainer.columns,
        found,
        importance,
        tuple(notes),
    )


def _importance(run: RunFolder, splits: Splits) -> tuple[Importance, ...]:
    rows = splits.test.rows[:_IMPORTANCE_ROWS]
    features = run.preparation.encoded(splits.test.x[rows])
    return tuple(permutation_importance(Predictor(run), features, splits.test.y[rows]))


def _methods(network: TensorFlowNetwork, method: str | None) -> tuple[str, ...]:
    if method is None:
        return methods_for(network)
    if method not in METHODS:
        raise RecipeError(f"method {method!r} is unknown; expected one of {', '.join(METHODS)}")
    if method not in methods_for(network):
        suited = ", ".join(methods_for(network))
        raise RecipeError(f"method {method!r} does not suit this network; expected one of {suited}")
    return (method,)


def _class_of(run: RunFolder, target: Any) -> int | None:
    if target is None:
        return None
    # A label in the type it had in training, such as 3 or True, is as good as its name.
    target = str(target).lower() if isinstance(target, bool) else str(target)
    if not run.class_names:
        raise RecipeError(
            f"target {target!r}: {run.folder}, a regression, has no classes; leave out the target"
        )
    if target not in run.class_names:
        close = difflib.get_close_matches(target, run.class_names, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        known = ", ".join(run.class_names[:10])
        raise RecipeError(
            f"target {target!r} is not a class of {run.folder}; {hint}it knows {known}"
        )
    return run.class_names.index(target)
