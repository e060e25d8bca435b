"""Preparation: everything fitted on the training rows before the network sees them.

Knows no split (it is given training rows only) and no network (which carries what was fitted).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.preparation.scaling import Scaling, fit_scaling

# What reads tables takes longer to import than a picture to predict.
if TYPE_CHECKING:
    from danqing.data.split import Subset
    from danqing.data.table import Table
    from danqing.preparation.encoding import Encoding
    from danqing.preparation.training_ranges import TrainingRanges

__all__ = ["Preparation", "fit_preparation", "refit_output"]


@dataclass(frozen=True)
class Preparation:
    """Turns raw examples into the network's input, and its output into the target's own unit.

    Attributes
    ----------
    scaling : Scaling
        The network's first layer.
    encoding : Encoding or None
        Of a table's columns; None for pictures.
    target : (mean, scale)
        Of a regression's training targets; the network's last layer.
    pictures_as : mapping
        How picture files become arrays: see `danqing.data.dataset.Dataset`.
    drawings : bool
        Whether the training pictures were made as MNIST's were, so that a drawing must be, too.
    ranges : TrainingRanges or None
        Of a table's columns; None for pictures, and in older runs.
    """

    scaling: Scaling
    encoding: Encoding | None = None
    target: tuple[float, float] = (0.0, 1.0)
    pictures_as: Mapping[str, Any] = field(default_factory=dict)
    drawings: bool = False
    ranges: TrainingRanges | None = None

    def encoded(self, examples: Any) -> NDArray[Any]:
        """Give the network's input: pictures as they are, a table as float32 features."""
        if self.encoding is not None and _is_table(examples):
            return self.encoding.transform(examples)
        return np.asarray(examples)

    def flags(self, examples: Any) -> list[list[str]]:
        """Say of each raw example what is far from the training data; empty lists if nothing is."""
        if self.ranges and self.encoding and _is_table(examples):
            return self.ranges.flags(examples, self.encoding.types)
        return [[] for _ in range(len(examples))]

    def to_json(self) -> dict[str, Any]:
        """Give what was fitted as plain data."""
        return {
            "scaling": self.scaling.to_json(),
            "encoding": self.encoding.to_json() if self.encoding else None,
            "target": list(self.target),
            "pictures_as": dict(self.pictures_as),
            "drawings": self.drawings,
            "ranges": self.ranges.to_json() if self.ranges else None,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Preparation:
        """Rebuild from what `to_json` gave."""
        mean, scale = plain["target"]
        encoding = ranges = None
        if plain["encoding"]:
            from danqing.preparation.encoding import Encoding

            encoding = Encoding.from_json(plain["encoding"])
        if plain.get("ranges"):
            from danqing.preparation.training_ranges import TrainingRanges

            ranges = TrainingRanges.from_json(plain["ranges"])
        return cls(
            Scaling.from_json(plain["scaling"]),
            encoding,
            (float(mean), float(scale)),
            plain["pictures_as"],
            bool(plain["drawings"]),
            ranges,
        )


def fit_preparation(
    subset: Subset,
    scaling: str,
    *,
    pictures_as: Mapping[str, Any] | None = None,
    drawings: bool = False,
) -> Preparation:
    """Fit a preparation on the training rows.

    Parameters
    ----------
    subset : Subset
        The training rows, and no others. Labels that are floats are a regression's targets.
    scaling : {"feature", "channel"}
    pictures_as, drawings
        As in `Preparation`.
    """
    target = _fit_target(subset)
    if _is_table(subset.x):
        from danqing.preparation.encoding import fit_encoding
        from danqing.preparation.training_ranges import fit_ranges

        rows = subset.examples()
        encoding = fit_encoding(rows)
        return Preparation(
            fit_scaling(encoding.transform(rows), scaling),
            encoding,
            target,
            ranges=fit_ranges(rows, encoding.kinds),
        )
    fitted = fit_scaling(subset.x, scaling, subset.rows)
    return Preparation(fitted, None, target, pictures_as or {}, drawings)


def refit_output(preparation: Preparation, subset: Subset) -> Preparation:
    """Fit to other training rows what an output layer depends on; features stay as they are.

    These are the target's scale, and the ranges beyond which a table's values are flagged.

    Raises
    ------
    SourceError
        If the rows lack a column, or a value doesn't fit its column's kind.
    """
    ranges, encoding = None, preparation.encoding
    if encoding is not None and _is_table(subset.x):
        from danqing.preparation.training_ranges import fit_ranges

        table = encoding.typed(cast("Table", subset.x))
        ranges = fit_ranges(table[subset.rows], encoding.kinds)
    return replace(preparation, target=_fit_target(subset), ranges=ranges)


def _fit_target(subset: Subset) -> tuple[float, float]:
    """Give mean and deviation of a regression's targets, which are floats."""
    if not np.issubdtype(subset.y.dtype, np.floating):
        return 0.0, 1.0
    return float(subset.labels.mean()), float(subset.labels.std()) or 1.0


def _is_table(examples: Any) -> bool:
    from danqing.data.table import Table

    return isinstance(examples, Table)
