"""One network of an ensemble as a run of its own. Knows no page and no metrics."""

from __future__ import annotations

from dataclasses import replace

from danqing.networks.architecture import Architecture
from danqing.networks.onnx_graph import to_onnx
from danqing.runs.run_folder import RunFolder

__all__ = ["EnsembleMember"]


class EnsembleMember(RunFolder):
    """A run reduced to one of its networks; read only.

    Settings, data and history are the whole run's; weights and predictions the member's.

    Parameters
    ----------
    run : RunFolder
        Of a single network, too: it is member 1.
    number : int
        From 1.
    tta_views : int, optional
        How many views of a picture a prediction is averaged over; the run's if not given.
    """

    def __init__(self, run: RunFolder, number: int = 1, *, tta_views: int | None = None) -> None:
        super().__init__(run.folder)
        whole = Architecture.from_json(run.network)
        prefix = whole.prefixes[number - 1]
        alone = replace(
            whole, members=1, tta_views=whole.tta_views if tta_views is None else tta_views
        )
        self.network = {**run.network, **alone.to_json()}
        self.tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in run.tensors.items()
            if name.startswith(prefix)
        }
        self.onnx_model = to_onnx(alone, run.preparation, self.tensors)
