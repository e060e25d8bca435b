"""A run -> textbook.html: one page about this very network, its numbers checked.

Knows no command line. The facts are computed in Python; the page's own JavaScript computes what
follows from them.
"""

from __future__ import annotations

from pathlib import Path

from danqing.data.dataset import Dataset
from danqing.errors import RunError
from danqing.evaluation.evaluate import evaluate
from danqing.evaluation.own_data import own_data, own_splits
from danqing.evaluation.report.write_report import check_place
from danqing.explanation.textbook.assembly import assemble
from danqing.explanation.textbook.facts import collect_facts
from danqing.prediction.member import EnsembleMember
from danqing.runs.files import write_file
from danqing.runs.run_folder import RunFolder

__all__ = ["write_textbook"]


def write_textbook(
    run: RunFolder, dataset: Dataset | str | Path | None = None, out: Path | None = None
) -> Path:
    """Write ``textbook.html`` into the run's folder, replacing an earlier one.

    The page shows the first member of an ensemble, without test-time augmentation, and says so.

    Parameters
    ----------
    run : RunFolder
        Of pictures or a table, classification or regression.
    dataset : Dataset or path, optional
        The run's own data, or where they are now; loaded from the run's source if not given.
    out : Path, optional
        A file that does not exist yet, to write instead.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunError
        If the run has no trained network, the data are not those it was trained on, or `out`
        exists.

    Examples
    --------
    >>> import tempfile, danqing
    >>> from danqing.training.train import train
    >>> data = danqing.load_data("iris")
    >>> recipe = danqing.Recipe(network="dense(4)", epochs=1)
    >>> run = train(data, recipe, tempfile.mkdtemp() + "/run")
    >>> write_textbook(run, data).name
    'textbook.html'
    """
    check_place(run, out)
    if not run.trained:
        raise RunError(
            f"{run.folder}: has no trained network to write about; "
            "finish its training: danqing train --resume --out " + str(run.folder)
        )
    dataset = own_data(run, dataset)
    splits = own_splits(run, dataset)
    shown = EnsembleMember(run, tta_views=1) if run.members > 1 or run.tta_views > 1 else run
    metrics = run.metrics if run.finished and shown is run else evaluate(shown, dataset)
    page = assemble(collect_facts(shown, splits, metrics))
    if out is None:
        return run.write_page("textbook.html", page)
    write_file(out, page.encode(errors="replace"))
    return out
