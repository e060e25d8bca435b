"""Whether an exported network predicts as the trained one does, from raw examples on.

The raw side reads examples as users hand them in: picture files and table files are read again,
resized and encoded by the predictor itself. Knows no Keras: its outputs are handed in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Splits, Subset
from danqing.data.table import Table
from danqing.data.tables.table_files import TABLE_SUFFIXES, read_rows
from danqing.errors import DanqingError, PictureError
from danqing.prediction.inputs import read_picture_files
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import Preparation

__all__ = [
    "SAMPLES",
    "TOLERANCE",
    "Samples",
    "certify",
    "choose_samples",
    "compare_outputs",
    "seconds_to_compare_raw",
]

SAMPLES = 1000
"""How many examples are compared, if there are so many."""

TOLERANCE = 1e-4
"""The largest difference that counts as none: of a probability, or in standard deviations."""

_SECONDS = 3.0  # for reading pictures again; large photos may not all be read in that time
_FILES = 50  # that are read at once
_LARGEST_TABLE = 1 << 25  # bytes of a file that is read again

Outputs = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Samples:
    """Some rows of a data set, of one or several of its subsets.

    Attributes
    ----------
    subsets : tuple of Subset
    where : str
        Which subsets they are, in words.
    """

    subsets: tuple[Subset, ...] = field(repr=False)
    where: str

    def __len__(self) -> int:
        return sum(map(len, self.subsets))

    def examples(self) -> list[Any]:
        """Load the examples of each subset, as a Dataset has them."""
        return [subset.examples() for subset in self.subsets]


def choose_samples(splits: Splits, count: int = SAMPLES) -> Samples:
    """Choose rows evenly: of the test set, then of the validation and training sets.

    Examples
    --------
    >>> from danqing import load_data
    >>> from danqing.data.split import split
    >>> samples = choose_samples(split(load_data("iris"), 0.1), 40)
    >>> len(samples), samples.where
    (40, 'test and validation set')
    """
    found: list[Subset] = []
    names = []
    for name in ("test", "validation", "train"):
        subset: Subset = getattr(splits, name)
        wanted = min(count - sum(map(len, found)), len(subset))
        if wanted > 0:
            places = np.arange(wanted) * len(subset) // wanted
            found.append(Subset(subset.x, subset.y, subset.rows[places], subset.names))
            names.append(name if name != "train" else "training")
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return Samples(tuple(found), f"{listed} set")


def compare_outputs(
    expected: NDArray[Any], found: NDArray[Any], target: tuple[float, float] | None = None
) -> dict[str, Any]:
    """Compare two networks' outputs for the same examples.

    Parameters
    ----------
    expected, found : ndarray, shape (n, classes), (n, 1) or (n,)
    target : (mean, scale), optional
        Of a regression's targets; outputs are probabilities if not given.

    Returns
    -------
    dict
        ``samples``, ``largest_difference``, of classifiers ``label_agreement``; ``agrees``:
        whether they are the same but for rounding.

    Examples
    --------
    >>> compare_outputs(np.array([[0.7, 0.3]]), np.array([[0.2, 0.8]]))
    {'samples': 1, 'largest_difference': 0.5, 'label_agreement': 0.0, 'agrees': False}
    """
    float32 = np.asarray(found).dtype == np.float32
    expected, found = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (expected, found))
    differences = np.abs(expected - found)
    largest = float(differences.max()) if differences.size else 0.0
    figures: dict[str, Any] = {"samples": len(expected), "largest_difference": largest}
    allowed, agree = TOLERANCE, True
    if target is None:
        same = expected.argmax(axis=1) == found.argmax(axis=1)
        # Where two classes are equally likely, rounding may decide.
        tied = np.ptp(np.sort(expected, axis=1)[:, -2:], axis=1) <= 2 * largest
        agree = bool((same | (tied & (largest <= allowed))).all())
        figures["label_agreement"] = float(same.mean()) if len(same) else 1.0
    else:
        allowed *= target[1]
        if float32:
            allowed += float(np.abs(expected).max(initial=0)) * 2**-22
    return {**figures, "agrees": bool(largest <= allowed) and agree}


def certify(
    predictor: Predictor,
    samples: Samples,
    expected: Outputs,
    *,
    compute: Callable[[NDArray[Any]], Any] | None = None,
    runtime: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Compare a network's outputs for raw examples with what Keras gave for the same rows.

    Parameters
    ----------
    predictor : Predictor
        Reads and encodes the raw examples.
    samples : Samples
    expected : ndarray
        Keras' outputs for ``samples.examples()``, which training read, subset after subset.
    compute : callable, optional
        The network: from encoded examples, shape (n, ...), to outputs; the predictor's own if not
        given.
    runtime : (name, version), optional
        The package that computes it; ONNX Runtime if not given.

    Returns
    -------
    dict
        Plain data: the figures of `compare_outputs`; ``tolerance``; ``of``: what the samples are;
        ``read``: how they were handed in; ``versions``.
    """
    outputs, places, read = [], [], []
    start, deadline = 0, time.perf_counter() + _SECONDS
    for subset in samples.subsets:
        try:
            kind, encoded = _read_raw(predictor, subset, deadline)
        except DanqingError as error:
            return {"samples": 0, "agrees": False, "reason": str(error), "of": samples.where}
        outputs.append((compute or predictor.predict_encoded)(encoded))
        places.append(start + np.arange(len(encoded)))
        read.append(kind)
        start += len(subset)
    network = predictor.network
    runtime = runtime or ("onnxruntime", version("onnxruntime"))
    target = None if network.class_names else network.preparation.target
    figures = compare_outputs(expected[np.concatenate(places)], np.concatenate(outputs), target)
    return {
        **figures,
        "tolerance": TOLERANCE,
        "of": samples.where,
        "read": ", ".join(dict.fromkeys(read)),
        "versions": dict([("keras", version("keras")), runtime]),
    }


