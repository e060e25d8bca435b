"""A trained network in TensorFlow: scores of classes, their gradients, inner layers.

Knows no method of explanation, and no files: architecture, preparation and weights are handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture
from danqing.networks.backend import keras, tf
from danqing.networks.build import build, load_tensors, logits_of, tensors_of
from danqing.networks.outputs import class_scores
from danqing.preparation.preparation import Preparation

__all__ = ["TensorFlowNetwork", "randomise", "tensor"]

_VALUES = 1 << 22  # input values in memory at once


class TensorFlowNetwork:
    r"""Scores of examples, and what can be computed from them.

    The score of a class is the logit of its probability at temperature 1,
    :math:`\ln p_c / (1 - p_c) = z_c - \ln \sum_{j \ne c} e^{z_j}`. Unlike the probability it does
    not saturate near certainty; unlike :math:`z_c` alone it is what the prediction depends on:
    softmax ignores a constant added to all :math:`z_j`. The score of a regression is how far the
    predicted number is above the mean of the training targets, in the target's unit: adding that
    mean would cost digits, and no difference or gradient depends on it. An ensemble is one network,
    whose score is the logit of its mean probability; its features and last convolutions are those
    of all members. Test-time augmentation counts in scores alike, but features and convolutions
    are those of the picture itself.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray, optional
        The weights by name; randomly initialised if not given.
    seed : int
        Of the random weights.

    Attributes
    ----------
    classes : int
        0 for regression.
    unit : float
        The scale of a score: 1 for classes; for regression the targets' standard deviation.
    conv_layer : str
        The last layer after the last convolution whose output still has height and width; empty
        without convolutions.

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> from danqing.preparation.scaling import Scaling
    >>> scaling = Scaling("feature", np.zeros(3), np.ones(3))
    >>> network = TensorFlowNetwork(design("dense(4)", (3,), 2), Preparation(scaling))
    >>> network.scores(np.ones((5, 3)), np.zeros(5, int)).shape
    (5,)
    """

    def __init__(
        self,
        architecture: Architecture,
        preparation: Preparation,
        tensors: dict[str, NDArray[Any]] | None = None,
        seed: int = 0,
    ) -> None:
        model = build(architecture, preparation, seed)
        # Inner layers are those of the picture itself.
        once = model
        if architecture.tta_views > 1:
            once = build(replace(architecture, tta_views=1), preparation, seed)
        self.architecture, self.preparation = architecture, preparation
        self.model, self.once = model, once
        for one in (model, once):
            if tensors is not None:
                load_tensors(one, tensors)
        regression = architecture.task == "regression"
        self.classes = 0 if regression else architecture.outputs
        self.unit = float(preparation.target[1]) if regression else 1.0
        self.conv_layer = _last_conv_layer(architecture)
        prefixes = [prefix.replace("/", ".") for prefix in architecture.prefixes]

        def inner(name: str) -> list[Any]:
            """Give a layer of each member."""
            return [once.get_layer(f"{prefix}{name}") for prefix in prefixes]

        self.input_shape = architecture.input_shape
        self.rows_at_once = int(np.clip(_VALUES // np.prod(self.input_shape), 8, 256))
        self.outputs = logits_of(model)
        features = [layer.input for layer in inner("output")]
        self.before_output = keras.Model(
            once.input,
            features[0] if len(features) == 1 else keras.ops.concatenate(features, axis=-1),
        )
        self.conv_and_outputs = None
        if self.conv_layer:
            maps = [layer.output for layer in inner(self.conv_layer)]
            self.conv_and_outputs = keras.Model(once.input, [*maps, logits_of(once).outputs[0]])
        self._graphs: dict[str, Any] = {}

    def score(self, examples: Any, targets: Any) -> Any:
        """Give each row's score of its target, as tensors, shape (n,); for use inside graphs."""
        return self.score_of(self.outputs(examples, training=False), targets)

    def score_of(self, outputs: Any, targets: Any) -> Any:
        """Give the scores from logits, shape (n, classes), or standardised numbers, (n, 1)."""
        return class_scores(outputs, targets) if self.classes else outputs[:, 0] * self.unit

    def gradient(self, examples: Any, targets: Any) -> Any:
        """Give the gradient of `score` by the examples, as tensors; for use inside graphs."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(examples)
            scores = self.score(examples, targets)
        return tape.gradient(scores, examples)

    def compiled(self, function: Callable[..., Any], *signature: Any) -> Any:
        """Compile ``function(network, ...)`` once; the graph is kept with this network."""
        key = f"{function.__module__}.{function.__qualname__}"
        if key not in self._graphs:
            self._graphs[key] = tf.function(partial(function, self), input_signature=signature)
        return self._graphs[key]

    @property
    def examples_spec(self) -> Any:
        """Any number of examples, float32."""
        return tf.TensorSpec((None, *self.input_shape), tf.float32)

    @property
    def targets_spec(self) -> Any:
        """Any number of targets, int32."""
        return tf.TensorSpec((None,), tf.int32)

    def scores(self, examples: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float32]:
        """Give each example's score of its target.

        Parameters
        ----------
        examples : ndarray, shape (n, height, width, channels) or (n, features)
            Raw pixels from 0 to 255, or encoded rows.
        targets : ndarray of int, shape (n,)
            Classes; zeros for regression.

        Returns
        -------
        ndarray of float32, shape (n,)
        """
        graph = self.compiled(TensorFlowNetwork.score, self.examples_spec, self.targets_spec)
        return np.asarray(self.in_batches(graph, examples, targets))

    def features(self, examples: NDArray[Any]) -> NDArray[np.float32]:
        """Give the output layer's input for each example, shape (n, units)."""
        graph = self.compiled(_before_output, self.examples_spec)
        return np.asarray(self.in_batches(graph, examples))

    def in_batches(self, graph: Any, examples: NDArray[Any], *others: NDArray[Any]) -> NDArray[Any]:
        """Call a graph on as many rows at a time as fit into memory; integers become int32."""
        batches = []
        for start in range(0, max(1, len(examples)), self.rows_at_once):
            rows = slice(start, start + self.rows_at_once)
            batches.append(np.asarray(graph(*map(tensor, (a[rows] for a in (examples, *others))))))
        return np.concatenate(batches)


def randomise(network: TensorFlowNetwork, seed: int) -> None:
    """Draw all weights anew, as before training; compiled graphs stay valid."""
    fresh = build(network.architecture, network.preparation, seed)
    for model in (network.model, network.once):
        load_tensors(model, tensors_of(fresh))


def _last_conv_layer(architecture: Architecture) -> str:
    found, convolved = "", False
    for layer in architecture.layers:
        convolved = convolved or layer.kind == "conv"
        if convolved and len(layer.output_shape) == 3 and layer.kind != "dropout":
            found = layer.name
    return found


def _before_output(network: TensorFlowNetwork, examples: Any) -> Any:
    return network.before_output(examples, training=False)


def tensor(array: NDArray[Any]) -> Any:
    """Give an array to a graph: targets as int32, all else as float32."""
    whole = array.ndim == 1 and array.dtype.kind in "iu"
    return tf.constant(np.asarray(array, np.int32 if whole else np.float32))
