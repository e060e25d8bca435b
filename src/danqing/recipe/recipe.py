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
# The settings by which training changes its pictures.
AUGMENTATIONS = ("affine", "elastic", "random_erasing", "photometric", "horizontal_flip")

# What suits an optimizer when the user names it and no learning rate.
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

    Settings that are not given come from the preset named by `network`, or, for a spec, from
    `fast` where it has convolutions and from `article` where it has none. Until `for_data` has
    fitted them to other data, they are those for MNIST.

    Parameters
    ----------
    network : str
        A preset (``article``, ``fast``, ``best``, ``tiny``), or a spec such as
        ``dense(64)-dense(64)``.
    ensemble : int
        How many such networks to train side by side, 1 to 32, each from its own start; the
        answer is the mean of theirs.
    tta_views : int
        Looks at a picture over which the answer is averaged: 1; 5, also shifted by a pixel each
        way; or 10, also mirrored. It learns as with 1 and answers as much slower.
    epochs, batch_size : int
        Passes through the training rows, 1 to 100,000; rows a step, 1 to 1,000,000.
    minutes : float, optional
        Wall-clock time for the whole job, evaluation included, at most 100,000. The schedule comes
        down in time, and the best epoch's weights are kept. With epochs given, too, whichever
        ends first; without, there may be any number of epochs, or a part of one, and no patience.
    optimizer : {"gradient-descent", "momentum", "adam", "adamw", "muon"}
    learning_rate : float
        Step size, above 0 and at most 100. With a schedule, its peak.
    schedule : {"constant", "cosine", "one-cycle"}
    loss : {"cross-entropy", "mean-squared-error"}
    weight_decay : float
        Share of a kernel taken off at each step, times the learning rate; for ``adamw`` and
        ``muon`` only.
    label_smoothing : float
        Share of the target spread evenly over all classes, 0 to below 1.
    affine : float
        Strength of the small random warps of training pictures, 0 (none) to 2.
    elastic : float
        Strength of their elastic deformations, 0 (none) to 4.
    random_erasing : float
        Share of them that lose a square, 0 to 1.
    photometric : float
        Share of them that lose contrast, and of those that get noise, 0 to 1.
    horizontal_flip : bool
        Mirror half of them. Only where they stay what they are: clothes do, digits don't.
    ema_decay : float
        Decay of the running average of the weights, 0 (none) to below 1.
    patience : int
        End when validation has not got better for so many epochs, by the loss that is learned
        (of smoothed labels, or a teacher's answers), and keep the best one's weights; 0 trains to
        the end and keeps the last.
    class_weight : {"none", "balanced"}
        Let every row count alike, or every class: a row of class c counts for
        :math:`n / (C n_c)` (King & Zeng 2001, "Logistic regression in rare events data").
    scaling : {"feature", "channel"}
        Normalise each pixel or feature by itself, or all pixels of a colour channel alike.
    validation_share : float
        Share of the training rows held out for validation, 0.01 to 0.5.
    labels_per_class : int
        Keep the labels of only so many training rows a class, drawn by `seed`, and treat the
        others as pictures without labels, to study how few are enough; 0 keeps all. Validation
        rows keep theirs, but nothing is chosen by them: the last weights count.
    unlabelled_weight : float
        What all pictures without labels count for, beside the labelled ones: 1 if not given, where
        there are any; 0 leaves them out.
    seed : int
        Start of all randomness but the split's, 0 to 2**31 - 1.

    Raises
    ------
    RecipeError
        Names the setting, what it may be, and what was received.

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
        # What was filled in was not set: `for_data` may fill it in otherwise.
        self.__pydantic_fields_set__ = set(settings)
        near = difflib.get_close_matches(self.network, list(PRESETS), n=1)
        if near and self.network not in PRESETS and self.network.isalpha():
            raise SpecError(f"network {self.network!r} is unknown; did you mean {near[0]!r}?")
        parse(self.spec)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: dict[str, Any]) -> dict[str, Any]:
        # Python, and pydantic, count true as 1.
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
                "patience: would choose the epoch by validation labels, which a study of few "
                "labels pretends not to have; set it to 0, or leave labels_per_class out"
            )
        return self

    @property
    def rows_per_step(self) -> int:
        """Rows that a step takes in: `batch_size` with labels, and more without, if any."""
        more = UNLABELLED_PER_LABELLED if self.unlabelled_weight else 0
        return self.batch_size * (1 + more)

    @property
    def spec(self) -> str:
        """The network in words, also where `network` is a preset's name."""
        return spec_of(self.network, self._traits)

    def for_data(self, traits: Traits) -> Recipe:
        """Fit all that was not given to the data: the preset's network, its training, the loss.

        Raises
        ------
        RecipeError
            If what was given doesn't go with the data.

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
                f"loss: {recipe.loss} is for classes, and the target is a number; "
                "leave it out or choose mean-squared-error"
            )
        if traits.tabular and recipe.scaling == "channel":
            raise RecipeError("scaling: a table has no colour channels; choose feature")
        if recipe.unlabelled_weight:
            recipe._check_unlabelled(traits)
        return recipe

    def _check_unlabelled(self, traits: Traits) -> None:
        if not traits.unlabelled:
            raise RecipeError(
                "unlabelled_weight: there are no pictures without labels; name some by "
                "--unlabelled, or set labels_per_class, or leave it out"
            )
        if self.loss != "cross-entropy" or self.label_smoothing:
            raise RecipeError(
                "pictures without labels are learned from by answers above 95 %, which needs loss "
                "cross-entropy and label_smoothing 0; leave both out, or set unlabelled_weight to 0"
            )

    @classmethod
    def from_file(cls, path: str | Path, **overriding: Any) -> Recipe:
        """Read a recipe from a TOML file whose keys are the parameters above.

        Raises
        ------
        RecipeError
            If the file is missing, is no TOML, or holds a wrong setting.
        """
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"recipe {path}: can't be read ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"recipe {path}: is not valid TOML ({error})") from None
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
        return f"{name!r} is no setting; {hint}"
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    return f"{name}: {message[0].lower()}{message[1:]}, not {first['input']!r}"
