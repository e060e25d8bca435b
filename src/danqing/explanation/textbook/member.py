"""One network that looks once, as a run of its own, so that a page can take it apart.

Knows no page.
"""

from __future__ import annotations

from dataclasses import replace

from danqing.networks.architecture import Architecture
from danqing.networks.onnx_graph import to_onnx
from danqing.runs.run import Run
from danqing.runs.session import Session

__all__ = ["FirstMember"]


class FirstMember(Run):
    """What a run would be with its first network alone, which looks once; read only.

    Settings, data and history are the whole run's; weights and answers the member's.

    Parameters
    ----------
    run : Run
        Of an ensemble, or of several views.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run.folder)
        whole = Architecture.from_json(run.network)
        prefix, alone = whole.prefixes[0], replace(whole, members=1, views=1)
        self.network = {**run.network, **alone.to_json()}
        self.tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in run.tensors.items()
            if name.startswith(prefix)
        }
        self._session = Session(to_onnx(alone, run.preparation, self.tensors))
