"""Attribution methods by name: from examples to a signed number per pixel or feature.

Knows no sanity checks and no page. The default method was chosen by measurement.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RecipeError
from danqing.explanation.attributions.gradients import (
    gradients,
    integrated_gradients,
    smooth_gradients,
)
from danqing.explanation.attributions.windows import grad_cam, occlusion
from danqing.networks.tensorflow_network import TensorFlowNetwork

__all__ = ["DEFAULT_METHOD", "METHODS", "attribute", "methods_for"]

METHODS = ("integrated-gradients", "gradient", "smoothgrad", "grad-cam", "occlusion")
DEFAULT_METHOD = "integrated-gradients"


def methods_for(network: TensorFlowNetwork) -> tuple[str, ...]:
    """List the methods that suit a network: for tables only integrated gradients.

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> from danqing.preparation.preparation import Preparation
    >>> from danqing.preparation.scaling import Scaling
    >>> scaling = Scaling("channel", np.zeros(1), np.ones(1))
    >>> methods_for(TensorFlowNetwork(design("dense(4)", (8, 8, 1), 2), Preparation(scaling)))
    ('integrated-gradients', 'gradient', 'smoothgrad', 'occlusion')
    """
    if len(network.input_shape) == 1:
        return (DEFAULT_METHOD,)
    return tuple(name for name in METHODS if name != "grad-cam" or network.conv_layer)


def attribute(
    method: str,
    network: TensorFlowNetwork,
    examples: NDArray[Any],
    baselines: NDArray[Any],
    targets: NDArray[Any],
    *,
    seed: int = 0,
    tolerance: float = 0.01,
) -> NDArray[np.float32]:
    """Attribute each example's score to its pixels (channels are summed) or features.

    Parameters
    ----------
    method : str
        One of `methods_for` the network.
    examples, baselines : ndarray, shape (n, height, width, channels) or (n, features)
    targets : ndarray of int, shape (n,)
    seed : int
        For SmoothGrad's noise.
    tolerance : float
        For integrated gradients' completeness gap.

    Returns
    -------
    ndarray of float32, shape (n, height, width) or (n, features)
        Above 0: evidence for the target.

    Raises
    ------
    RecipeError
        If the method is unknown, or does not suit the network.
    """
    match method:
        case "gradient":
            found = gradients(network, examples, targets)
        case "smoothgrad":
            found = smooth_gradients(network, examples, targets, seed=seed)
        case "integrated-gradients":
            found = integrated_gradients(
                network, examples, baselines, targets, tolerance=tolerance
            ).values
        case "grad-cam":
            return grad_cam(network, examples, targets)
        case "occlusion":
            return occlusion(network, examples, baselines, targets)
        case _:
            raise RecipeError(f"method {method!r} is unknown; expected one of {', '.join(METHODS)}")
    return found.sum(axis=-1) if found.ndim == 4 else found
