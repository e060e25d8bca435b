"""A run's network in TensorFlow, ready to be asked for scores, their gradients and inner layers.

Knows no method of explanation, and no files: architecture, preparation and weights are handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RunError
from danqing.networks.architecture import Architecture
from danqing.networks.backend import keras, tf
from danqing.networks.build import build, load_tensors, logits_of, tensors_of
from danqing.preparation.preparation import Preparation
from danqing.runs.run_folder import RunFolder

__all__ = ["Network", "network_of", "randomise", "tensor"]

_VALUES = 1 << 22  # input values in memory at once


class Network:
    r"""Scores of examples, and what can be computed from them.

    The score of a class is the logit of its probability,
    :math:`\ln p_c / (1 - p_c) = z_c - \ln \sum_{j \ne c} e^{z_j}`. Unlike the probability it does
    not press together what is nearly sure; unlike :math:`z_c` alone it tells what the answer rests
    on: softmax ignores what is added to all :math:`z_j`. The score of a regression is the number
    it tells. An ensemble is one network that answers by the mean probability, and its score is that
    probability's logit; its features and its last convolutions are those of all members. So it is
    with several views, but for features and convolutions, which are of one look.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray, optional
        The weights by name; fresh random ones if not given.
    seed : int
        Of the random ones.

    Attributes
    ----------
    classes : int
        0 for regression.
    unit : float
        The scale of a score: 1 for classes, a regression's standard deviation of its targets.
    conv_layer : str
        The last layer that still has places of the picture, after the last convolution; empty
        without convolutions.

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> from danqing.preparation.scaling import Scaling
    >>> scaling = Scaling("feature", np.zeros(3), np.ones(3))
    >>> network = Network(design("dense(4)", (3,), 2), Preparation(scaling))
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
        # Inner layers are those of one look at the picture.
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
        self.outputs = model if regression else logits_of(model)
        features = [layer.input for layer in inner("output")]
        self.before_output = keras.Model(
            once.input,
            features[0] if len(features) == 1 else keras.ops.concatenate(features, axis=-1),
        )
        self.conv_and_outputs = None
        if self.conv_layer:
            maps = [layer.output for layer in inner(self.conv_layer)]
            outputs = once if regression else logits_of(once)
            self.conv_and_outputs = keras.Model(once.input, [*maps, outputs.outputs[0]])
        self._graphs: dict[str, Any] = {}

    def score(self, examples: Any, targets: Any) -> Any:
        """Give each row's score of its target, as tensors, shape (n,); for use inside graphs."""
        return self.score_of(self.outputs(examples, training=False), targets)

    def score_of(self, outputs: Any, targets: Any) -> Any:
        """Give the scores from logits, shape (n, classes), or from a regression's numbers."""
        chosen = tf.gather(outputs, targets, axis=1, batch_dims=1)
        if not self.classes:
            return chosen
        is_chosen = tf.one_hot(targets, self.classes, on_value=True, off_value=False)
        others = tf.where(is_chosen, outputs.dtype.min, outputs)
        return chosen - tf.reduce_logsumexp(others, axis=1)

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
        graph = self.compiled(Network.score, self.examples_spec, self.targets_spec)
        return np.asarray(self.in_parts(graph, examples, targets))

    def features(self, examples: NDArray[Any]) -> NDArray[np.float32]:
        """Give what the output layer sees of each example, shape (n, units)."""
        graph = self.compiled(_before_output, self.examples_spec)
        return np.asarray(self.in_parts(graph, examples))

    def in_parts(self, graph: Any, examples: NDArray[Any], *others: NDArray[Any]) -> NDArray[Any]:
        """Call a graph on as many rows at a time as memory should hold; integers become int32."""
        parts = []
        for start in range(0, max(1, len(examples)), self.rows_at_once):
            rows = slice(start, start + self.rows_at_once)
            parts.append(np.asarray(graph(*map(tensor, (a[rows] for a in (examples, *others))))))
        return np.concatenate(parts)


def network_of(run: RunFolder) -> Network:
    """Rebuild the network of a run.

    Raises
    ------
    RunError
        If its files are missing or damaged.
    """
    tensors = run.tensors
    try:
        return Network(Architecture.from_json(run.network), run.preparation, tensors)
    except (LookupError, TypeError, ValueError):
        raise RunError(
            f"{run.folder}: weights.safetensors and network.json don't fit each other; train again"
        ) from None


def randomise(network: Network, seed: int) -> None:
    """Draw all weights of a network anew, as before a training; its compiled graphs stay."""
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


def _before_output(network: Network, examples: Any) -> Any:
    return network.before_output(examples, training=False)


def tensor(array: NDArray[Any]) -> Any:
    """Give an array to a graph: targets as int32, all else as float32."""
    whole = array.ndim == 1 and array.dtype.kind in "iu"
    return tf.constant(np.asarray(array, np.int32 if whole else np.float32))
