"""The textbook page in a browser: every number recomputed, both languages, no network, drawing."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import CHROMIUM, needs_chromium
from textbook_expected import expected_numbers

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.data.split import split
from danqing.errors import RunError
from danqing.evaluation.evaluate import evaluate
from danqing.explanation.textbook.assembly import assemble
from danqing.explanation.textbook.facts import collect_facts
from danqing.explanation.textbook.write_textbook import write_textbook
from danqing.networks.architecture import design
from danqing.networks.build import build, tensors_of
from danqing.networks.onnx_graph import to_onnx
from danqing.prediction.drawing import draw_like_mnist
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import fit_preparation
from danqing.runs.run_folder import RunFolder


def made_run(
    folder: Path, dataset: Dataset, temperature: float = 1.0, **settings: Any
) -> RunFolder:
    """A run as `danqing train` leaves it, its weights as they start: training adds nothing here."""
    recipe = Recipe(**{"epochs": 2, **settings})
    splits = split(dataset, recipe.validation_share)
    preparation = fit_preparation(splits.train, recipe.scaling, drawings=not dataset.tabular)
    shape = preparation.scaling.mean_.shape if dataset.tabular else dataset.input_shape
    architecture = design(recipe.spec, shape, len(dataset.class_names))
    architecture = replace(architecture, temperature=temperature)
    tensors = tensors_of(build(architecture, preparation, seed=3))
    random = np.random.default_rng(2)
    for name, tensor in tensors.items():
        if name.endswith("variance"):
            tensors[name] = random.uniform(0.5, 2, tensor.shape).astype(np.float32)
        elif tensor.ndim == 1:
            tensors[name] = random.normal(0, 0.3, tensor.shape).astype(np.float32)
    folder.mkdir()
    run = RunFolder(folder)
    run.write_start(
        {**recipe.model_dump(), "spec": recipe.spec, "versions": {}},
        {
            "name": dataset.name, "source": dataset.source, "task": dataset.task, "target": "",
            "fingerprint": dataset.fingerprint, "class_names": list(dataset.class_names),
            "counts": {p: len(getattr(splits, p)) for p in ("train", "validation", "test")},
            "removed": {},
        },
        {**architecture.to_json(), "preparation": preparation.to_json()},
    )  # fmt: skip
    score = "mae" if dataset.task == "regression" else "accuracy"
    run.write_history(
        {"epoch": e, "seconds": 1.0, "loss": 1 / e, score: 0.4 * e, "val_loss": 0.9 + e / 10,
         f"val_{score}": 0.5, "learning_rate": 0.01}
        for e in (1, 2)
    )  # fmt: skip
    run.write_network(tensors, to_onnx(architecture, preparation, tensors), temperature)
    run.write_metrics({**evaluate(run, dataset), "seconds": {"fit": 2.0}})
    return run


def opened(page: Path, fragment: str, *, extra: str = "--mute-audio") -> str:
    """The document after its scripts have run, from file://, with every network request refused."""
    assert CHROMIUM, "no Chromium was found"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,900", extra,
        f"--user-data-dir={page.parent / 'browser'}", "--virtual-time-budget=20000", "--dump-dom",
        f"file://{page}{fragment}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def dumped(page: Path, fragment: str) -> dict[str, Any]:
    found = re.search(r'<pre id="dump">(.*?)</pre>', opened(page, fragment), re.DOTALL)
    assert found, "the page's script came to its end"
    plain: dict[str, Any] = json.loads(html.unescape(found[1]))
    return plain


def framed(page: Path, fragment: str, width: int, script: str) -> Any:
    """What `script` gives, run on the page in a frame; a window has a least width, a frame none."""
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<iframe id="f" src="file://{page}{fragment}" width="{width}" height="800"'
        ' style="border:0"></iframe><script>setTimeout(() => {'
        'const page = document.getElementById("f").contentWindow, document_ = page.document;'
        "const root = document_.documentElement, find = (id) => document_.getElementById(id);"
        "const fire = (id, event) => find(id).dispatchEvent(event);"
        "const key = (id, key) => fire(id, new page.KeyboardEvent('keydown', { key }));"
        f"document.body.textContent = JSON.stringify({script});"
        "}, 9000)</script>",
        encoding="utf-8",
    )
    document = opened(frame, "", extra="--allow-file-access-from-files")
    found = re.search(r"<body>(.*)</body>", document, re.DOTALL)
    assert found
    return json.loads(html.unescape(found[1]))


