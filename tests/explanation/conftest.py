"""Networks without training: what is tested on them needs no good predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from danqing.networks.architecture import design
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import Scaling


@pytest.fixture(scope="session")
def untrained() -> Callable[..., TensorFlowNetwork]:
    """Give a network of random weights, by its spec."""

    def make(
        spec: str, shape: tuple[int, ...] = (12, 12, 1), classes: int = 3, seed: int = 1
    ) -> TensorFlowNetwork:
        length = 1 if len(shape) == 3 else shape[0]
        scaling = Scaling(
            "channel" if len(shape) == 3 else "feature",
            np.full(length, 60.0),
            np.full(length, 80.0),
        )
        preparation = Preparation(scaling, target=(0.0, 1.0) if classes else (5.0, 2.0))
        return TensorFlowNetwork(design(spec, shape, classes), preparation, None, seed)

    return make
