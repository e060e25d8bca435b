"""scikit-learn's estimators over the same flow: arrays or data frames in, a fitted network out.

Knows no run folder and no command line. What both share is in `danqing.api.estimator_base`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from danqing.api.estimator_base import Estimator, checked_target
from danqing.api.estimator_rows import name_classes

__all__ = ["DanqingClassifier", "DanqingRegressor"]


class DanqingClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """Danqing's networks as a scikit-learn classifier.

    Fits numeric arrays, data frames with text, dates and missing values, and pictures of shape
    (n, height, width) or (n, height, width, channels).

    Parameters
    ----------
    network : str
        A preset, or a spec such as ``dense(64)-dense(64)``.
    class_weight : {"none", "balanced"}, dict or None
        Of each class in the loss: none, all classes alike, or as in ``{class: weight}``.
    random_state : int, RandomState or None
        The recipe's seed, 0 to 2**31 - 1; None draws a new one for each fit.
    validation_share : float, optional
        Share of the rows held out for validation; with fewer than 50 different rows none is.
    ensemble, tta_views, epochs, minutes, batch_size, optimizer, learning_rate, schedule, loss, \
weight_decay, label_smoothing, affine, elastic, random_erasing, photometric, horizontal_flip, \
ema_decay, patience, scaling, labels_per_class, unlabelled_weight
        As in `danqing.Recipe`; None chooses a value that suits the data.

    Attributes
    ----------
    classes_ : ndarray
        The classes, in the order of the columns of `predict_proba`.
    run_ : Run
        The same network as a run in memory: `predictions`, `explain`, `evaluate((x, y))`,
        `save(folder)`.
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

    def __init__(
        self,
        network: str = "fast",
        *,
        ensemble: int | None = None,
        tta_views: int | None = None,
        epochs: int | None = None,
        minutes: float | None = None,
        batch_size: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        loss: str | None = None,
        weight_decay: float | None = None,
        label_smoothing: float | None = None,
        affine: float | None = None,
        elastic: float | None = None,
        random_erasing: float | None = None,
        photometric: float | None = None,
        horizontal_flip: bool | None = None,
        ema_decay: float | None = None,
        patience: int | None = None,
        class_weight: Any = None,
        scaling: str | None = None,
        validation_share: float | None = None,
        labels_per_class: int | None = None,
        unlabelled_weight: float | None = None,
        random_state: Any = 0,
    ) -> None:
        self._keep_settings(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DanqingClassifier:
        """Train.

        Parameters
        ----------
        X : array, data frame or pictures, n examples
        y : array, shape (n,)
            Classes of any type.
        sample_weight : array, shape (n,), optional
            0 or more. A row of weight 0 has no influence; one of weight 2 counts as two rows.

        Raises
        ------
        ValueError
            In scikit-learn's words if X, y or weights can't be used, in Danqing's if a setting
            can't.
        """
        y = column_or_1d(checked_target(self, X, y), warn=True)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) == 1:
            raise ValueError(
                f"expected two or more classes, received one class only, {classes[0]!r}"
            )
        names, label_type = name_classes(classes)
        self._fit(
            X,
            numbers.astype(np.int64),
            sample_weight,
            class_weight=self._weights_of_classes(classes, y),
            class_names=names,
            label_type=label_type,
        )
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict the probability of each class, shape (n, classes)."""
        return self._outputs(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the most probable class of each example, shape (n,)."""
        most_probable = self._outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[most_probable])

    def _weights_of_classes(self, classes: Any, y: Any) -> NDArray[np.float64] | None:
        """Give the weights of a dict; the others are a recipe's."""
        if not isinstance(self.class_weight, dict):
            return None
        weights = np.asarray(
            compute_class_weight(self.class_weight, classes=classes, y=y), np.float64
        )
        if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
            raise ValueError(
                f"class_weight: expected weights of 0 or more, not all 0; received "
                f"{self.class_weight}"
            )
        return weights


class DanqingRegressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """Danqing's networks as a scikit-learn regressor.

    It has the parameters and attributes of `DanqingClassifier`, but for what belongs to classes,
    and fits the same kinds of X.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> DanqingRegressor(epochs=60).fit(x, 3 * x[:, 0] ** 2).score(x, 3 * x[:, 0] ** 2) > 0.9
    True
    """

    def __init__(
        self,
        network: str = "fast",
        *,
        ensemble: int | None = None,
        tta_views: int | None = None,
        epochs: int | None = None,
        minutes: float | None = None,
        batch_size: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        schedule: str | None = None,
        loss: str | None = None,
        weight_decay: float | None = None,
        affine: float | None = None,
        elastic: float | None = None,
        random_erasing: float | None = None,
        photometric: float | None = None,
        horizontal_flip: bool | None = None,
        ema_decay: float | None = None,
        patience: int | None = None,
        scaling: str | None = None,
        validation_share: float | None = None,
        random_state: Any = 0,
    ) -> None:
        self._keep_settings(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> DanqingRegressor:
        """Train on examples `X` and numbers `y`, shape (n,); see `DanqingClassifier.fit`."""
        y = column_or_1d(checked_target(self, X, y), warn=True)
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        self._fit(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target of each example, shape (n,)."""
        return self._outputs(X)
