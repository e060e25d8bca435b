"""What a `Run` writes for others: files to predict with, and its report. Knows no prediction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from danqing.api.arguments import checked_path
from danqing.api.other_data import load_for
from danqing.errors import RecipeError

if TYPE_CHECKING:
    from danqing.runs.run_folder import RunFolder

__all__ = ["Exports"]


class Exports:
    """What a run can write."""

    _files: RunFolder

    def export(
        self,
        out: str | Path | None = None,
        *,
        format: str | None = None,
        quantise: bool = False,
        half: bool = False,
        examples: bool = True,
        samples: Any = None,
    ) -> Path:
        """Export the network as one file that predicts as it did, everywhere.

        It is compared with the trained network on raw examples, resizing and encoding included.

        Parameters
        ----------
        out : path, optional
            A new file; the run's name in the current folder if not given.
        format : {"danqing", "onnx", "keras", "litert"}, optional
            By default what the name of `out` ends in, or a bundle, for `danqing.load_bundle`.
        quantise : bool
            Compute in int8; refused if that costs more than half a point of accuracy.
        half : bool
            Store weights in half precision, with the same bound.
        examples : bool
            Whether a bundle shows the mean training picture.
        samples : str, path or Dataset, optional
            Data to compare on; the run's own if not given.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ParityError
            If the exported network disagrees with the trained one; nothing is written.
        BundleError
            If the file exists or can't be written.
        RunError
            If the run has not finished, or its data are needed for comparison and gone.

        Examples
        --------
        >>> import tempfile, danqing
        >>> folder = tempfile.mkdtemp()
        >>> run = danqing.train("iris", out=folder + "/run", network="dense(16)", epochs=5)
        >>> bundle = danqing.load_bundle(run.export(folder + "/iris.danqing"))
        >>> bundle.predict([[5.1, 3.5, 1.4, 0.2]]).tolist()
        ['setosa']
        """
        from danqing.shipping.export_run import export

        if quantise and half:
            raise RecipeError("quantise and half: choose one of them")
        smaller = "int8" if quantise else "float16" if half else None
        done = export(
            self._files, out, form=format, smaller=smaller, examples=examples, samples=samples
        )
        return done.path

    def report(self, source: Any = None, out: str | Path | None = None) -> Path | None:
        """Evaluate as ``danqing evaluate`` does, and write the report.

        Parameters
        ----------
        source : Dataset, or whatever `danqing.load_data` takes, optional
            The run's own data if not given.
        out : path, optional
            A new file; ``report.html`` in the run folder if not given, or none for other data.

        Returns
        -------
        Path or None
            The report that was written.
        """
        from danqing.evaluation.examination import examine
        from danqing.evaluation.report.write_report import check_place, write_report

        place = checked_path(out, "out") if out is not None else None
        if place or source is None:
            check_place(self._files, place)
        dataset = None if source is None else load_for(self._files, source)
        return write_report(examine(self._files, dataset), place)
