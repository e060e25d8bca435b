"""What a certificate says, and whether it is good enough to ship. Writes nothing."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset
from danqing.errors import ParityError
from danqing.evaluation.parity import compare_outputs
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder
from danqing.shipping.reference import Reference

__all__ = ["certificate_of", "checked", "compare_smaller"]

_MOST_COST = 0.005  # of accuracy, or of R²
_BATCH = 5000
_NAMES = {"int8": "quantised to int8", "float16": "weights in half precision"}


def certificate_of(run: RunFolder, reference: Reference | None = None) -> dict[str, Any]:
    """Give a run's certificate: of its training, unless a reference is given or it has none.

    Raises
    ------
    ParityError
        If its networks disagree.
    """
    found = run.certificate if reference is None else {}
    if not found:
        found = (reference or Reference(run)).certify()
    return checked(found, run)


def checked(certificate: dict[str, Any], run: RunFolder) -> dict[str, Any]:
    """Refuse a certificate whose networks disagree."""
    if certificate["agrees"]:
        return certificate
    if "reason" in certificate:
        raise ParityError(
            f"{run.name}: its raw examples could not be read as in training "
            f"({certificate['reason']}); nothing is exported"
        )
    agreement = certificate.get("label_agreement")
    labels = "" if agreement is None else f", and {agreement:.2%} of labels agree"
    raise ParityError(
        f"{run.name}: for {certificate['samples']:,} raw samples the exported network's "
        "predictions differ from the trained one's by up to "
        f"{certificate['largest_difference']:.2g}{labels}; nothing is exported"
    )


def compare_smaller(reference: Reference, model: bytes, bits: str) -> dict[str, Any]:
    """Measure what fewer bits cost, on labelled examples.

    Returns
    -------
    dict
        ``weights``: "int8" or "float16"; ``accuracy`` (for regression ``r2``) as ``before``,
        ``after`` and ``cost``; ``n``; ``largest_difference`` and ``label_agreement``.

    Raises
    ------
    ParityError
        If they cost more than half a point.
    """
    run, subset = reference.run, reference.labelled
    before = _outputs(reference.predictor, subset)
    after = _outputs(Predictor(_with_network(run, model)), subset)
    labels, classes = subset.labels, bool(run.class_names)
    scores = [_score(outputs, labels, classes=classes) for outputs in (before, after)]
    cost, metric = scores[0] - scores[1], "accuracy" if classes else "r2"
    if not cost <= _MOST_COST:
        raise ParityError(
            f"{run.name}: {_NAMES[bits]}, it would lose {100 * cost:.2f} points of {metric} on "
            f"{len(labels):,} examples ({scores[0]:.4f} before, {scores[1]:.4f} after); at most "
            f"{100 * _MOST_COST:g} are accepted. Export it as it is"
        )
    figures = compare_outputs(before, after, None if classes else run.preparation.target)
    kept = ("largest_difference", "label_agreement")
    return {
        "weights": bits,
        "n": len(labels),
        metric: {"before": scores[0], "after": scores[1], "cost": cost},
        **{name: figures[name] for name in kept if name in figures},
    }


def _with_network(run: RunFolder, model: bytes) -> RunFolder:
    """Give the run with another ONNX network."""
    other = copy.copy(run)
    other.onnx_model = model
    return other


def _outputs(predictor: Predictor, subset: Subset) -> NDArray[Any]:
    chunks = range(0, len(subset), _BATCH)
    return np.concatenate(
        [predictor.predict_examples(subset.x[subset.rows[at : at + _BATCH]]) for at in chunks]
    )


def _score(outputs: NDArray[Any], labels: NDArray[Any], *, classes: bool) -> float:
    if classes:
        return float((outputs.argmax(axis=1) == labels).mean())
    spread = float(((labels - labels.mean()) ** 2).sum())
    return 1 - float(((outputs - labels) ** 2).sum()) / spread if spread else 0.0
