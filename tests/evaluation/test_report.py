"""The whole report: what it says, what it refuses, and the page as a browser shows it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from programs import CHROMIUM, needs_chromium
from sklearn import metrics

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.data.table import Column, Table
from danqing.errors import RecipeError, RunError
from danqing.evaluation.calibration import calibration_error
from danqing.evaluation.confidence import calibrate
from danqing.evaluation.corruptions import STRENGTHS, corrupt, kinds_for
from danqing.evaluation.examination import Examination, examine
from danqing.evaluation.report.report_page import page_of
from danqing.evaluation.report.write_report import write_report
from danqing.evaluation.slices import find_slices
from danqing.networks.architecture import Architecture
from danqing.networks.build import build, load_tensors
from danqing.networks.temperature import scale_temperature
from danqing.prediction.unsure import unsure_below
from danqing.recipe.recipe import AUGMENTATIONS
from danqing.runs.run_folder import RunFolder, load_run
from danqing.training.train import train

EVIL = "<script>alert('1')</script>"


@pytest.fixture(scope="module")
def found(run: RunFolder, small: Dataset) -> Examination:
    return examine(run, small, risk=0.2)


@pytest.fixture(scope="module")
def table() -> Dataset:
    rng = np.random.default_rng(0)
    n = 500
    size, noise = rng.normal(size=n), rng.normal(size=n)
    size[::9] = np.nan
    colour = rng.choice(np.array(["red", "blue", EVIL], dtype=object), n)
    day = np.datetime64("2024-01-01", "ms") + rng.integers(0, 400, n) * np.timedelta64(
        86_400_000, "ms"
    )
    y = (np.nan_to_num(size) + (colour == "red") + 0.7 * noise > 0.3).astype(np.int64)
    columns = (
        Column("size", "number", size),
        Column("colour", "category", colour),
        Column(EVIL, "date", day),
    )
    none = Table(tuple(Column(c.name, c.kind, c.values[:0]) for c in columns))
    return Dataset("rows", "", Table(columns), y, none, y[:0], ("no | never", EVIL))


@pytest.fixture(scope="module")
def tables(
    table: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[RunFolder, Dataset]]:
    folder = tmp_path_factory.mktemp("tables")
    recipe = Recipe(network="dense(8)", epochs=5)
    numbers = replace(
        table, y_train=table.y_train * 2.5 + 1e3, y_test=np.zeros(0), class_names=(), target="price"
    )
    return {
        "classes": (train(table, recipe, folder / "classes"), table),
        "numbers": (train(numbers, recipe, folder / "numbers"), numbers),
    }


def copied(run: RunFolder, folder: Path) -> RunFolder:
    shutil.copytree(run.folder, folder / "copy")
    return load_run(folder / "copy")


def test_writes_its_files_and_replaces_only_those(
    run: RunFolder, small: Dataset, tmp_path: Path
) -> None:
    mine = copied(run, tmp_path)
    before = {path.name: path.read_bytes() for path in mine.folder.iterdir()}
    trained = json.loads(before["calibration.json"])
    examined = examine(mine, small, risk=0.23)
    for _ in range(2):
        assert write_report(examined) == mine.folder / "report.html"
    after = {path.name: path.read_bytes() for path in mine.folder.iterdir()}
    assert set(after) - set(before) == {"report.html", "card.md"}
    changed = {name for name, content in before.items() if after[name] != content}
    assert changed == {"calibration.json"}
    calibration = json.loads(after["calibration.json"])
    assert unsure_below(calibration, 0.23) == calibration["selection"]["unsure_below"] is not None
    for line in trained["thresholds"]:
        assert line in calibration["thresholds"]
        assert unsure_below(calibration, line["risk"]) == unsure_below(trained, line["risk"])
    shipped = calibration["after"] or calibration["before"]
    for name in ("test", "validation"):
        assert shipped[name]["nll"] == pytest.approx(mine.metrics[name]["loss"])
    assert len(after["report.html"]) < 3_000_000
    card = after["card.md"].decode()
    assert card.count("\n## ") == 12
    assert card.count(f"{mine.metrics['test']['accuracy']:.2%}") == 2
    for words in ("Limitations", "局限性", "cross-entropy", mine.network["spec"]):
        assert words in card


def test_calibration_of_a_run_agrees_with_scikit_learn(found: Examination) -> None:
    known, test, run = found.calibration, found.test, found.run
    assert known is not None
    assert known["temperature"] == run.temperature != 1
    # The same weights without a temperature, by Keras.
    model = build(replace(Architecture.from_json(run.network), temperature=1.0), run.preparation)
    load_tensors(model, run.tensors)
    x = test.examples(range(len(test))).astype(np.float32)
    as_trained = np.asarray(model(x, training=False))
    for when, p in (("before", as_trained), ("after", test.outputs)):
        loss = metrics.log_loss(test.labels, p, labels=range(10))
        assert known[when]["test"]["nll"] == pytest.approx(loss, rel=1e-4)
        right = p.argmax(axis=1) == test.labels
        error = calibration_error(p.max(axis=1).astype(float), right)
        assert known[when]["test"]["ece"] == pytest.approx(error, abs=1e-5)
    np.testing.assert_allclose(
        scale_temperature(as_trained, run.temperature), test.outputs, atol=1e-5
    )
    assert (as_trained.argmax(axis=1) == test.outputs.argmax(axis=1)).all()
    assert known["after"]["validation"]["nll"] < known["before"]["validation"]["nll"]


def test_at_temperature_1_nothing_is_said_of_after(found: Examination, small: Dataset) -> None:
    assert "test, as shipped" in page_of(found)
    run = load_run(found.run.folder)
    run.network = {**run.network, "temperature": 1.0}
    plain = calibrate(run, found.predictions["validation"], found.test, 0.2)
    assert plain["after"] is None
    page = page_of(replace(found, run=run, calibration=plain))
    assert "test, as shipped" not in page
    assert "after temperature scaling" not in page
    assert "at temperature 1" in page


def test_intervals_hold_their_figures(found: Examination) -> None:
    figures = found.metrics["test"]
    low, high = found.intervals["loss"]
    assert low < figures["loss"] < high
    for row, ends in zip(figures["per_class"], found.intervals["per_class"], strict=True):
        for name in ("precision", "recall", "f1"):
            assert ends[name][0] <= row[name] <= ends[name][1]


def test_what_the_user_hears_about_bad_input(
    run: RunFolder, small: Dataset, tables: dict[str, tuple[RunFolder, Dataset]], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="between 0 and 1"):
        examine(run, small, risk=1.5)
    with pytest.raises(RecipeError, match="leave out --risk or the source"):
        examine(run, replace(small, y_test=9 - small.y_test), risk=0.1)
    with pytest.raises(RecipeError, match="a regression has no error rate"):
        examine(*tables["numbers"], risk=0.1)
    with pytest.raises(RunError, match="trained on different data, 'mnist' and 'rows'"):
        examine(run, small, against=tables["classes"][0])
    taken = tmp_path / "taken.html"
    taken.write_text("mine")
    with pytest.raises(RunError, match="exists already, and nothing is overwritten"):
        write_report(examine(*tables["classes"]), taken)
    assert taken.read_text() == "mine"


def test_other_data_leave_the_run_as_it_is(run: RunFolder, small: Dataset, tmp_path: Path) -> None:
    mine = copied(run, tmp_path)
    names = {path.name for path in mine.folder.iterdir()}
    other = examine(mine, replace(small, y_test=np.roll(small.y_test, 1)))
    assert not other.own
    assert write_report(other) is None
    report = write_report(other, tmp_path / "other.html")
    assert report is not None
    assert "This is not the data set it was trained on." in report.read_text()
    assert {path.name for path in mine.folder.iterdir()} == names
    write_report(examine(mine, small, risk=0.2))
    with_temperature = examine(mine, replace(small, y_test=np.roll(small.y_test, 1)))
    assert with_temperature.calibration is not None
    assert with_temperature.calibration["after"]["test"]["nll"] > 0


def test_a_run_against_a_worse_one(run: RunFolder, small: Dataset, tmp_path: Path) -> None:
    worse = train(small, Recipe(network="dense(2)", epochs=1), tmp_path / "worse")
    found = examine(run, small, against=worse)
    assert found.comparison is not None
    assert found.comparison["difference_ci95"][0] > 0
    accuracy = [run.metrics["test"]["accuracy"], worse.metrics["test"]["accuracy"]]
    assert found.comparison["accuracy"] == pytest.approx(accuracy)
    assert "This run is better" in page_of(found)


def test_numbers_are_compared_and_reported(tables: dict[str, tuple[RunFolder, Dataset]]) -> None:
    run, dataset = tables["numbers"]
    found = examine(run, dataset, against=run)
    page = page_of(found)
    assert found.comparison is not None
    assert found.comparison["mae"]["difference"] == 0
    figures = found.metrics["test"]
    for name in ("r2", "mae", "mse"):
        assert found.intervals[name][0] < figures[name] < found.intervals[name][1]
    assert found.calibration is not None
    assert [line["level"] for line in found.calibration["margins"]] == [0.5, 0.8, 0.9, 0.95]
    assert 'id="residuals"' in page
    assert 'id="margins"' in page
    assert 'id="confusion"' not in page


class Tags(HTMLParser):
    """Counts the tags of a page, and notes the addresses that it names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_what_comes_from_data_is_escaped(
    kind: str, tables: dict[str, tuple[RunFolder, Dataset]], tmp_path: Path
) -> None:
    run, dataset = tables[kind]
    write_report(examine(run, dataset), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert EVIL not in page
    assert Tags(page).tags.count("script") == 2
    card = (run.folder / "card.md").read_text()
    assert "<script>" not in card


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere(found: Examination) -> None:
    tags = Tags(page_of(found))
    assert len(tags.ids) == len(set(tags.ids))
    for address in tags.addresses:
        assert address.startswith(("data:image/png;base64,", "#"))
        assert not address.startswith("#") or address[1:] in tags.ids
    sections = {
        "classes",
        "confusion",
        "calibration",
        "unsure",
        "worst",
        "label-issues",
        "robustness",
    }
    assert sections | {"curves", "method"} <= set(tags.ids)


def test_page_names_the_augmentation_of_the_training(found: Examination) -> None:
    def page(**settings: object) -> str:
        run = load_run(found.run.folder)
        run.config = {**run.config, **dict.fromkeys(AUGMENTATIONS, 0), **settings}
        return page_of(replace(found, run=run))

    said = "Data augmentation used in training:"
    assert said not in page()
    transformed = page(affine=1.0)
    assert said in transformed
    assert "random affine transformations" in transformed
    assert "photometric distortion" not in transformed
    assert "photometric distortion" in page(photometric=0.25)
    assert "random erasing" in page(random_erasing=0.1)


def test_pictures_behind_the_cells_are_those_counted(found: Examination) -> None:
    page = page_of(found)
    data = json.loads(re.findall(r'id="behind-data">(.*?)</script>', page)[0])
    matrix = np.array(found.metrics["test"]["confusion_matrix"])
    for key, examples in data["cells"].items():
        label, predicted = map(int, key.split("-"))
        assert len(examples) == min(matrix[label, predicted], 8 if label == predicted else 24)
        for one in examples:
            row = int(one["name"].removeprefix("test[").removesuffix("]")) - 1  # names count from 1
            place = int(np.flatnonzero(found.test.subset.rows == row)[0])
            assert found.test.labels[place] == label
            assert found.test.outputs[place].argmax() == predicted
            assert one["picture"].startswith("data:image/png;base64,")


def test_slices_find_the_bad_ones_and_no_others() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    group = rng.choice(np.array(["a", "b", "c", None], dtype=object), n)
    number = rng.normal(size=n)
    table = Table((Column("group", "category", group), Column("number", "number", number)))
    even = find_slices(table, rng.random(n) < 0.9)
    assert not any(one.stands_out for one in even)
    bad = find_slices(table, np.where(group == "b", rng.random(n) < 0.6, rng.random(n) < 0.95))
    assert [(one.column, one.value) for one in bad if one.stands_out] == [("group", "b")]
    assert bad[0].value == "b"
    assert {one.n for one in bad if one.column == "number"} == {500}
    away = np.where(number > 1, 5.0, 1.0) + rng.random(n)
    worst = find_slices(table, away, higher_is_better=False)[0]
    assert (worst.column, worst.stands_out) == ("number", True)


def test_slices_cover_every_row_once() -> None:
    rng = np.random.default_rng(1)
    number = rng.integers(0, 40, 900).astype(float)
    number[:50] = np.nan
    few = rng.integers(0, 3, 900).astype(float)
    table = Table((Column("number", "number", number), Column("few", "number", few)))
    found = find_slices(table, np.ones(900, bool))
    assert sum(one.n for one in found if one.column == "number") == 900
    assert sorted(one.value or "" for one in found if one.column == "few") == ["0", "1", "2"]


@pytest.mark.parametrize("kind", list(STRENGTHS))
def test_corruptions_are_the_same_each_time_and_grow(kind: str, small: Dataset) -> None:
    pictures = small.x_test[:40]
    changes = []
    for level in range(5):
        worse = corrupt(pictures, kind, level)
        assert worse.shape == pictures.shape
        assert worse.dtype == np.uint8
        assert (worse == corrupt(pictures, kind, level)).all()
        changes.append(np.abs(worse.astype(float) - pictures).mean())
    assert changes[0] > 0
    assert all(a < b for a, b in pairwise(changes))


def test_corruptions_of_coloured_and_of_light_pictures(small: Dataset) -> None:
    coloured = np.repeat(small.x_test[:3], 3, axis=3)[:, :, :20]
    for kind in kinds_for((28, 20, 3)):
        assert corrupt(coloured, kind, 2).shape == (3, 28, 20, 3)
    ink = small.x_test[:5]
    # Dark ink on light ground grows as light ink on dark ground does.
    assert (corrupt(255 - ink, "thicker", 2) == 255 - corrupt(ink, "thicker", 2)).mean() > 0.99


def test_robustness_starts_at_the_figure_itself(found: Examination) -> None:
    robustness = found.robustness
    assert robustness is not None
    assert robustness.n == 500
    assert robustness.clean["figure"] == found.metrics["test"]["accuracy"]
    assert robustness.corrupted["noise"][4]["figure"] < robustness.clean["figure"]
    assert all(pictures.shape == (6, 28, 28, 1) for pictures in robustness.examples.values())


@needs_chromium
@pytest.mark.parametrize(("language", "other"), [("en", "zh"), ("zh", "en")])
def test_in_a_browser(language: str, other: str, found: Examination, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(page_of(found), encoding="utf-8")
    matrix = np.array(found.metrics["test"]["confusion_matrix"])
    np.fill_diagonal(matrix, 0)
    label, answer = divmod(int(matrix.argmax()), 10)
    shown = dumped(f"{page.as_uri()}?lang={language}&theme=dark&cell={label}-{answer}", tmp_path)
    html = re.findall(r"<html[^>]*>", shown)[0]
    assert f' lang="{language}"' in html
    assert 'data-theme="dark"' in html
    dialog = shown[shown.index("<dialog") :]
    assert dialog.startswith('<dialog id="behind" aria-labelledby="behind-title" open')
    assert dialog.count("<figure>") == min(24, matrix[label, answer])


def dumped(address: str, folder: Path) -> str:
    """Give the page as a browser has it after its script."""
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", f"--user-data-dir={folder / 'profile'}", "--dump-dom", address),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
