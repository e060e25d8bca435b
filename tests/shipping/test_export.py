"""Exports agree with the trained network, from raw examples on, or are not written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from bundles import parts_of
from PIL import Image

import danqing
from danqing.data.dataset import Dataset
from danqing.errors import BundleError, ParityError, RecipeError, RunError
from danqing.evaluation import parity
from danqing.prediction.bundles.bundle import read_bundle
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder
from danqing.shipping.export_run import FORMATS, export

sys.path.insert(0, str(Path(__file__).parent.parent / "apps"))
from calling import danqing_here

CATEGORIES = ["red", "green", "blue", "0042"]


def pictures(folder: Path) -> Path:
    """Coloured pictures of many sizes, three classes told apart by their colour."""
    random = np.random.default_rng(0)
    for label, colour in (("sky", 2), ("grass", 1), ("fire", 0)):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            height, width = random.integers(20, 90, 2)
            pixels = random.integers(0, 120, (height, width, 3))
            pixels[..., colour] += 100
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(folder / label / f"{number}.{('png', 'jpg', 'webp')[number % 3]}")
    return folder


def table(path: Path) -> Path:
    """Rows with numbers, dates, categories and missing values."""
    random = np.random.default_rng(0)
    lines = ["size,colour,day,price"]
    for row in range(400):
        size, colour = random.normal(5, 2), CATEGORIES[random.integers(4)]
        month, day = random.integers(1, 13), random.integers(1, 28)
        price = 1e6 + 20 * size + 30 * (colour == "red") + month
        cells = [f"{size:.3f}", colour, f"2024-{month:02}-{day:02}", f"{price:.2f}"]
        if row % 7 == 0:
            cells[row % 3] = ""
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module", params=["pictures", "table", "arrays", "ensemble"])
def any_run(
    request: pytest.FixtureRequest, run: RunFolder, tmp_path_factory: pytest.TempPathFactory
) -> danqing.Run:
    folder = tmp_path_factory.mktemp("exported")
    if request.param == "pictures":
        source, network = str(pictures(folder / "many-sizes")), "conv(4,3)-batchnorm-pool-dense(8)"
        return danqing.train(source, out=folder / "run", network=network, epochs=2)
    if request.param == "table":
        source = str(table(folder / "houses.csv"))
        return danqing.train(source, target="price", out=folder / "run", network="dense(8)-elu")
    if request.param == "ensemble":
        return danqing.train(
            "digits", out=folder / "run", network="conv(4,3)-gelu-pool", epochs=1,
            ensemble=2, tta_views=5,
        )  # fmt: skip
    return danqing.Run(run)


@pytest.mark.parametrize("form", list(FORMATS))
def test_every_format_agrees(any_run: danqing.Run, form: str, tmp_path: Path) -> None:
    samples = "mnist" if any_run.data["name"] == "mnist" else None
    out = tmp_path / f"net{FORMATS[form]}"
    done = export(RunFolder(any_run.folder), out, form=form, samples=samples)
    certificate = done.certificate
    assert certificate["agrees"]
    assert certificate["samples"] >= 90
    if any_run.task == "classification":
        assert certificate["largest_difference"] <= 1e-4
        assert certificate["label_agreement"] == 1
    if form != "danqing":
        beside = json.loads((tmp_path / f"{done.path.name}.certificate.json").read_text())
        assert beside == certificate
    reads = {"many-sizes": "picture files", "houses": "rows of its file"}
    assert certificate["read"] == reads.get(any_run.data["name"], "arrays")


def test_plain_keras_loads_it(any_run: danqing.Run, tmp_path: Path) -> None:
    """In a Python that has never heard of Danqing."""
    import subprocess

    samples = "mnist" if any_run.data["name"] == "mnist" else None
    path = any_run.export(tmp_path / "net.keras", samples=samples)
    code = (
        "import keras, sys; m = keras.models.load_model(sys.argv[1]);"
        "assert 'danqing' not in sys.modules;"
        "assert all(type(l).__module__.startswith('keras.') for l in m.layers);"
        "print(m.input_shape[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == str(RunFolder(any_run.folder).input_shape)


def test_onnx_says_what_it_wants(any_run: danqing.Run, tmp_path: Path) -> None:
    path = any_run.export(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(path)
    known = session.get_modelmeta().custom_metadata_map
    takes = json.loads(known["danqing.input"])
    files = RunFolder(any_run.folder)
    assert takes["shape"][1:] == list(files.input_shape)
    assert json.loads(known["danqing.classes"]) == any_run.class_names
    if any_run.task == "regression":
        assert takes["features"][0] == "size"
        return
    assert takes["range"] == [0, 255]
    x = np.random.default_rng(0).integers(0, 256, (3, *files.input_shape)).astype(np.float32)
    (found,) = session.run(None, {"examples": x})
    np.testing.assert_allclose(found, Predictor(files).predict_encoded(x), atol=1e-6)


def test_a_bundle_predicts_files_as_its_run(any_run: danqing.Run, tmp_path: Path) -> None:
    bundle = danqing.load_bundle(any_run.export(tmp_path / "net.danqing"))
    source = any_run.data["source"]
    if any_run.data["name"] == "many-sizes":
        files = sorted(Path(source).rglob("*.*"))
        assert (bundle.predict(files) == any_run.predict(files)).all()
        singly = [bundle.predict_proba(file)[0] for file in files]
        np.testing.assert_allclose(np.stack(singly), bundle.predict_proba(files), atol=1e-6)
    elif any_run.task == "regression":
        assert (bundle.predict(source) == any_run.predict(source)).all()
        assert bundle.predictions(source)[0] == any_run.predictions(source)[0]


def test_other_samples(run: RunFolder, tmp_path: Path) -> None:
    """Without a certificate, or with other samples, Keras is asked again."""
    copied = danqing.Run(run).save(tmp_path / "copy")
    (copied.folder / "certificate.json").unlink()
    with pytest.raises(RunError, match=r"have changed or are gone.*--samples"):
        copied.export(tmp_path / "none.danqing")
    done = export(RunFolder(copied.folder), tmp_path / "net.danqing", samples="mnist")
    assert done.certificate["of"] == "mnist"
    assert done.certificate["samples"] == 1000
    assert done.certificate["largest_difference"] <= 1e-4
    for folder in (pictures(tmp_path / "many-sizes"),):
        with pytest.raises(RunError, match="none of the data's classes"):
            export(RunFolder(copied.folder), tmp_path / "x.danqing", samples=str(folder))


def test_a_mismatch_is_refused(run: RunFolder, tmp_path: Path) -> None:
    copied = danqing.Run(run).save(tmp_path / "copy").folder
    known = json.loads((copied / "certificate.json").read_text())
    wrong = {**known, "agrees": False, "largest_difference": 0.2, "label_agreement": 0.97}
    (copied / "certificate.json").write_text(json.dumps(wrong))
    with pytest.raises(ParityError, match=r"up to 0\.2, and 97\.00% of labels agree"):
        export(RunFolder(copied), tmp_path / "net.danqing")
    # Weights that are not the network's: found out by comparing.
    tensors = RunFolder(copied).tensors
    from danqing.runs.files import write_tensors

    write_tensors(copied / "weights.safetensors", {n: 1.1 * t for n, t in tensors.items()})
    with pytest.raises(ParityError, match="nothing is exported"):
        export(RunFolder(copied), tmp_path / "net.danqing", samples="mnist")
    assert not list(tmp_path.glob("net*"))


def test_preparation_left_behind_is_found(
    any_run: danqing.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The certificate says so if prediction resizes pictures in another way than training."""
    if any_run.data["name"] != "many-sizes":
        return
    from danqing.data.images import folder as module

    decode = module.decode

    def otherwise(*words: Any, **options: Any) -> Any:
        return np.roll(decode(*words, **options), 5, axis=0)[::-1] // 2

    monkeypatch.setattr(module, "decode", otherwise)
    with pytest.raises(ParityError, match="differ"):
        export(RunFolder(any_run.folder), tmp_path / "net.danqing", samples=any_run.data["source"])


