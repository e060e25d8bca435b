"""The two phases of a transfer: the new output layer alone, then all layers. Knows no network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.recipe.recipe import Recipe
from danqing.training.optimization.schedules import learning_rates

__all__ = [
    "all_layers_rate",
    "output_epochs",
    "output_rate",
    "output_share",
    "phase_learning_rates",
    "phase_seed",
]

# Chosen on validation sets: see docs/log.md.
_SHARE = 0.2  # of a run, in which the output layer is trained alone
_OUTPUT = 2.0  # times the learning rate, for it alone
_ALL_LAYERS = 0.5  # times the learning rate of that phase, for all layers
_OUTPUT_SEED = 1 << 30  # bit that sets the first phase's randomness apart


def output_epochs(recipe: Recipe) -> int | None:
    """Count the epochs in which the output layer is trained alone.

    None if it is a share of something else: of a time budget, or of a single epoch.

    Examples
    --------
    >>> output_epochs(Recipe(epochs=10)), output_epochs(Recipe(epochs=2))
    (2, 1)
    """
    if recipe.minutes is not None or recipe.epochs == 1:
        return None
    return max(1, round(_SHARE * recipe.epochs))


def output_share(recipe: Recipe) -> float:
    """Give the share of a run in which the output layer is trained alone."""
    epochs = output_epochs(recipe)
    return _SHARE if epochs is None else epochs / recipe.epochs


def output_rate(recipe: Recipe) -> float:
    """Give the learning rate, or its peak, of the phase of the output layer."""
    return recipe.learning_rate * _OUTPUT


def all_layers_rate(recipe: Recipe) -> float:
    """Give the learning rate, or its peak, of the phase in which all layers are trained."""
    return output_rate(recipe) * _ALL_LAYERS


def phase_learning_rates(
    recipe: Recipe, shares: NDArray[np.float64], *, frozen_body: bool
) -> NDArray[np.float64]:
    """Compute learning rates of one of the phases, each of which has a schedule of its own.

    Parameters
    ----------
    recipe : Recipe
    shares : ndarray, shape (steps,)
        The share of the whole run that is done before each step.
    frozen_body : bool
        Whether it is the phase of the output layer.

    Examples
    --------
    >>> recipe = Recipe(epochs=10, learning_rate=0.1, schedule="cosine")
    >>> rates = phase_learning_rates(recipe, np.array([0.0, 0.1]), frozen_body=True)
    >>> rates.round(3).tolist()
    [0.2, 0.1]
    >>> rates = phase_learning_rates(recipe, np.array([0.2, 0.6]), frozen_body=False)
    >>> rates.round(3).tolist()
    [0.1, 0.05]
    """
    share = output_share(recipe)
    peak, own = output_rate(recipe), shares / share
    if not frozen_body:
        peak, own = all_layers_rate(recipe), (shares - share) / (1 - share)
    return learning_rates(recipe.schedule, peak, own.clip(0, 1))


def phase_seed(recipe: Recipe, *, frozen_body: bool) -> int:
    """Give the seed of a phase's augmentation and dropout: its steps are counted from 0 again."""
    return recipe.seed ^ _OUTPUT_SEED if frozen_body else recipe.seed
