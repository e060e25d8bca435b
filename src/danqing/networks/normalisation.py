"""Layers that normalise: by fixed numbers, and by those of the batch. Knows no network."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import keras, tf

__all__ = ["MOMENTUM", "Affine", "FusedBatchNormalization", "batch_statistics", "is_statistic"]

MOMENTUM = 0.95
"""Of the running mean and variance, kept at each step."""


class Affine(keras.layers.Layer):  # type: ignore[misc]
    """y = x * scale + offset, by numbers that training does not change.

    They are weights, not constants, so that one compiled graph serves any data of its shape.

    Parameters
    ----------
    scale, offset : ndarray of float64
        Of equal shapes that broadcast against an example.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(Affine(np.array([2.0]), np.array([1.0]))(tf.ones((1, 1)))).tolist()
    [[3.0]]
    """

    def __init__(self, scale: Any, offset: Any, **settings: Any) -> None:
        super().__init__(trainable=False, **settings)
        self.scale, self.offset = (
            self.add_weight(
                shape=value.shape,
                initializer=keras.initializers.Constant(value),
                trainable=False,
                name=name,
            )
            for name, value in (("scale", scale), ("offset", offset))
        )

    def call(self, inputs: Any) -> Any:
        """Apply the map."""
        return inputs * self.scale + self.offset


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    r"""Keras' layer, faster in training on pictures: one operation in place of a dozen.

    :math:`y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`, with mean and variance of the
    batch for each channel (Ioffe & Szegedy 2015, "Batch normalization", algorithm 1).

    Examples
    --------
    >>> layer = FusedBatchNormalization()
    >>> y = layer(tf.random.normal((8, 4, 4, 2)), training=True)
    >>> bool(abs(float(tf.reduce_mean(y))) < 1e-5)
    True
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise; in training, move the running mean and variance towards the batch's."""
        if not training or len(inputs.shape) != 4 or inputs.dtype != "float32":
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1 - keep))
        return outputs


def is_statistic(variable: Any) -> bool:
    """Tell whether a network's variable is a running mean or variance."""
    return variable.path.rpartition("/")[2] in ("moving_mean", "moving_variance")


def batch_statistics(
    network: Any, parameters: list[Any], others: list[Any], examples: Any
) -> list[Any]:
    """Give a batch's own means and variances in every layer that normalises by them.

    Parameters
    ----------
    network : keras.Model
    parameters, others : list of Tensor
        In the place of its trainable and its other variables.
    examples : Tensor, or list of Tensor
        What it takes.

    Returns
    -------
    list of Tensor
        One in the place of each variable that `is_statistic`.
    """
    chosen = [is_statistic(variable) for variable in network.non_trainable_variables]
    # Of nothing, the running average keeps nothing, so what it becomes is the batch's share.
    before = [
        tf.zeros_like(value) if statistic else value
        for value, statistic in zip(others, chosen, strict=True)
    ]
    _, after = network.stateless_call(parameters, before, examples, training=True)
    return [
        value / (1 - MOMENTUM) for value, statistic in zip(after, chosen, strict=True) if statistic
    ]
