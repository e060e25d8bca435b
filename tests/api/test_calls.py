"""The functions of `danqing`: what they take, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import danqing
from danqing.errors import RecipeError, RunError, SourceError, TrainingInterrupted
from danqing.training.loop.progress import TrainingProgress

SETTINGS: dict[str, Any] = {"network": "dense(8)", "epochs": 2, "batch_size": 16}


def arrays() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(120, 3))
    return x, np.where(x[:, 0] > 0, "up", "down")


@pytest.mark.parametrize(
    "source",
    [lambda: "iris", lambda: danqing.load_data("iris"), arrays],
    ids=["name", "dataset", "arrays"],
)
def test_train_takes_any_source(source: Callable[[], Any], tmp_path: Path) -> None:
    run = danqing.train(source(), out=tmp_path / "run", **SETTINGS)
    assert isinstance(run, danqing.Run)
    assert run.finished
    assert (run.config["network"], run.config["epochs"]) == ("dense(8)", 2)


def test_a_recipe_and_settings_say_the_same(tmp_path: Path) -> None:
    runs = [
        danqing.train("iris", danqing.Recipe(**SETTINGS), tmp_path / "recipe"),
        danqing.train("iris", out=tmp_path / "settings", **SETTINGS),
    ]
    contents = [(run.folder / "weights.safetensors").read_bytes() for run in runs]
    assert contents[0] == contents[1]
    assert {name: value for name, value in runs[0].config.items() if name != "threads"} == {
        name: value for name, value in runs[1].config.items() if name != "threads"
    }


def test_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = danqing.train("iris", **SETTINGS)
    assert run.folder.parent == Path("runs")
    assert run.folder.name.endswith("-iris-spec")
    assert [one.folder for one in danqing.list_runs()] == [run.folder]


def test_target_and_task(tmp_path: Path) -> None:
    rows = "\n".join(f"{n % 7},{n % 5},{n % 3}" for n in range(120))
    (tmp_path / "rows.csv").write_text(f"a,b,c\n{rows}\n")
    run = danqing.train(
        tmp_path / "rows.csv", out=tmp_path / "run", target="b", task="regression", **SETTINGS
    )
    assert (run.task, run.data["target"]) == ("regression", "b")


def test_base_and_teacher_are_runs_or_paths(tmp_path: Path) -> None:
    first = danqing.train("iris", out=tmp_path / "first", **SETTINGS)
    for number, base in enumerate((first, first.folder, str(first.folder))):
        run = danqing.train("iris", out=tmp_path / f"base{number}", epochs=1, base=base)
        assert run.config["from"]["run"] == str(first.folder)
        run = danqing.train("iris", out=tmp_path / f"teacher{number}", teacher=base, **SETTINGS)
        assert run.config["teacher"]["run"] == str(first.folder)


def test_resume_progress_and_event_logs(tmp_path: Path) -> None:
    reports: list[TrainingProgress] = []
    out = tmp_path / "run"
    run = danqing.train(
        "iris", out=out, resume=True, tensorboard=True, progress=reports.append, **SETTINGS
    )
    assert [one.finished.epoch for one in reports if one.finished] == [1, 2]
    assert len(list((out / "tensorboard").iterdir())) == 1
    again = danqing.train("iris", out=out, resume=True, **SETTINGS)
    assert again.metrics == run.metrics


def test_unlabelled_pictures(tmp_path: Path) -> None:
    digits = danqing.load_data("digits")
    few = replace(digits, x_train=digits.x_train[:300], y_train=digits.y_train[:300])
    pictures = digits.x_train[300:500]
    run = danqing.train(few, out=tmp_path / "run", unlabelled=pictures, network="conv(4)", epochs=1)
    assert run.data["counts"]["unlabelled"] > 150


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"recipe": danqing.Recipe(), "epochs": 3}, RecipeError, "epochs: can't be given together"),
        ({"epochs": 0}, RecipeError, "epochs: input should be"),
        ({"epocs": 3}, RecipeError, "did you mean 'epochs'"),
        ({"bending": 1}, RecipeError, "'bending' is now called 'elastic'"),
        ({"source": "irsi"}, SourceError, "did you mean 'iris'"),
        ({"source": ..., "target": "x"}, RecipeError, "target: a Dataset has its own"),
        ({"source": ..., "task": "regression"}, RecipeError, "task: a Dataset has its own"),
        ({"base": "nowhere"}, RunError, "no such folder"),
        ({"teacher": "nowhere"}, RunError, "no such folder"),
        ({"out": "."}, RunError, "exists already"),
        ({"resume": True}, RecipeError, "resume"),
    ],
)
def test_train_refuses_before_it_writes(
    given: dict[str, Any],
    error: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"source": "iris", **given}
    if given["source"] is ...:
        given["source"] = danqing.load_data("iris")
    with pytest.raises(error, match=message) as caught:
        danqing.train(**given)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_data_in_memory_are_wanted_again(tmp_path: Path) -> None:
    run = danqing.train(arrays(), out=tmp_path / "run", **SETTINGS)
    with pytest.raises(RunError, match="in-memory"):
        danqing.evaluate(run)
    assert danqing.evaluate(run, arrays())["test"] == run.metrics["test"]
    assert set(danqing.evaluate(run, arrays())) == {"test", "validation"}


def test_inspect_names_files(tmp_path: Path) -> None:
    digits = danqing.load_data("digits")
    for number in range(60):
        path = tmp_path / "digits" / str(digits.y_train[number]) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.x_train[number, ..., 0]).save(path)
    (path.parent / "broken.png").write_bytes(b"rubbish")
    found = danqing.inspect(tmp_path / "digits")
    assert found.summary["counts"]["train"] == 60
    (unreadable,) = [finding for finding in found.findings if finding.kind == "unreadable"]
    assert "broken.png" in unreadable.examples[0]
    assert danqing.inspect(danqing.load_data("wine")).findings == ()
    assert danqing.inspect("wine").summary == danqing.inspect(danqing.load_data("wine")).summary


def test_callbacks_see_each_epoch_and_can_stop(tmp_path: Path) -> None:
    seen: list[int] = []
    settings: dict[str, Any] = {"network": "dense(8)", "epochs": 6, "patience": 0}
    danqing.train(
        "iris", out=tmp_path / "a", callbacks=[lambda r: seen.append(r.epoch)], **settings
    )
    assert seen == [1, 2, 3, 4, 5, 6]
    with pytest.raises(TrainingInterrupted) as stopped:
        danqing.train("iris", out=tmp_path / "b", callbacks=[lambda r: r.epoch < 2], **settings)
    assert stopped.value.folder == tmp_path / "b"
    kept = danqing.load_run(tmp_path / "b")
    assert len(kept.predict([[5.1, 3.5, 1.4, 0.2]])) == 1
    assert len(kept.history) == 2
    with pytest.raises(RecipeError, match="expected functions"):
        danqing.train("iris", out=tmp_path / "c", callbacks=["log"], **settings)
    saved = kept.save(tmp_path / "copy")
    assert saved.history == kept.history
    with pytest.raises(RunError, match="nothing is overwritten"):
        kept.save(tmp_path / "copy")


def test_notebooks_show_runs_and_data(tmp_path: Path) -> None:
    data = danqing.load_data("iris")
    run = danqing.train(data, out=tmp_path / "run", network="dense(8)", epochs=2)
    assert "setosa" in data._repr_html_()
    assert "accuracy" in run._repr_html_()
    found = run.explain([[5.1, 3.5, 1.4, 0.2]], dataset=data, method="integrated-gradients")
    assert found._repr_html_().startswith("<iframe")
    report = run.report()
    assert report == tmp_path / "run" / "report.html"


def test_errors_are_pythons_own_too(tmp_path: Path) -> None:
    calls: tuple[tuple[type[Exception], Callable[[], Any]], ...] = (
        (ValueError, lambda: danqing.Recipe(epochs=0)),
        (ValueError, lambda: danqing.load_data("iris", target="x")),
        (FileNotFoundError, lambda: danqing.load_data(tmp_path / "none.csv")),
        (FileNotFoundError, lambda: danqing.load_run(tmp_path / "none")),
        (TypeError, lambda: danqing.load_data(3)),
    )
    for kind, call in calls:
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, danqing.DanqingError)
        assert "\n" not in str(caught.value)