@pytest.mark.parametrize("bits", ["int8", "float16"])
def test_smaller(bits: str, run: RunFolder, tmp_path: Path) -> None:
    whole = export(run, tmp_path / "whole.danqing").path
    done = export(run, tmp_path / "small.danqing", smaller=bits, samples="mnist")
    smaller = done.certificate["smaller"]
    assert smaller["weights"] == bits
    assert smaller["n"] == 10_000
    assert smaller["accuracy"]["cost"] <= 0.005
    assert done.path.stat().st_size < whole.stat().st_size
    x = danqing.load_data("mnist").x_test
    labels = danqing.load_data("mnist").y_test
    accuracy = (danqing.load_bundle(done.path).predict(x) == labels).mean()
    assert accuracy == pytest.approx(smaller["accuracy"]["after"])


def test_too_costly_is_refused(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from danqing.shipping import export_run as module

    def broken(model: bytes) -> bytes:
        import onnx
        from onnx import numpy_helper

        loaded = onnx.load_from_string(model)
        for constant in loaded.graph.initializer:
            if constant.name.endswith("/kernel"):
                values = numpy_helper.to_array(constant)
                constant.CopyFrom(numpy_helper.from_array(np.sign(values) * 0.1, constant.name))
        return bytes(loaded.SerializeToString())

    monkeypatch.setattr(module, "halve", broken)
    with pytest.raises(ParityError, match=r"would lose \d+\.\d\d points of accuracy"):
        export(run, tmp_path / "small.danqing", smaller="float16", samples="mnist")
    assert not list(tmp_path.iterdir())


def test_without_examples(run: RunFolder, tmp_path: Path) -> None:
    path = export(run, tmp_path / "private.danqing", examples=False).path
    import io

    shown = np.asarray(Image.open(io.BytesIO(read_bundle(path).expects)))
    assert shown.shape == (28, 28)
    assert np.ptp(shown) == 0


def test_a_run_of_before_has_a_mean_picture(run: RunFolder, tmp_path: Path) -> None:
    copied = danqing.Run(run).save(tmp_path / "copy").folder
    (copied / "expects.png").unlink()
    (copied / "card.md").write_text("# Mine\n")
    parts = parts_of(export(RunFolder(copied), tmp_path / "net.danqing").path)
    assert parts["card.md"] == b"# Mine\n"
    assert Image.open(__import__("io").BytesIO(parts["expects.png"])).size == (28, 28)


@pytest.mark.parametrize(
    ("name", "settings", "error", "said"),
    [
        ("net.zip", {}, RecipeError, "ends in .danqing"),
        ("net.danqing", {"form": "onnx"}, RecipeError, "ends in .onnx"),
        ("net.danqing", {"form": "pickle"}, RecipeError, "format 'pickle' is unknown"),
        ("net.keras", {"smaller": "int8"}, RecipeError, "can't be made smaller"),
        ("taken.danqing", {}, BundleError, "exists already"),
        ("nowhere/net.danqing", {}, BundleError, "there is no folder"),
    ],
)
def test_wrong_calls(
    name: str, settings: dict[str, Any], error: type, said: str, run: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "taken.danqing").write_bytes(b"mine")
    with pytest.raises(error, match=said):
        export(run, tmp_path / name, **settings)
    assert (tmp_path / "taken.danqing").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_command(run: RunFolder, tmp_path: Path) -> None:
    done = danqing_here("export", run.folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "small.danqing\n"
    assert "1,000 samples of the test, validation and training set (arrays)" in done.stderr
    assert "100 % of labels agree" in done.stderr
    again = danqing_here("export", run.folder, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    both = danqing_here("export", run.folder, "--quantise", "--half", cwd=tmp_path)
    assert both.returncode == 2
    assert danqing_here("export", "nowhere", cwd=tmp_path).returncode == 1


def test_an_unfinished_run(run: RunFolder, tmp_path: Path) -> None:
    copied = danqing.Run(run).save(tmp_path / "copy").folder
    (copied / "metrics.json").unlink()
    with pytest.raises(RunError, match="has not finished"):
        export(RunFolder(copied), tmp_path / "net.danqing")


@pytest.mark.parametrize(
    ("expected", "found", "target", "agrees"),
    [
        ([[0.7, 0.3]], [[0.70001, 0.29999]], None, True),
        ([[0.7, 0.3]], [[0.702, 0.298]], None, False),
        ([[0.50001, 0.49999]], [[0.49999, 0.50001]], None, True),  # a tie but for rounding
        ([[5.0]], [[5.00005]], (4.0, 1.0), True),
        ([[5.0]], [[5.01]], (4.0, 1.0), False),
        ([[5.0]], [[5.01]], (4.0, 1000.0), True),
        ([[np.nan, 0.5]], [[0.5, 0.5]], None, False),
    ],
)
def test_compare_outputs(
    expected: list[Any], found: list[Any], target: tuple[float, float] | None, agrees: bool
) -> None:
    got = parity.compare_outputs(np.array(expected), np.array(found), target)
    assert got["agrees"] is agrees


def test_training_warns_of_a_mismatch(
    trained: Callable[..., RunFolder],
    small: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def otherwise(predictor: Any, x: Any) -> Any:
        return x[:, ::-1]

    monkeypatch.setattr(parity, "_read_arrays", otherwise)
    run = trained(network="dense(8)")
    assert not run.certificate["agrees"]
    assert "danqing export" in "".join(caplog.messages)
    assert replace(small, name="x").name == "x"
