"""The small data sets that come with scikit-learn, by name. Knows no downloads."""

from __future__ import annotations

from dataclasses import replace

from danqing.data.arrays.objects import from_object
from danqing.data.dataset import Dataset
from danqing.errors import SourceError

__all__ = ["BUNDLED", "load_bundled"]

BUNDLED = {
    "digits": ("load_digits", {}),
    "iris": ("load_iris", {}),
    "wine": ("load_wine", {}),
    "breast-cancer": ("load_breast_cancer", {}),
    "diabetes": ("load_diabetes", {"scaled": False}),
}


def load_bundled(name: str, task: str | None = None) -> Dataset:
    """Load one of scikit-learn's bundled data sets.

    Parameters
    ----------
    name : str
        ``digits`` (1,797 pictures of 8x8 pixels, 10 classes), ``iris``, ``wine``,
        ``breast-cancer`` (tables, classes) or ``diabetes`` (a table for regression, unscaled).
    task : {"classification", "regression"}, optional
        Inferred from the target if not given.

    Raises
    ------
    SourceError
        If there is no such data set.

    Examples
    --------
    >>> iris = load_bundled("iris")
    >>> iris.class_names, iris.x_train.names[0]
    (('setosa', 'versicolor', 'virginica'), 'sepal length (cm)')
    """
    import sklearn.datasets

    if name not in BUNDLED:
        raise SourceError(f"no data set {name!r} is bundled; expected one of {', '.join(BUNDLED)}")
    loader, settings = BUNDLED[name]
    bunch = getattr(sklearn.datasets, loader)(**settings)
    return replace(from_object(bunch, task=task), name=name, source=name)
