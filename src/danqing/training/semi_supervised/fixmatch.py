"""FixMatch: the network's confident predictions are pseudo-labels of unlabelled pictures.

Knows no network, only how it predicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from danqing.networks.backend import tf
from danqing.training.augmentation.affine import random_affine
from danqing.training.augmentation.augment import augment
from danqing.training.augmentation.elastic import elastic_deformation
from danqing.training.augmentation.horizontal_flip import horizontal_flip
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch

__all__ = ["with_pseudo_labels"]

_CONFIDENCE = 0.95
# Times the recipe's affine strength: weak to predict from, strong and elastic, too, to learn from.
_WEAK, _STRONG, _ELASTIC = 0.5, 1.5, 1.0


def with_pseudo_labels(
    batch: Batch, predict: Callable[[Any], Any], settings: GraphSettings, seed: Any
) -> Batch:
    r"""Augment a batch, and label the later rows, which have no labels, by predictions.

    Each picture x without a label is augmented weakly, :math:`\alpha(x)`, and strongly,
    :math:`A(x)`. Where the prediction is confident, :math:`\max_c p_c(\alpha(x)) \ge 0.95`, its
    class is the target of :math:`A(x)`; the others have weight 0 in this step. So the loss is

    .. math::
        \frac{1}{B} \sum_i H(y_i, p(x_i)) + \frac{\lambda}{\mu B} \sum_j
        [\max_c p_c(\alpha(x_j)) \ge 0.95]\, H(\arg\max_c p_c(\alpha(x_j)), p(A(x_j)))

    up to a factor, with B labelled rows and :math:`\mu B` others (Sohn et al. 2020, "FixMatch:
    simplifying semi-supervised learning with consistency and confidence", NeurIPS).

    Parameters
    ----------
    batch : Batch
        Pictures, of which the first `settings.batch_size` have labels; targets and weights of the
        others are not used.
    predict : callable
        From pictures to logits, by the weights before the step.
    settings : GraphSettings
        For `batch_size`, `unlabelled_weight` and augmentation.
    seed : Tensor of int32, shape (2,)
        The augmentation is a pure function of it.

    Examples
    --------
    >>> from danqing import Recipe
    >>> settings = GraphSettings.of(Recipe(batch_size=1, unlabelled_weight=1.0))
    >>> batch = Batch(tf.zeros((4, 28, 28, 1)), tf.zeros(4, tf.int32), tf.ones(4))
    >>> logits = tf.constant([[9.0, 0.0], [0.0, 9.0], [0.5, 0.0]])
    >>> batch = with_pseudo_labels(batch, lambda pictures: logits, settings, tf.constant([0, 0]))
    >>> batch.targets.numpy().tolist(), (3 * batch.weights).numpy().round().tolist()
    ([0, 0, 1, 0], [3.0, 1.0, 1.0, 0.0])
    """
    count, (examples, targets, weights, _) = settings.batch_size, batch
    labelled, unlabelled = examples[:count], examples[count:]

    def stream(number: int) -> Any:
        return tf.random.experimental.stateless_fold_in(seed, number)

    def affine(strength: float, number: int) -> Any:
        return random_affine(unlabelled, strength * settings.affine, stream(number))

    probabilities = tf.nn.softmax(predict(affine(_WEAK, 1)))
    confident = tf.cast(tf.reduce_max(probabilities, axis=-1) >= _CONFIDENCE, weights.dtype)
    weight = settings.unlabelled_weight * count / (settings.rows_per_step - count)
    strong = elastic_deformation(affine(_STRONG, 2), _ELASTIC * settings.affine, stream(3))
    if settings.horizontal_flip:
        strong = horizontal_flip(strong, stream(4))
    classes = tf.argmax(probabilities, axis=-1, output_type=targets.dtype)
    return Batch(
        tf.concat([augment(labelled, settings, seed), strong], axis=0),
        tf.concat([targets[:count], classes], axis=0),
        tf.concat([weights[:count], confident * weight], axis=0),
    )
