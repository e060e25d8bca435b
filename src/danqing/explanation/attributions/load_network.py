"""A run's network, ready to be explained. Knows no method of explanation."""

from __future__ import annotations

from danqing.errors import RunError
from danqing.networks.architecture import Architecture
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.runs.run_folder import RunFolder

__all__ = ["load_network"]


def load_network(run: RunFolder) -> TensorFlowNetwork:
    """Rebuild the network of a run.

    Raises
    ------
    RunError
        If its files are missing or damaged.
    """
    tensors = run.tensors
    try:
        return TensorFlowNetwork(Architecture.from_json(run.network), run.preparation, tensors)
    except (LookupError, TypeError, ValueError):
        raise RunError(
            f"{run.folder}: weights.safetensors and network.json don't fit each other; train again"
        ) from None
