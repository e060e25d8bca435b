"""Recipe: one frozen, checked description of a training. Knows no data and no Keras."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from danqing.errors import RecipeError, SpecError
from danqing.recipe.presets import PRESETS, UNLABELLED_PER_LABELLED, defaults_for, spec_of
from danqing.recipe.renamed import renaming_of
from danqing.recipe.spec import parse
from danqing.recipe.traits import MNIST_TRAITS, Traits

__all__ = ["AUGMENTATIONS", "MOST_EPOCHS", "Recipe"]

MOST_EPOCHS = 100_000
# The settings that change training pictures at random.
AUGMENTATIONS = ("affine", "elastic", "random_erasing", "photometric", "horizontal_flip")

# What suits an optimizer, if the user names it and no learning rate.
_LEARNING_RATES = {
    "gradient-descent": 0.1,
    "momentum": 0.02,
    "adam": 0.001,
    "adamw": 0.001,
    "muon": 0.004,
}
_DECAYING = ("adamw", "muon")


class Recipe(BaseModel):
    """Everything that decides a training, apart from the data.

    Settings that are not given come from the preset named by `network`; for a spec, from ``fast``
    if it has convolutions, otherwise from ``article``. They are those for MNIST until `for_data`
    has adapted them to other data.

    Parameters
    ----------
    network : str
        A preset (``article``, ``fast``, ``best``, ``tiny``), or a spec such as
        ``dense(64)-dense(64)``.
    ensemble : int
        Number of networks trained side by side, 1 to 32, each from its own initialisation; the
        prediction is their mean.
    tta_views : {1, 5, 10}
        Test-time augmentation: views of a picture over which a prediction is averaged. With 5 it is
        also shifted by a pixel each way, with 10 also flipped. Training is the same for all.
    epochs : int
        Passes through the training set, 1 to 100,000.
    batch_size : int
        Training examples per step, 1 to 1,000,000.
    minutes : float, optional
        Time budget for the whole job, evaluation included, up to 100,000. The schedule fits into
        it, and the best epoch's weights are kept. With `epochs` too, whichever ends first counts;
        without, there is no limit of epochs and no `patience`.
    optimizer : {"gradient-descent", "momentum", "adam", "adamw", "muon"}
    learning_rate : float
        Learning rate (the peak, with a schedule), above 0 and at most 100.
    schedule : {"constant", "cosine", "one-cycle"}
    loss : {"cross-entropy", "mean-squared-error"}
    weight_decay : float
        Decoupled weight decay of kernels, 0 to 1; ``adamw`` and ``muon`` only.
    label_smoothing : float
        Share of the target spread evenly over all classes, 0 to below 1.
    affine : float
        Strength of random rotation, scaling, shear and shift, 0 (none) to 2.
    elastic : float
        Strength of random elastic deformation, 0 (none) to 4.
    random_erasing : float
        Share of training pictures in which a square is blacked out, 0 to 1.
    photometric : float
        Share of training pictures that lose contrast, and of those that get noise, 0 to 1.
    horizontal_flip : bool
        Flip half of the training pictures horizontally. Only if that preserves their class: it
        does for clothes, not for digits.
    ema_decay : float
        Decay of the exponential moving average of the weights, 0 (none) to below 1.
    patience : int
        Epochs without improvement of the validation loss before training stops and the best
        epoch's weights are kept. 0 trains to the end and keeps the last.
    class_weight : {"none", "balanced"}
        With ``balanced`` every class counts alike: an example of class c has the weight
        :math:`n / (C n_c)` (King & Zeng 2001, "Logistic regression in rare events data").
    scaling : {"feature", "channel"}
        Standardise each pixel or feature, or each colour channel.
    validation_share : float
        Share of the training set held out for validation, 0.01 to 0.5.
    labels_per_class : int
        Labels kept per class, drawn by `seed`; the other training pictures are treated as
        unlabelled, to study how few labels are enough. 0 keeps all. The validation set keeps its
        labels, but is not used for model selection: the last weights are kept.
    unlabelled_weight : float
        Weight of the loss on unlabelled pictures, 0 to 100: 1 by default if there are any. 0 leaves
        them out.
    seed : int
        Random seed of everything but the split, 0 to 2**31 - 1.

    Raises
    ------
    RecipeError
        If a setting is unknown, out of its range, or has another name since 0.2.0.

    Examples
    --------
    >>> Recipe(network="article").batch_size
    32
    >>> Recipe(network="article", epochs=0)
    Traceback (most recent call last):
    danqing.errors.RecipeError: epochs: input should be greater than or equal to 1, not 0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    network: str = "fast"
    ensemble: int = Field(default=1, ge=1, le=32)
    tta_views: Literal[1, 5, 10]
    epochs: int = Field(ge=1, le=MOST_EPOCHS)
    minutes: float | None = Field(default=None, gt=0, le=100_000)
    batch_size: int = Field(ge=1, le=1_000_000)
    optimizer: Literal["gradient-descent", "momentum", "adam", "adamw", "muon"]
    learning_rate: float = Field(gt=0, le=100)
    schedule: Literal["constant", "cosine", "one-cycle"]
    loss: Literal["cross-entropy", "mean-squared-error"]
    weight_decay: float = Field(ge=0, le=1)
    label_smoothing: float = Field(ge=0, lt=1)
    affine: float = Field(ge=0, le=2)
    elastic: float = Field(ge=0, le=4)
    random_erasing: float = Field(ge=0, le=1)
    photometric: float = Field(ge=0, le=1)
    horizontal_flip: bool
    ema_decay: float = Field(ge=0, lt=1)
    patience: int = Field(ge=0, le=100_000)
    class_weight: Literal["none", "balanced"]
    scaling: Literal["feature", "channel"]
    validation_share: float = Field(ge=0.01, le=0.5)
    labels_per_class: int = Field(default=0, ge=0, le=1_000_000)
    unlabelled_weight: float = Field(default=0, ge=0, le=100)
    seed: int = Field(default=0, ge=0, lt=2**31)
    _traits: Traits = PrivateAttr(default=MNIST_TRAITS)

    def __init__(self, **settings: Any) -> None:
        if renamed := renaming_of(settings):
            raise RecipeError(renamed)
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise RecipeError(_plain(error)) from None
        # What was filled in was not set: `for_data` may choose otherwise.
        self.__pydantic_fields_set__ = set(settings)
        near = difflib.get_close_matches(self.network, list(PRESETS), n=1)
        if near and self.network not in PRESETS and self.network.isalpha():
            raise SpecError(f"network {self.network!r} is unknown; did you mean {near[0]!r}?")
        parse(self.spec)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: dict[str, Any]) -> dict[str, Any]:
        # To Python, and to pydantic, True is 1.
        for name, value in given.items():
            if isinstance(value, bool) and name != "horizontal_flip":
                raise ValueError(f"{name}: expected a number or a word, not {value}")
        return _completed(given, MNIST_TRAITS)

    @model_validator(mode="after")
    def _agree(self) -> Recipe:
        if self.weight_decay and self.optimizer not in _DECAYING:
            raise ValueError(
                f"weight_decay works with optimizer {' or '.join(_DECAYING)}, not {self.optimizer}"
            )
        if self.labels_per_class and self.patience:
            raise ValueError(
                "patience: would select the epoch by validation labels, which a study of few "
                "labels pretends not to have; set it to 0, or leave labels_per_class out"
            )
        return self

    @property
    def rows_per_step(self) -> int:
        """Examples per step: `batch_size` labelled ones, and unlabelled ones if there are any."""
        more = UNLABELLED_PER_LABELLED if self.unlabelled_weight else 0
        return self.batch_size * (1 + more)

    @property
    def spec(self) -> str:
        """The network in words, also if `network` names a preset."""
        return spec_of(self.network, self._traits)

    def for_data(self, traits: Traits) -> Recipe:
        """Adapt all settings that were not given to the data.

        Raises
        ------
        RecipeError
            If a setting that was given doesn't suit the data.

        Examples
        --------
        >>> few = Traits(tabular=True, task="classification", rows=120, input_shape=(4,))
        >>> recipe = Recipe(seed=7).for_data(few)
        >>> recipe.spec, recipe.batch_size, recipe.seed
        ('dense(64)-dropout(0.3)-dense(32)-dropout(0.3)', 16, 7)
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        recipe = Recipe(**_completed(given, traits))
        recipe.__pydantic_fields_set__, recipe._traits = self.model_fields_set, traits
        if traits.task == "regression" and recipe.loss != "mean-squared-error":
            raise RecipeError(
                f"loss: {recipe.loss} is for classification, and the task is regression; leave it "
                "out or choose mean-squared-error"
            )
        if traits.tabular and recipe.scaling == "channel":
            raise RecipeError("scaling: a table has no colour channels; choose feature")
        if recipe.unlabelled_weight:
            recipe._check_unlabelled(traits)
        elif recipe.batch_size > traits.rows:
            raise RecipeError(
                f"batch_size: {recipe.batch_size} is larger than the {traits.rows} training rows; "
                f"choose at most {traits.rows}"
            )
        return recipe

    def _check_unlabelled(self, traits: Traits) -> None:
        if not traits.unlabelled:
            raise RecipeError(
                "unlabelled_weight: there are no unlabelled pictures; name some with --unlabelled, "
                "or set labels_per_class, or leave it out"
            )
        if self.loss != "cross-entropy" or self.label_smoothing:
            raise RecipeError(
                "learning from unlabelled pictures needs confident predictions, and so loss "
                "cross-entropy and label_smoothing 0; leave both out, or set unlabelled_weight to 0"
            )

    @classmethod
    def from_file(cls, path: str | Path, **overriding: Any) -> Recipe:
        """Read a recipe from a TOML file whose keys are the parameters above.

        Raises
        ------
        RecipeError
            If the file is missing, is not TOML, or has a wrong setting.
        """
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise RecipeError(
                f"recipe {path}: can't be read ({error.strerror}); check the path"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(
                f"recipe {path}: is not valid TOML ({error}); expected lines such as epochs = 20"
            ) from None
        try:
            return cls(**{**settings, **overriding})
        except RecipeError as error:
            raise type(error)(f"recipe {path}: {error}") from None


def _completed(given: dict[str, Any], traits: Traits) -> dict[str, Any]:
    network = given.get("network", "fast")
    if not isinstance(network, str):
        return given
    if given.get("unlabelled_weight") == 0:
        traits = replace(traits, unlabelled=0)
    settings = defaults_for(network, traits)
    optimizer = given.get("optimizer", settings["optimizer"])
    if optimizer != settings["optimizer"]:
        settings["learning_rate"] = _LEARNING_RATES.get(optimizer, 0.001)
        if optimizer not in _DECAYING:
            settings["weight_decay"] = 0.0
    if given.get("minutes") is not None:
        settings["epochs"], settings["patience"] = MOST_EPOCHS, 0
    return {**settings, **given}


def _plain(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, list(Recipe.model_fields), n=1)
        hint = (
            f"did you mean {close[0]!r}?" if close else f"known: {', '.join(Recipe.model_fields)}"
        )
        return f"{name!r} is not a setting; {hint}"
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    return f"{name}: {message[0].lower()}{message[1:]}, not {first['input']!r}"
