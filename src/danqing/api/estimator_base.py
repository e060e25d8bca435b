"""What both estimators share: settings, scikit-learn's checks of input, fitting, predicting.

Knows no classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from danqing.api.estimator_rows import collect_rows
from danqing.api.run import Run
from danqing.data.arrays.frames import is_frame
from danqing.data.arrays.from_arrays import pictures_as_of, unmasked
from danqing.data.arrays.objects import examples_of
from danqing.data.dataset import Dataset, LabelType
from danqing.data.labels import missing_labels
from danqing.data.table import Column, Table
from danqing.errors import DanqingError
from danqing.recipe.recipe import Recipe
from danqing.training.prepare_training import prepare_training
from danqing.training.train_in_memory import train_in_memory

__all__ = ["Estimator", "checked_target"]

Kind = Literal["numbers", "frame", "pictures"]


class Estimator(BaseEstimator):  # type: ignore[misc]
    """What both share; each has a constructor with its own settings."""

    random_state: Any

    def _keep_settings(self, given: Mapping[str, Any]) -> None:
        """Set each parameter of the constructor, unchanged, as scikit-learn asks."""
        for name, value in given.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _fit(
        self,
        x: Any,
        y: NDArray[Any],
        sample_weight: Any,
        *,
        class_weight: NDArray[np.float64] | None = None,
        class_names: tuple[str, ...] = (),
        label_type: LabelType = "text",
    ) -> None:
        x = unmasked(x)
        self._kind = _kind_of(x)
        examples = self._examples(x)
        if len(y) < 2:
            raise ValueError("expected at least 2 samples, received 1 sample")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, y, dtype=np.float64, ensure_non_negative=True
            )
        pictures_as = {}
        if self._kind == "pictures":
            pictures_as = pictures_as_of({"train": np.asarray(x)}, "the data")
        dataset = Dataset(
            "arrays", "", examples, y, examples[:0], y[:0], class_names,
            pictures_as=pictures_as, label_type=label_type,
        )  # fmt: skip
        try:
            recipe = self._recipe()
            rows = collect_rows(dataset, recipe, sample_weight, class_weight)
            plan = prepare_training(rows.dataset, rows.splits, recipe, sample_weight=rows.weights)
            run = train_in_memory(plan, rows.held_out)
        except DanqingError as error:
            raise _as_value_error(error) from None
        self.run_ = Run(run)
        self.onnx_, self.history_ = run.onnx_model, run.history
        self.spec_, self.n_iter_ = plan.recipe.spec, len(run.history)

    def _recipe(self) -> Recipe:
        given = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if value is not None and name != "random_state"
        }
        if isinstance(given.get("class_weight"), dict):
            del given["class_weight"]  # weights of rows express it
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        return Recipe(**given, seed=int(seed))

    def _outputs(self, x: Any) -> NDArray[Any]:
        """Predict probabilities, or numbers."""
        check_is_fitted(self)
        classes = hasattr(self, "predict_proba")
        try:
            x = self._checked(unmasked(x))
            return self.run_.predict_proba(x) if classes else self.run_.predict(x)
        except DanqingError as error:
            raise _as_value_error(error) from None

    def _examples(self, x: Any) -> Any:
        """Validate X as scikit-learn does, and convert it to pictures or a table."""
        if self._kind != "numbers":
            examples = examples_of(x)
            self.n_features_in_ = int(np.prod(examples.shape[1:]))
            if isinstance(examples, Table):
                self.feature_names_in_ = np.array(examples.names, dtype=object)
            return examples
        numbers = validate_data(
            self, x, reset=True, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        names = getattr(self, "feature_names_in_", range(numbers.shape[1]))
        return Table(
            tuple(
                Column(str(name), "number", numbers[:, place]) for place, name in enumerate(names)
            )
        )

    def _checked(self, x: Any) -> Any:
        """Validate X as scikit-learn does where it can: not dicts, mixed frames and pictures."""
        if isinstance(x, Mapping) or _are_dicts(x):
            return x
        if self._kind == "numbers" and not _has_categories(x):
            return validate_data(
                self, x, reset=False, dtype=np.float64, ensure_all_finite="allow-nan"
            )
        shape = getattr(x, "shape", ())
        width = int(np.prod(shape[1:]))
        if len(shape) > 1 and width != self.n_features_in_:
            raise ValueError(
                f"X has {width} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return x


def checked_target(estimator: Estimator, x: Any, y: Any) -> Any:
    """Refuse no target, missing targets, and others than there are rows, in scikit-learn's words.

    Raises
    ------
    ValueError
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None"
        )
    if missing_labels(y).any():
        raise ValueError("Input y contains NaN.")
    check_consistent_length(x, y)
    return y


def _as_value_error(error: DanqingError) -> ValueError:
    return error if isinstance(error, ValueError) else ValueError(str(error))


def _kind_of(x: Any) -> Kind:
    if getattr(x, "ndim", 2) > 2:
        return "pictures"
    return "frame" if _has_categories(x) else "numbers"


def _are_dicts(x: Any) -> bool:
    return isinstance(x, list | tuple) and bool(x) and all(isinstance(one, Mapping) for one in x)


def _has_categories(x: Any) -> bool:
    """Whether a data frame has columns that are not plain numbers."""
    if not is_frame(x):
        return False
    kinds = [str(kind).lower() for kind in x.dtypes]
    return not all(k.startswith(("int", "uint", "float", "bool")) for k in kinds)
