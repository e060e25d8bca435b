"""A finished run's network as a teacher: what it answers is what another learns. Knows no loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from danqing.networks.architecture import Architecture
from danqing.networks.backend import tf
from danqing.networks.build import build, load_tensors, logits_of
from danqing.runs.run_folder import RunFolder

__all__ = ["Teacher"]


class Teacher:
    r"""Gives targets in place of labels, from the very examples that the student sees.

    For classes the probabilities :math:`\mathrm{softmax}(z)`, which tell more than a label: what
    else an example resembles (Hinton, Vinyals & Dean 2015, "Distilling the knowledge in a neural
    network"). Teacher and student look at the same warped pictures (Beyer, Zhai, Royer, Markeeva,
    Anil & Kolesnikov 2022, "Knowledge distillation: a good teacher is patient and consistent").

    Parameters
    ----------
    run : Run
        Finished. An ensemble teaches by the mean of its answers; one that looks at several views
        of a picture, by the picture itself, which is what the student sees.
    target : tuple of float
        Mean and scale of the student's target, where it is a number.

    Attributes
    ----------
    convolutional : bool
    """

    def __init__(self, run: RunFolder, target: tuple[float, float]) -> None:
        architecture = replace(Architecture.from_json(run.network), tta_views=1)
        model = build(architecture, run.preparation)
        load_tensors(model, run.tensors)
        self.convolutional = architecture.convolutional
        numbers = architecture.task == "regression"
        self._network = model if numbers else logits_of(model)
        self._target = np.array(target) if numbers else None

    def __call__(self, examples: Any) -> Any:
        """Answer raw pictures or encoded rows, shape (n, ...), for use inside graphs.

        Returns
        -------
        Tensor of float, shape (n, classes) or (n,)
            Probabilities; or numbers in the scale of the student's target.
        """
        outputs = self._network(examples, training=False)
        if self._target is None:
            return tf.stop_gradient(tf.nn.softmax(outputs))
        mean, scale = tf.unstack(tf.cast(self._target, outputs.dtype))
        return tf.stop_gradient((outputs[:, 0] - mean) / scale)
