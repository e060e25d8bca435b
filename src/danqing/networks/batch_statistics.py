"""The means and variances by which batchnorm normalises. Knows no training."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import tf
from danqing.networks.layers.normalisation import BATCHNORM_MOMENTUM

__all__ = ["batch_statistics", "is_statistic"]


def is_statistic(variable: Any) -> bool:
    """Whether a network's variable is a running mean or variance."""
    return variable.path.rpartition("/")[2] in ("moving_mean", "moving_variance")


def batch_statistics(
    network: Any, parameters: list[Any], others: list[Any], examples: Any
) -> list[Any]:
    """Compute a batch's own mean and variance in every batchnorm layer.

    Parameters
    ----------
    network : keras.Model
    parameters, others : list of Tensor
        The values of its trainable and of its other variables.
    examples : Tensor, or list of Tensor
        The network's input.

    Returns
    -------
    list of Tensor
        One for each variable that `is_statistic`.
    """
    chosen = [is_statistic(variable) for variable in network.non_trainable_variables]
    # Starting from zeros, a running average becomes the batch's statistic times 1 - momentum.
    before = [
        tf.zeros_like(value) if statistic else value
        for value, statistic in zip(others, chosen, strict=True)
    ]
    _, after = network.stateless_call(parameters, before, examples, training=True)
    return [
        value / (1 - BATCHNORM_MOMENTUM)
        for value, statistic in zip(after, chosen, strict=True)
        if statistic
    ]
