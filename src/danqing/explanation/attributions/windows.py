"""Attribution by regions of a picture: Grad-CAM over a layer's positions, occlusion by windows.

Knows pictures only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RecipeError
from danqing.networks.backend import tf
from danqing.networks.tensorflow_network import TensorFlowNetwork

__all__ = ["grad_cam", "occlusion"]


def grad_cam(
    network: TensorFlowNetwork, examples: NDArray[Any], targets: NDArray[Any]
) -> NDArray[Any]:
    r"""Show where the last convolutional layer found evidence for the target.

    :math:`L = \mathrm{ReLU}(\sum_k \alpha_k A^k)`, where :math:`\alpha_k` is the mean over the
    positions of :math:`\partial S_c / \partial A^k` (Selvaraju, Cogswell, Das, Vedantam, Parikh &
    Batra 2017, "Grad-CAM", equations 1 and 2), upsampled bilinearly to the picture's
    size. A is the output of `network.conv_layer`.

    Parameters
    ----------
    examples : ndarray, shape (n, height, width, channels)
    targets : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        Never below 0.

    Raises
    ------
    RecipeError
        If the network has no convolutions.
    """
    if not network.conv_layer:
        raise RecipeError(
            "Grad-CAM needs a network with convolutions, but this one has none; choose another "
            "method, such as integrated-gradients"
        )
    graph = network.compiled(_grad_cam, network.examples_spec, network.targets_spec)
    return network.in_batches(graph, examples, targets)


def occlusion(
    network: TensorFlowNetwork,
    examples: NDArray[Any],
    baselines: NDArray[Any],
    targets: NDArray[Any],
) -> NDArray[np.float32]:
    """Measure how far the score falls when a window around each pixel shows the baseline.

    Zeiler & Fergus (2014, "Visualizing and understanding convolutional networks", section 4.2).
    The window's side is a seventh of the picture's, its stride half of that; a pixel's value is
    the mean over all windows that cover it.

    Parameters
    ----------
    examples, baselines : ndarray, shape (n, height, width, channels)
    targets : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        In units of the score; below 0 where occlusion raises it.
    """
    windows = _windows(*examples.shape[1:3])
    covered = windows.sum(axis=0)
    whole = network.scores(examples, targets)
    maps = np.empty(examples.shape[:3], np.float32)
    for row, (example, baseline) in enumerate(zip(examples, baselines, strict=True)):
        hidden = np.where(windows[..., None], baseline, example)
        falls = whole[row] - network.scores(hidden, np.full(len(windows), targets[row]))
        maps[row] = np.tensordot(falls, windows, axes=1) / covered
    return maps


def _windows(height: int, width: int) -> NDArray[np.bool_]:
    """Make a mask for each window, shape (windows, height, width); every pixel is in one."""
    side = max(2, round(min(height, width) / 7))
    step = max(1, side // 2)
    tops = sorted({*range(0, height - side, step), height - side})
    lefts = sorted({*range(0, width - side, step), width - side})
    masks = np.zeros((len(tops), len(lefts), height, width), bool)
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            masks[i, j, top : top + side, left : left + side] = True
    return masks.reshape(-1, height, width)


def _grad_cam(network: TensorFlowNetwork, examples: Any, targets: Any) -> Any:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(examples)
        *maps, outputs = network.conv_and_outputs(examples, training=False)  # type: ignore[misc]
        total = tf.reduce_sum(network.score_of(outputs, targets))
    inner = tf.concat(maps, axis=-1)
    gradients = tf.concat(tape.gradient(total, maps), axis=-1)
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    places = tf.nn.relu(tf.reduce_sum(weights * inner, axis=-1, keepdims=True))
    return tf.image.resize(places, examples.shape[1:3], "bilinear")[..., 0]
