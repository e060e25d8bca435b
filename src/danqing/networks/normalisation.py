"""Batch normalisation by TensorFlow's fused operation. Knows no network."""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import keras, tf

__all__ = ["FusedBatchNormalization"]


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
