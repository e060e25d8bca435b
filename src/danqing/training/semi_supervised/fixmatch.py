"""Consistency: pictures without labels, taught what the network already answers surely.

Knows no network, only how it answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from danqing.networks.backend import tf
from danqing.recipe.recipe import Recipe
from danqing.training.augmentation.affine import random_affine
from danqing.training.augmentation.elastic import elastic_deformation
from danqing.training.augmentation.horizontal_flip import horizontal_flip

__all__ = ["with_pseudo_labels"]

_SURE = 0.95
# Of the recipe's warps: slight ones to be asked about, strong ones, bent too, to learn from.
_SLIGHT, _STRONG, _BENT = 0.5, 1.5, 1.0


def with_pseudo_labels(
    answer: Callable[[Any], Any],
    augmented: Callable[[Any], Any],
    examples: Any,
    targets: Any,
    weights: Any,
    recipe: Recipe,
    seed: Any,
) -> tuple[Any, Any, Any]:
    r"""Give a step's rows to learn from, of which the later ones have no labels.

    Each picture x without a label is warped slightly, :math:`\alpha(x)`, and strongly and bent,
    :math:`A(x)`. Where the network is sure, :math:`\max_c p_c(\alpha(x)) \ge 0.95`, its answer
    is the target of :math:`A(x)`; the others count for nothing in this step. So the loss is

    .. math::
        \frac{1}{B} \sum_i H(y_i, p(x_i)) + \frac{\lambda}{\mu B} \sum_j
        [\max_c p_c(\alpha(x_j)) \ge 0.95]\, H(\arg\max_c p_c(\alpha(x_j)), p(A(x_j)))

    up to a factor, with B labelled rows and :math:`\mu B` others (Sohn et al. 2020, "FixMatch:
    simplifying semi-supervised learning with consistency and confidence", NeurIPS).

    Parameters
    ----------
    answer : callable
        From pictures to logits, by the weights before the step.
    augmented : callable
        Changes labelled pictures at random, as the recipe says.
    examples : Tensor of float, shape (n, height, width, channels)
        The first `recipe.batch_size` have labels.
    targets : Tensor of int, shape (n,)
    weights : Tensor of float, shape (n,)
        What each counts for; of rows without labels not used.
    recipe : Recipe
        For `batch_size`, `unlabelled_weight`, and what the warps of the others are.
    seed : Tensor of int32, shape (2,)
        The warps are a pure function of it.

    Returns
    -------
    examples, targets, weights : Tensor
        Of the same shapes; warped.

    Examples
    --------
    >>> recipe = Recipe(batch_size=1, unlabelled_weight=1.0)
    >>> sure = tf.constant([[9.0, 0.0], [0.0, 9.0], [0.5, 0.0]])
    >>> pictures = tf.zeros((4, 28, 28, 1))
    >>> _, targets, weights = with_pseudo_labels(
    ...     lambda pictures: sure, lambda pictures: pictures,
    ...     pictures, tf.zeros(4, tf.int32), tf.ones(4), recipe, tf.constant([0, 0]),
    ... )
    >>> targets.numpy().tolist(), (3 * weights).numpy().round().tolist()
    ([0, 0, 1, 0], [3.0, 1.0, 1.0, 0.0])
    """
    labelled = recipe.batch_size
    known, unknown = examples[:labelled], examples[labelled:]

    def own(stream: int) -> Any:
        return tf.random.experimental.stateless_fold_in(seed, stream)

    def transformed(strength: float, stream: int) -> Any:
        return random_affine(unknown, strength * recipe.affine, own(stream))

    answers = tf.nn.softmax(answer(transformed(_SLIGHT, 1)))
    sure = tf.cast(tf.reduce_max(answers, axis=-1) >= _SURE, weights.dtype)
    share = recipe.unlabelled_weight * labelled / (recipe.rows_per_step - labelled)
    changed = elastic_deformation(transformed(_STRONG, 2), _BENT * recipe.affine, own(3))
    if recipe.horizontal_flip:
        changed = horizontal_flip(changed, own(4))
    return (
        tf.concat([augmented(known), changed], axis=0),
        tf.concat(
            [targets[:labelled], tf.argmax(answers, axis=-1, output_type=targets.dtype)], axis=0
        ),
        tf.concat([weights[:labelled], sure * share], axis=0),
    )
