"""Keras layers that Keras lacks, or has slower: affine maps, batchnorm, temperature.

Knows no network.
"""

from __future__ import annotations

from typing import Any

from danqing.networks.backend import keras, tf
from danqing.networks.temperature import LEAST_PROBABILITY

__all__ = ["Affine", "FusedBatchNormalization", "TemperatureScaling", "TemperedSoftmax"]


class Affine(keras.layers.Layer):  # type: ignore[misc]
    """y = x * scale + offset, with numbers that training does not change.

    They are weights, not constants, so that one compiled graph serves any data of its shape.

    Parameters
    ----------
    scale, offset : ndarray of float64
        Of one shape, which broadcasts against an example's.

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
    r"""Keras' layer, faster in training on pictures: one operation instead of a dozen.

    :math:`y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`, with the batch's mean and
    variance of each channel (Ioffe & Szegedy 2015, "Batch normalization", algorithm 1).

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


class TemperedSoftmax(keras.layers.Layer):  # type: ignore[misc]
    r"""From logits to probabilities, :math:`\mathrm{softmax}(z / T)` (Guo et al. 2017).

    Examples
    --------
    >>> TemperedSoftmax(0.5)(tf.math.log([[1.0, 2.0]])).numpy().round(3).tolist()
    [[0.20000000298023224, 0.800000011920929]]
    """

    def __init__(self, temperature: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = temperature

    def call(self, inputs: Any) -> Any:
        """Give (n, classes)."""
        return tf.nn.softmax(inputs / self.temperature)


class TemperatureScaling(keras.layers.Layer):  # type: ignore[misc]
    r"""From mean probabilities to calibrated ones, :math:`\mathrm{softmax}(\ln p / T)`.

    Examples
    --------
    >>> TemperatureScaling(0.5)(tf.constant([[1 / 3, 2 / 3]])).numpy().round(3).tolist()
    [[0.20000000298023224, 0.800000011920929]]
    """

    def __init__(self, temperature: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.temperature = temperature

    def call(self, inputs: Any) -> Any:
        """Give (n, classes)."""
        logs = tf.math.log(tf.maximum(inputs, LEAST_PROBABILITY))
        return tf.nn.softmax(logs / self.temperature)
