"""What a run folder records before the first step: all that decides a training, and its origin.

Knows no weights.
"""

from __future__ import annotations

import platform
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing import __version__
from danqing.data.split import Subset, short_digests
from danqing.data.stratify import SPLIT_SEED
from danqing.runs.metadata import Metadata
from danqing.runs.run_folder import RunFolder
from danqing.training.prepare_training import TrainingPlan

__all__ = ["describe_training", "learned_rows"]


def describe_training(plan: TrainingPlan) -> Metadata:
    """Describe a training: its settings, its data and its network."""
    network = {**plan.architecture.to_json(), "preparation": plan.preparation.to_json()}
    return Metadata(_config(plan), _data(plan), network)


def learned_rows(plan: TrainingPlan) -> NDArray[np.uint64]:
    """Give 64 bits of the digest of every row that the network learns from.

    Pictures without labels are among them; so are the rows of the run that is fine-tuned, as far
    as it keeps their digests.
    """
    splits, own = plan.splits, [plan.splits.train]
    if plan.recipe.unlabelled_weight and splits.unlabelled:
        own.append(splits.unlabelled)
    if plan.resized:  # other data are compared as the network sees them
        own = [replace(subset, digests=None) for subset in own]
    rows = [short_digests(subset) for subset in own]
    if plan.recipe.unlabelled_weight and plan.unlabelled:
        every = np.arange(len(plan.unlabelled.pictures))
        rows.append(short_digests(Subset(plan.unlabelled.pictures, every, every)))
    earlier = plan.base.training_rows if plan.base else None
    if earlier is not None:
        rows.append(earlier)
    return np.concatenate(rows)


def _config(plan: TrainingPlan) -> dict[str, Any]:
    return {
        **plan.recipe.model_dump(),
        "spec": plan.recipe.spec,
        "columns": dict(plan.dataset.columns),
        "from": _identity(plan.base),
        "teacher": _identity(plan.teacher),
        **({"transfer": plan.transfer.to_json(plan.recipe)} if plan.transfer else {}),
        "versions": {
            "danqing": __version__,
            "keras": version("keras"),
            "numpy": version("numpy"),
            "tensorflow": _tensorflow_version(),
            "python": platform.python_version(),
        },
    }


def _data(plan: TrainingPlan) -> dict[str, Any]:
    dataset, splits, encoding = plan.dataset, plan.splits, plan.preparation.encoding
    counts = {name: len(getattr(splits, name)) for name in ("train", "validation", "test")}
    if plan.unlabelled_rows:
        counts["unlabelled"] = plan.unlabelled_rows
    return {
        "name": dataset.name,
        "source": dataset.source,
        "task": dataset.task,
        "target": dataset.target,
        "fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "label_type": dataset.label_type,
        "input_shape": list(dataset.input_shape),
        "counts": counts,
        **({"unlabelled": plan.unlabelled.to_json()} if plan.unlabelled else {}),
        "removed": {**dataset.removed, **splits.removed},
        "notes": list(dataset.notes),
        "columns_left_out": dict(encoding.dropped) if encoding else {},
        "split": {
            "seed": SPLIT_SEED,
            "validation_share": plan.recipe.validation_share,
            "digests": {
                name: getattr(splits, name).digest for name in ("train", "validation", "test")
            },
        },
    }


def _identity(run: RunFolder | None) -> dict[str, str] | None:
    if run is None:
        return None
    return {"run": str(run.folder), "weights": run.weights_digest}


def _tensorflow_version() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except ModuleNotFoundError:
            continue
    return "unknown"
