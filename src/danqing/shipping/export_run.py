"""A finished run -> one file that predicts as its network did: a bundle, ONNX, Keras or LiteRT.

Every file comes with a certificate, Keras against what is exported, from raw samples on; what
disagrees is not written. Knows no command line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danqing.atomic_file import AtomicFile
from danqing.errors import BundleError, RecipeError, RunError
from danqing.networks.architecture import Architecture
from danqing.runs.run_folder import RunFolder
from danqing.shipping.certificate import certificate_of, checked, compare_smaller
from danqing.shipping.contents import bundle_bytes
from danqing.shipping.onnx_file import described_onnx
from danqing.shipping.reference import Reference
from danqing.shipping.smaller import halve, quantise

__all__ = ["FORMATS", "Exported", "export"]

FORMATS = {"danqing": ".danqing", "onnx": ".onnx", "keras": ".keras", "litert": ".tflite"}
"""What can be written, and how its file's name ends."""


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes
    ----------
    path : Path
    certificate : dict
        How far it agrees with the trained network: see `danqing.evaluation.parity.certify`. With
        ``smaller``, what fewer bits cost: see `compare_smaller`.
    """

    path: Path
    certificate: dict[str, Any]


def export(
    run: RunFolder,
    out: str | Path | None = None,
    *,
    form: str | None = None,
    smaller: str | None = None,
    examples: bool = True,
    samples: Any = None,
) -> Exported:
    """Write a run's network as one file.

    Parameters
    ----------
    run : RunFolder
    out : path, optional
        A new file; the run folder's name in the current folder if not given.
    form : {"danqing", "onnx", "keras", "litert"}, optional
        By default what the name of `out` ends in, or a bundle.
    smaller : {"int8", "float16"}, optional
        Fewer bits for weights, of a bundle or ONNX.
    examples : bool
        Whether a bundle shows the mean training picture.
    samples : str, path or Dataset, optional
        Other data to compare on than the run's own.

    Returns
    -------
    Exported

    Raises
    ------
    RecipeError
        If the settings don't go together.
    RunError
        If the run has not finished, or its data are needed and gone.
    BundleError
        If `out` exists, or can't be written.
    ParityError
        If what is exported disagrees with the trained network, or fewer bits cost too much.
    """
    if form is None:
        form = next((f for f, end in FORMATS.items() if out and str(out).endswith(end)), "danqing")
    path = _checked_path(run, out, form, smaller)
    if not run.finished:
        raise RunError(
            f"{run.name}: has not finished, so that nothing is known of how good it is; "
            "resume its training with --resume"
        )
    if form in ("keras", "litert"):
        content, certificate = _other_network(run, form, Reference(run, samples))
    else:
        reference = Reference(run, samples) if samples is not None else None
        certificate = certificate_of(run, reference)
        model = run.onnx_model
        if smaller is not None:
            reference = reference or Reference(run)
            examples_of = [run.preparation.encoded(x) for x in reference.samples.examples()]
            model = quantise(model, examples_of) if smaller == "int8" else halve(model)
            certificate = {**certificate, "smaller": compare_smaller(reference, model, smaller)}
        if form == "onnx":
            content = described_onnx(run, model)
        else:
            content = bundle_bytes(run, model, certificate, examples=examples)
    _write(path, content)
    if form != "danqing":
        _write(_beside(path), json.dumps(certificate, indent=1).encode() + b"\n")
    return Exported(path, certificate)


def _checked_path(run: RunFolder, out: str | Path | None, form: str, smaller: str | None) -> Path:
    """Refuse what can't be written before anything slow is done."""
    if form not in FORMATS:
        raise RecipeError(f"format {form!r} is unknown; expected {', '.join(FORMATS)}")
    if smaller is not None and form not in ("danqing", "onnx"):
        raise RecipeError(f"{form}: can't be made smaller here; quantise a bundle or --format onnx")
    ending = FORMATS[form]
    path = Path(out).expanduser() if out else Path(f"{run.folder.resolve().name}{ending}")
    if path.suffix != ending:
        raise RecipeError(f"{path}: expected a name that ends in {ending}, such as mine{ending}")
    for one in (path, *([] if form == "danqing" else [_beside(path)])):
        if one.exists() or one.is_symlink():
            raise BundleError(f"{one}: exists already, and nothing is overwritten; choose another")
    if not path.parent.is_dir():
        raise BundleError(f"{path}: there is no folder {path.parent}; make it, or choose another")
    return path


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.certificate.json")


def _other_network(run: RunFolder, form: str, reference: Reference) -> tuple[bytes, dict[str, Any]]:
    """Give the content of a Keras or LiteRT file, and its certificate."""
    from danqing.networks.backend import keras, tf
    from danqing.networks.keras_predictions import in_batches
    from danqing.shipping.keras_file import loaded, plain_model, saved
    from danqing.shipping.litert_file import litert_model, litert_outputs

    architecture = Architecture.from_json(run.network)
    # LiteRT has no arithmetic in float64.
    model = plain_model(architecture, run.preparation, run.tensors, double=form == "keras")
    if form == "keras":
        content = saved(model)
        compute, runtime = loaded(content), ("keras", keras.__version__)
    else:
        content = litert_model(model)
        compute, runtime = litert_outputs(content), ("tensorflow", tf.__version__)
    return content, checked(
        reference.certify(lambda encoded: in_batches(compute, encoded), runtime), run
    )


def _write(path: Path, content: bytes) -> None:
    try:
        with AtomicFile(path) as file:
            file.write(content)
    except OSError as error:
        raise BundleError(
            f"{path}: can't be written ({error.strerror}); free space or choose another"
        ) from None