def facts_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="facts">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    facts: dict[str, Any] = json.loads(found[1])
    return facts


def assert_all_recomputed(
    run: RunFolder, dataset: Dataset, page: Path, dump: dict[str, Any]
) -> None:
    splits = split(dataset, run.config["validation_share"])
    values, arrays = expected_numbers(run, splits, facts_of(page), dump)
    assert not dump["missing"]
    assert set(dump["values"]) == set(values), set(dump["values"]) ^ set(values)
    assert set(dump["arrays"]) == set(arrays), set(dump["arrays"]) ^ set(arrays)
    for name, expected in arrays.items():
        expected = np.asarray(expected, np.float64).ravel()
        scale = np.abs(expected).max(initial=0)
        shown = np.array(dump["arrays"][name], np.float64)
        np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-6 * scale, err_msg=name)
    for name, expected in values.items():
        shown = dump["values"][name]
        if expected is None:
            assert shown is None, name
            continue
        assert shown == pytest.approx(float(expected), rel=1e-4, abs=1e-8), name


RUNS: dict[str, tuple[str, dict[str, Any], str]] = {
    "pictures": (
        "mnist",
        {"network": "conv(4,5,stride=2)-batchnorm-relu-pool-conv(6,3,valid,gelu)-avgpool-dropout"
                    "-dense(12,selu)-dense(8,tanh)", "label_smoothing": 0.1, "temperature": 0.6},
        "#dump&sample=1&close=pool",
    ),
    "squares": (
        "mnist",
        {"network": "conv(5,4,stride=3,padding=valid)-elu-globalpool-dense(6,silu)",
         "loss": "mean-squared-error", "optimizer": "gradient-descent", "learning_rate": 0.1},
        "#dump&sample=3&layer=dense&unit=2&close=globalpool&lang=zh",
    ),
    "table": (
        "iris",
        {"network": "dense(7,leaky_relu)-dense(5)", "optimizer": "adam", "temperature": 1.7},
        "?lang=zh#dump&layer=dense_2&close=probabilities",
    ),
    "numbers": (
        "diabetes",
        {"network": "dense(7)-batchnorm-sigmoid-dense(5)", "loss": "mean-squared-error",
         "optimizer": "momentum", "learning_rate": 0.01},
        "#dump&sample=2",
    ),
    "muon": (
        "mnist",
        {"network": "conv(6,4,stride=2)-batchnorm-relu-conv(20,3,stride=3)-relu-dense(9)-relu",
         "optimizer": "muon", "learning_rate": 0.01, "weight_decay": 0.1},
        "#dump&layer=conv_2&lang=zh",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def make(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def make_one(name: str) -> Any:
        if name not in made:
            source, settings, _ = RUNS[name]
            dataset = small if source == "mnist" else load_data(source)
            run = made_run(tmp_path_factory.mktemp("runs") / name, dataset, **settings)
            made[name] = run, dataset, write_textbook(run, dataset)
        return made[name]

    return make_one


@needs_chromium
@pytest.mark.parametrize("name", RUNS)
def test_every_number_is_recomputed(name: str, make: Callable[[str], Any]) -> None:
    run, dataset, page = make(name)
    assert_all_recomputed(run, dataset, page, dumped(page, RUNS[name][2]))


@needs_chromium
@pytest.mark.parametrize(("name", "shown"), [("pictures", True), ("table", True), ("muon", False)])
def test_the_temperature_is_a_step_of_its_own(
    name: str, shown: bool, make: Callable[[str], Any]
) -> None:
    run, _, page = make(name)
    dump = dumped(page, "#dump&sample=1&lang=en")
    temperature = dump["values"].get("temperature/value")
    assert temperature == (run.temperature if shown else None)
    (text,) = framed(page, "?lang=en", 1280, "[root.querySelector('main').innerText]")
    assert ("the temperature T" in text) == ("Training knew no temperature" in text) == shown
    assert ("It is above 1" in text) == (name == "table")
    assert ("It is below 1" in text) == (name == "pictures")
    answer = Predictor(run).predict_encoded(np.array(dump["raw"]).reshape(1, *run.input_shape))[0]
    if shown:
        assert dump["values"]["temperature/after"] == pytest.approx(answer.max(), rel=1e-4)
        assert dump["values"]["temperature/before"] != pytest.approx(answer.max(), rel=1e-2)
    best = answer.argmax()
    assert dump["values"][f"prediction/{best}"] == pytest.approx(answer.max(), rel=1e-4)


@needs_chromium
@pytest.mark.parametrize("layer", ["conv", "dense", "output"])
def test_muon_moves_hidden_layers_and_adamw_the_rest(
    layer: str, make: Callable[[str], Any]
) -> None:
    run, dataset, page = make("muon")
    dump = dumped(page, f"#dump&sample=1&layer={layer}")
    assert ("update/entry" in dump["values"]) == (layer != "output")
    assert ("update/alpha" in dump["values"]) == (layer == "output")
    assert_all_recomputed(run, dataset, page, dump)


@needs_chromium
@pytest.mark.parametrize(("name", "close"), [("pictures", "avgpool"), ("muon", "batchnorm")])
def test_large_networks_have_their_samples_computed_beforehand(
    name: str, close: str, make: Callable[[str], Any], tmp_path: Path
) -> None:
    run, dataset, _ = make(name)
    splits = split(dataset, run.config["validation_share"])
    page = tmp_path / "textbook.html"
    facts = collect_facts(run, splits, run.metrics, live_parameters=0)
    page.write_text(assemble(facts), encoding="utf-8")
    assert_all_recomputed(run, dataset, page, dumped(page, f"#dump&sample=2&close={close}"))
    assert 'data-live="false"' in opened(page, "")


@needs_chromium
def test_a_drawing_is_made_like_mnist(make: Callable[[str], Any]) -> None:
    run, dataset, page = make("squares")
    dump = dumped(page, "#dump&stroke=60,70+190,60+120,230&lang=en")
    ink = np.array(dump["ink"], np.uint8).reshape(280, 280)
    ours = draw_like_mnist(ink).ravel().astype(int)
    # Pillow rounds its filter's weights: a level of 255 may differ.
    assert np.abs(np.array(dump["raw"]) - ours).max() <= 1
    assert_all_recomputed(run, dataset, page, dump)


@needs_chromium
@pytest.mark.parametrize(("width", "code"), [(360, "zh"), (1280, "en")])
def test_page_fits_its_window_and_speaks_both_languages(
    width: int, code: str, make: Callable[[str], Any]
) -> None:
    _, _, page = make("pictures")
    results = framed(
        page,
        f"?lang={code}",
        width,
        "[root.scrollWidth, root.clientWidth, root.lang, root.dataset.ready,"
        " root.querySelector('main').innerText]",
    )
    wide, window, language, ready, text = results
    assert wide <= window, "nothing is wider than the window"
    assert window >= width - 20
    assert language == code
    assert int(ready) > 0, "all chapters were drawn"
    assert "NaN" not in text
    assert "undefined" not in text
    assert ("Backpropagation" in text) == (code == "en")
    assert ("反向传播" in re.sub(r"12 Glossary.*", "", text, flags=re.DOTALL)) == (code == "zh")


@needs_chromium
def test_reader_can_draw_choose_and_switch_by_keyboard(make: Callable[[str], Any]) -> None:
    _, _, page = make("pictures")
    text = "document_.querySelector('[data-fill=\"{}\"]').textContent"
    what, answer = text.format("bar-what"), text.format("bar-prediction")
    steps = [
        what,
        "key('pad', 'ArrowUp'), key('pad', ' ')",
        "Array.from({ length: 15 }, () => key('pad', 'ArrowDown')).length",
        what,
        "find('pad-pen').textContent",
        answer,
        "find('race-rows').textContent",
        "key('slice', 'ArrowLeft')",
        "find('race-rows').textContent",
        "find('neuron-layer').value = 'dense', fire('neuron-layer', new page.Event('change'))",
        "find('neuron-where').textContent",
        "find('next').click()",
        what,
        "find('language').click()",
        "root.lang",
        "find('theme').click()",
        "root.dataset.theme",
        "document_.querySelectorAll('button:not(.sample), select, input, [tabindex]').length",
        "[...document_.querySelectorAll('canvas[role=application], #slice, .scroll')]"
        ".every((e) => e.tabIndex === 0)",
    ]
    results = framed(page, "?lang=en&theme=light", 1280, f"[{','.join(f'({s})' for s in steps)}]")
    first, _, _, drawn, pen, said, race, _, raced, _, where, _, following, _, *rest = results
    assert first.startswith("Test example")
    assert drawn == "Your own example"
    assert pen.startswith("Pen down")
    assert re.fullmatch(r"\d \d+\.\d%", said)
    assert race != raced
    assert "of layer dense" in where
    assert following.startswith("Test example")
    assert rest[0] == "zh"
    assert rest[2] == "dark"
    assert rest[3] > 15
    assert rest[4]


def test_page_is_small_and_needs_no_network(make: Callable[[str], Any]) -> None:
    text = make("pictures")[2].read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", text)
    assert not re.findall(r"\b(?:fetch|import|XMLHttpRequest|url)\(", text)


@needs_chromium
def test_names_from_data_stay_text(small: Dataset, tmp_path: Path) -> None:
    name = "<script>document.title='x'</script><img src=x onerror=alert(1)>"
    dataset = replace(small, class_names=(name, *small.class_names[1:]), source="")
    run = made_run(tmp_path / "run", dataset, network="dense(4)")
    document = opened(write_textbook(run, dataset), "#dump&sample=1")
    assert "<img" not in document
    body = document.split("</head>")[1]
    assert len(re.findall(r"<script", body)) == 3
    assert "&lt;script&gt;document.title" in body


@pytest.mark.parametrize("name", ["pictures", "numbers"])
def test_samples_are_an_uncertain_one_typical_ones_and_mistakes(
    name: str, make: Callable[[str], Any]
) -> None:
    run, dataset, page = make(name)
    samples = facts_of(page)["samples"]
    test = split(dataset, run.config["validation_share"]).test
    answers = Predictor(run).predict_examples(test.x[test.rows])
    kinds = [sample["kind"] for sample in samples]
    assert kinds == sorted(kinds, key=["uncertain", "typical", "mistake"].index)
    assert kinds.count("uncertain") == 1
    assert len({sample["row"] for sample in samples}) == len(samples)
    for sample in samples:
        assert sample["target"] == test.labels[sample["row"]]
        assert sample["number"] == test.rows[sample["row"]] + 1
        if run.task == "regression":
            assert sample["prediction"] == pytest.approx(answers[sample["row"]], rel=1e-4)
            continue
        assert sample["prediction"] == answers[sample["row"]].argmax()
        assert (sample["prediction"] != sample["target"]) == (sample["kind"] == "mistake")


def test_refusals(make: Callable[[str], Any], small: Dataset, tmp_path: Path) -> None:
    run, dataset, _ = make("table")
    with pytest.raises(RunError, match="was not trained on"):
        write_textbook(run, small)
    bare = RunFolder(tmp_path / "bare")
    bare.folder.mkdir()
    with pytest.raises(RunError, match="has no trained network"):
        write_textbook(bare, dataset)
    assert write_textbook(RunFolder(run.folder)).read_bytes().startswith(b"<!DOCTYPE html>")
