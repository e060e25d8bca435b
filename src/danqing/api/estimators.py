"""scikit-learn's estimators over the same flow: arrays or data frames in, a fitted network out.

Knows no run folder and no command line.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from danqing.data.arrays.objects import examples_of
from danqing.data.dataset import Dataset
from danqing.data.labels import missing_labels
from danqing.data.split import Splits, Subset
from danqing.data.stratify import stratified_split
from danqing.data.table import Column, Table
from danqing.errors import DanqingError
from danqing.prediction.session import Session
from danqing.preparation.preparation import Preparation
from danqing.recipe.recipe import Recipe
from danqing.training.prepare_training import prepare_training
from danqing.training.trainer import Trainer

__all__ = ["DanqingClassifier", "DanqingRegressor"]

_FEWEST_TO_HOLD_OUT = 50  # rows; with fewer, the training rows are also the validation rows


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both share: settings, input checks, fitting."""

    def __init__(
        self,
        network: str = "fast",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        weight_decay: float | None = None,
        patience: int | None = None,
        validation_share: float | None = None,
        random_state: Any = 0,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.patience = patience
        self.validation_share = validation_share
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(self, x: Any, y: NDArray[Any], class_names: tuple[str, ...]) -> None:
        examples = self._examples(x, reset=True)
        if len(y) < 2:
            raise ValueError("expected at least 2 samples, received 1 sample")
        recipe = self._recipe()
        rows = np.arange(len(y))
        train = validation = rows
        if len(y) >= _FEWEST_TO_HOLD_OUT:
            train, validation = stratified_split(y, recipe.validation_share)
        empty = examples[:0]
        dataset = Dataset("arrays", "", examples, y, empty, y[:0], class_names)
        splits = Splits(
            Subset(examples, y, train),
            Subset(examples, y, validation),
            Subset(empty, y[:0], rows[:0]),
            {},
        )
        try:
            plan = prepare_training(dataset, splits, recipe)
            trainer = Trainer(plan)
            trainer.fit()
        except DanqingError as error:
            raise ValueError(str(error)) from None
        self.onnx_ = trainer.exported.onnx
        self.preparation_ = plan.preparation.to_json()
        self.spec_ = plan.recipe.spec
        self.history_ = [report.row(dataset.task) for report in trainer.history]
        self.n_iter_ = len(self.history_)

    def _recipe(self) -> Recipe:
        from sklearn.utils import check_random_state

        given = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if value is not None and name != "random_state"
        }
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        return Recipe(**given, seed=int(seed))

    def _outputs(self, x: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        examples = self._examples(x, reset=False)
        preparation = Preparation.from_json(self.preparation_)
        try:
            return _session(self.onnx_).predict(preparation.encoded(examples))
        except DanqingError as error:
            raise ValueError(str(error)) from None

    def _examples(self, x: Any, *, reset: bool) -> Any:
        """Validate X as scikit-learn does, and convert it to pictures or a table."""
        if getattr(x, "ndim", 2) > 2 or _has_categories(x):
            examples = examples_of(x)
            width = int(np.prod(examples.shape[1:]))
            if reset:
                self.n_features_in_ = width
                if isinstance(examples, Table):
                    self.feature_names_in_ = np.array(examples.names, dtype=object)
            elif width != self.n_features_in_:
                raise ValueError(
                    f"X has {width} features, but {type(self).__name__} is expecting "
                    f"{self.n_features_in_} features as input"
                )
            return examples
        numbers = validate_data(
            self, x, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(numbers.shape[1])])
        return Table(
            tuple(
                Column(str(name), "number", numbers[:, place]) for place, name in enumerate(names)
            )
        )


class DanqingClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Danqing's networks as a scikit-learn classifier.

    Fits numeric arrays, data frames with text, dates and missing values, and pictures of shape
    (n, height, width) or (n, height, width, channels) with values from 0 to 255.

    Parameters
    ----------
    network : str
        A preset, or a spec such as ``dense(64)-dense(64)``.
    epochs, batch_size, optimizer, learning_rate, schedule, weight_decay, patience
        As in `danqing.Recipe`; None chooses a value that suits the data.
    validation_share : float, optional
        Share of the rows held out for validation; with fewer than 50 rows none is.
    random_state : int, RandomState or None
        0 to 2**31 - 1; None draws a new seed for each fit.

    Attributes
    ----------
    classes_ : ndarray
        The classes, in the order of the columns of `predict_proba`.
    history_ : list of dict
        Loss, metric and learning rate of each epoch.
    spec_ : str
        The spec of the network.
    onnx_ : bytes
        The trained network, as an ONNX model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> DanqingClassifier(epochs=40).fit(x, y).score(x, y) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> DanqingClassifier:
        """Train on examples `X` and classes `y`, shape (n,)."""
        y = column_or_1d(_checked_target(self, y), warn=True)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        _check_lengths(X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError(
                f"expected two or more classes, received one class only, {self.classes_[0]!r}"
            )
        self._fit(X, numbers.astype(np.int64), tuple(map(str, self.classes_)))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict the probability of each class, shape (n, classes)."""
        return self._outputs(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each example, shape (n,)."""
        most_probable = self._outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[most_probable])


class DanqingRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Danqing's networks as a scikit-learn regressor.

    It has the parameters of `DanqingClassifier`, and fits the same kinds of X.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> DanqingRegressor(epochs=60).fit(x, 3 * x[:, 0] ** 2).score(x, 3 * x[:, 0] ** 2) > 0.9
    True
    """

    def fit(self, X: Any, y: Any) -> DanqingRegressor:
        """Train on examples `X` and numbers `y`, shape (n,)."""
        y = column_or_1d(_checked_target(self, y), warn=True)
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        _check_lengths(X, y)
        self._fit(X, y, ())
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target of each example, shape (n,)."""
        return self._outputs(X)[:, 0].astype(np.float64)


@lru_cache(maxsize=8)
def _session(network: bytes) -> Session:
    """Open a network once; kept apart from the estimator, so that this can be pickled."""
    return Session(network)


def _checked_target(estimator: _Estimator, y: Any) -> Any:
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None"
        )
    if missing_labels(y).any():
        raise ValueError("Input y contains NaN.")
    return y


def _check_lengths(x: Any, y: NDArray[Any]) -> None:
    from sklearn.utils import check_consistent_length

    check_consistent_length(x, y)


def _has_categories(x: Any) -> bool:
    """Whether a data frame has columns that are not plain numbers."""
    types = getattr(x, "dtypes", None)
    if types is None or not hasattr(x, "columns"):
        return False
    kinds = [str(kind).lower() for kind in types]
    return not all(k.startswith(("int", "uint", "float", "bool")) for k in kinds)
