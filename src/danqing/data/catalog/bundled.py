"""The small data sets that scikit-learn brings along, by name. Knows no network to load from."""

from __future__ import annotations

from dataclasses import replace

from danqing.data.arrays.objects import from_object
from danqing.data.dataset import Dataset
from danqing.errors import SourceError

__all__ = ["BUILTIN", "load_builtin"]

BUILTIN = {
    "digits": ("load_digits", {}),
    "iris": ("load_iris", {}),
    "wine": ("load_wine", {}),
    "breast-cancer": ("load_breast_cancer", {}),
    "diabetes": ("load_diabetes", {"scaled": False}),
}


def load_builtin(name: str, task: str | None = None) -> Dataset:
    """Load one of scikit-learn's bundled data sets.

    Parameters
    ----------
    name : str
        ``digits`` (1,797 pictures of 8x8, 10 classes), ``iris``, ``wine``, ``breast-cancer``
        (tables, classes) or ``diabetes`` (a table, a number to tell; as measured, unscaled).
    task : {"classification", "regression"}, optional
        Chosen from the target if not given.

    Raises
    ------
    SourceError
        If there is none of that name.

    Examples
    --------
    >>> iris = load_builtin("iris")
    >>> iris.class_names, iris.x_train.names[0]
    (('setosa', 'versicolor', 'virginica'), 'sepal length (cm)')
    """
    import sklearn.datasets

    if name not in BUILTIN:
        raise SourceError(f"no data set {name!r} is built in; there are {', '.join(BUILTIN)}")
    loader, settings = BUILTIN[name]
    bunch = getattr(sklearn.datasets, loader)(**settings)
    return replace(from_object(bunch, task=task), name=name, source=name)
