"""Distillation: the predictions of a finished run are another network's targets. Knows no loop."""

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
    r"""Predicts targets that replace the labels, from the very examples that the student sees.

    For classes the probabilities :math:`\mathrm{softmax}(z)`, which carry more than a label: what
    else an example resembles (Hinton, Vinyals & Dean 2015, "Distilling the knowledge in a neural
    network"). Teacher and student see the same augmented pictures (Beyer, Zhai, Royer, Markeeva,
    Anil & Kolesnikov 2022, "Knowledge distillation: a good teacher is patient and consistent").

    Parameters
    ----------
    run : RunFolder
        Finished. An ensemble teaches its mean prediction. Test-time augmentation is left out: the
        teacher sees what the student sees.
    target : tuple of float
        Mean and scale of the student's target, for regression.

    Attributes
    ----------
    convolutional : bool
    """

    def __init__(self, run: RunFolder, target: tuple[float, float]) -> None:
        architecture = replace(Architecture.from_json(run.network), tta_views=1)
        model = build(architecture, run.preparation)
        load_tensors(model, run.tensors)
        self.convolutional = architecture.convolutional
        self._network, self._line = logits_of(model), None
        if architecture.task == "regression":
            # From the teacher's standardised scale to the student's; by way of the target's own
            # unit float32 would lose digits.
            (mean, scale), (own_mean, own_scale) = run.preparation.target, target
            self._line = np.array([scale / own_scale, (mean - own_mean) / own_scale])

    def __call__(self, examples: Any) -> Any:
        """Predict for raw pictures or encoded rows, shape (n, ...), inside a graph.

        Returns
        -------
        Tensor of float, shape (n, classes) or (n,)
            Probabilities, or numbers in the student's standardised scale.
        """
        outputs = self._network(examples, training=False)
        if self._line is None:
            return tf.stop_gradient(tf.nn.softmax(outputs))
        slope, offset = tf.unstack(tf.cast(self._line, outputs.dtype))
        return tf.stop_gradient(outputs[:, 0] * slope + offset)