def seconds_to_compare_raw(preparation: Preparation, samples: Samples) -> float:
    """Estimate how long reading the samples' picture files again takes, from a few of them."""
    subset = samples.subsets[0] if samples.subsets else None
    if subset is None or isinstance(subset.x, Table) or not _is_file(subset.name(0)):
        return 0.0
    few = [Path(subset.name(place)) for place in range(min(10, len(subset)))]
    began = time.perf_counter()
    read_picture_files(
        few, tuple(subset.x.shape[1:]), preparation.pictures_as, drawings=preparation.drawings
    )
    seconds = (time.perf_counter() - began) / len(few)
    return min(_SECONDS + _FILES * seconds, len(samples) * seconds)


def _read_raw(predictor: Predictor, subset: Subset, deadline: float) -> tuple[str, NDArray[Any]]:
    """Read a subset's raw examples, as many as there is time for; say what they were."""
    names = [subset.name(place) for place in range(len(subset))]
    encoded = predictor.network.preparation.encoded
    if isinstance(subset.x, Table):
        found = _rows_of_file(predictor, names)
        if found is not None:
            return "rows of its file", encoded(found)
        return "rows by column name", _read(predictor, _dicts(subset.examples()))
    if not all(map(_is_file, (names[0], names[-1]))):
        return "arrays", _read_arrays(predictor, subset.examples())
    inputs: list[NDArray[Any]] = []
    for start in range(0, len(names), _FILES):
        if inputs and time.perf_counter() > deadline:
            break
        inputs.append(_read(predictor, names[start : start + _FILES]))
    return "picture files", np.concatenate(inputs)


def _read(predictor: Predictor, raw: Any) -> NDArray[Any]:
    encoded = predictor.network.preparation.encoded
    return np.concatenate([encoded(inputs.examples) for inputs in predictor.read(raw)])


def _read_arrays(predictor: Predictor, pictures: NDArray[np.uint8]) -> NDArray[Any]:
    """Read pictures in the scale that the training arrays had."""
    white = predictor.network.preparation.pictures_as.get("range", (0, 255))[1]
    try:
        return _read(predictor, pictures if white == 255 else pictures * (white / 255))
    except PictureError:
        return pictures  # so dark that no scale can be told from them


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _rows_of_file(predictor: Predictor, names: Sequence[str]) -> Table | None:
    """Read rows named FILE:ROW from their file again; None if they aren't, or it is large."""
    encoding = predictor.network.preparation.encoding
    places = [name.rpartition(":") for name in names]
    paths = {path for path, _, _ in places}
    if encoding is None or len(paths) != 1 or not all(row.isdecimal() for _, _, row in places):
        return None
    path = Path(paths.pop())
    if not path.name.lower().endswith(TABLE_SUFFIXES) or not _is_file(str(path)):
        return None
    if path.stat().st_size > _LARGEST_TABLE:
        return None
    logger = logging.getLogger("danqing")
    logger.disabled, before = True, logger.disabled  # what it says was said when training read it
    try:
        table, first = read_rows(path, encoding.types)
        return table[np.array([int(row) - 1 - first for _, _, row in places])]
    except (DanqingError, IndexError):
        return None  # it has changed since; what training read is compared
    finally:
        logger.disabled = before


def _dicts(table: Table) -> list[dict[str, Any]]:
    columns = {column.name: column.values.tolist() for column in table.columns}
    kinds = {column.name: column for column in table.columns}
    for name, column in kinds.items():
        if column.kind == "date":
            columns[name] = list(column.values)  # `tolist` would give milliseconds as they are
    return [{name: values[row] for name, values in columns.items()} for row in range(len(table))]
