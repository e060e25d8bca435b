"""A bundle is opened strictly: what is damaged, older, newer or hostile ends in one line."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from bundles import packed, parts_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import danqing
from danqing.errors import BundleError, BundleNotFound, DanqingError
from danqing.prediction.bundles import bundle as bundle_module
from danqing.prediction.bundles.bundle import PARTS, read_bundle
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder
from danqing.shipping.export_run import export

sys.path.insert(0, str(Path(__file__).parent.parent / "apps"))
from calling import danqing_here


@pytest.fixture(scope="module")
def bundle(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("bundles") / "small.danqing").path


@pytest.fixture(scope="module")
def content(bundle: Path) -> bytes:
    return bundle.read_bytes()


def refused(content: bytes, folder: Path) -> str:
    """Open a bundle that must be refused in one line, with nothing written; give the line."""
    path = folder / "wrong.danqing"
    path.write_bytes(content)
    before = sorted(folder.iterdir())
    with pytest.raises(BundleError) as caught:
        danqing.load_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert sorted(folder.iterdir()) == before
    return message


def test_a_bundle_predicts_as_its_run(bundle: Path, run: RunFolder, mnist: Any) -> None:
    predictor, x = danqing.load_bundle(bundle), mnist.x_test[:200]
    expected = Predictor(run).predict_proba(x)
    assert (predictor.predict_proba(x) == expected).all()
    assert predictor.predict(x).dtype == np.int64
    assert predictor.predictions(x[:2]) == Predictor(run).predictions(x[:2])
    singly = np.concatenate([predictor.predict_proba(one) for one in x])
    np.testing.assert_allclose(singly, expected, atol=1e-6)


def test_what_is_in_it(bundle: Path, run: RunFolder, small: Any) -> None:
    from PIL import Image

    assert list(parts_of(bundle)) == list(PARTS)
    found = read_bundle(bundle)
    assert found.manifest["format"] == 1
    assert found.manifest["versions"]["exported by danqing"] == danqing.__version__
    assert found.certificate["samples"] == 1000
    assert found.certificate["label_agreement"] == 1
    assert found.certificate["largest_difference"] <= 1e-4
    assert "Accuracy" in found.card
    assert "准确率" in found.card
    mean = np.asarray(Image.open(io.BytesIO(found.expects)), np.float64)
    assert np.abs(mean - small.x_train.mean(axis=0)[..., 0]).mean() < 1
    assert str(run.folder.parent) not in "".join(
        part.decode(errors="replace") for part in parts_of(bundle).values()
    )


def test_the_same_run_gives_the_same_bytes(run: RunFolder, content: bytes, tmp_path: Path) -> None:
    assert export(run, tmp_path / "again.danqing").path.read_bytes() == content


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("/etc/passwd", "no part of a bundle"),
        ("../network.onnx", "no part of a bundle"),
        ("C:\\network.onnx", "no part of a bundle"),
        ("folder/", "no part of a bundle"),
        ("code.py", "no part of a bundle"),
        ("network.onnx", "twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_that_no_bundle_has(entry: str, said: str, content: bytes, tmp_path: Path) -> None:
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as zipped:
        if entry in PARTS:
            del zipped.filelist[-1]  # as many entries as ever
        zipped.writestr(zipfile.ZipInfo(entry), b"")
    assert said in refused(file.getvalue(), tmp_path) or "entries" in refused(
        file.getvalue(), tmp_path
    )


@pytest.mark.parametrize("name", list(PARTS))
def test_links_encryption_and_compression(name: str, content: bytes, tmp_path: Path) -> None:
    parts = parts_of_bytes(content, tmp_path)

    def changed(change: Callable[[zipfile.ZipInfo], None]) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as zipped:
            for one, part in parts.items():
                entry = zipfile.ZipInfo(one)
                if one == name:
                    change(entry)
                zipped.writestr(entry, part)
        return file.getvalue()

    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = 0o120777 << 16

    def compressed(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = zipfile.ZIP_DEFLATED

    assert "is a link or folder" in refused(changed(link), tmp_path)
    assert "is compressed" in refused(changed(compressed), tmp_path)
    encrypted = bytearray(changed(lambda entry: None))
    at = encrypted.rindex(b"PK\1\2", 0, encrypted.rindex(name.encode()))
    encrypted[at + 8] |= 1
    assert "is encrypted" in refused(bytes(encrypted), tmp_path)


def parts_of_bytes(content: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "right.danqing"
    path.write_bytes(content)
    return parts_of(path)


def test_a_zip_bomb(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of_bytes(content, tmp_path)
    bomb = packed({**parts, "network.onnx": bytes(100 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    assert "is compressed" in refused(bomb, tmp_path)
    # Sizes that the list of entries claims, and parts that share their bytes.
    lying = bytearray(packed(parts))
    at = lying.rindex(b"PK\1\2", 0, lying.rindex(b"network.onnx"))
    lying[at + 20 : at + 28] = (900 << 20).to_bytes(4, "little") * 2
    assert "overlap" in refused(bytes(lying), tmp_path)
    monkeypatch.setitem(bundle_module.PARTS, "network.onnx", 100)
    assert "at most 100 are expected" in refused(packed(parts), tmp_path)
    for part in PARTS:
        monkeypatch.setitem(bundle_module.PARTS, part, 10)
    assert "larger than a bundle can be" in refused(packed(parts), tmp_path)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"format": 2}, "reads format 1; upgrade danqing"),
        ({"format": 99}, "reads format 1; upgrade danqing"),
        ({"format": 0}, "reads format 1; export it again"),
        ({"format": "1"}, "bundle format none"),
        ({"format": True}, "bundle format none"),
        ({"parts": []}, "manifest.json is damaged"),
        ({"parts": {}}, "is not what its manifest says"),
    ],
)
def test_other_formats(manifest: dict[str, Any], said: str, content: bytes, tmp_path: Path) -> None:
    assert said in refused(packed(parts_of_bytes(content, tmp_path), **manifest), tmp_path)


@pytest.mark.parametrize("name", [name for name in PARTS if name not in ("card.md", "expects.png")])
def test_a_part_is_missing_or_empty(name: str, content: bytes, tmp_path: Path) -> None:
    parts = parts_of_bytes(content, tmp_path)
    rest = {one: part for one, part in parts.items() if one != name}
    assert f"lacks {name}" in refused(packed(rest, sign=name != "manifest.json"), tmp_path)
    if name != "manifest.json":
        assert refused(packed({**parts, name: b""}), tmp_path)
        assert name in refused(packed({**parts, name: parts[name] + b" "}, sign=False), tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99, 0.9999])
def test_truncated(share: float, content: bytes, tmp_path: Path) -> None:
    refused(content[: int(share * len(content))], tmp_path)


def test_truncated_within_every_part(content: bytes, tmp_path: Path) -> None:
    for name in PARTS:
        at = content.index(name.encode())
        for end in (at, at + len(name), at + len(name) + 5):
            refused(content[:end], tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_flipped_bytes(data: st.DataObject, content: bytes, bundle: Path, tmp_path: Path) -> None:
    """Any change is either refused in one line, or changes nothing that is read."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        changed[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.danqing"
    path.write_bytes(bytes(changed))
    model, said = read_bundle(bundle).onnx_model, ""
    try:
        model = read_bundle(path).onnx_model
    except BundleError as error:
        said = str(error)
    assert "\n" not in said
    assert model == read_bundle(bundle).onnx_model


def onnx_with(model: bytes, change: Callable[[Any], None]) -> bytes:
    loaded = onnx.load_from_string(model)
    change(loaded)
    return bytes(loaded.SerializeToString())


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def custom(model: Any) -> None:
    model.graph.node[0].domain = "evil"
    model.opset_import.append(helper.make_opsetid("evil", 1))


def unknown(model: Any) -> None:
    model.graph.node[0].op_type = "Loop"


def subgraph(model: Any) -> None:
    node = helper.make_node("Relu", ["examples"], ["x"])
    inner = helper.make_graph([node], "inner", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("body", inner))


def function(model: Any) -> None:
    model.functions.add().name = "Relu"


def huge(model: Any) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 40, 1 << 20])


def padded(model: Any) -> None:
    pads = numpy_helper.from_array(np.array([0, 9_000, 9_000, 0] * 2), "pads")
    model.graph.initializer.append(pads)
    model.graph.node.append(helper.make_node("Pad", ["examples", "pads"], ["far"], mode="edge"))


def strided(model: Any) -> None:
    node = next(node for node in model.graph.node if node.op_type == "Conv")
    node.attribute.append(helper.make_attribute("pads", [100_000] * 4))


def two_inputs(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n", 3]))


def other_shape(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 27


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (external, "Danqing doesn't write"),
        (custom, "custom operators"),
        (unknown, "operator 'Loop'"),
        (subgraph, "Danqing doesn't write"),
        (function, "Danqing doesn't write"),
        (huge, "not of its size"),
        (padded, "pads pictures further"),
        (strided, "attribute above"),
        (two_inputs, "more than one input"),
        (other_shape, "other shapes"),
    ],
)
def test_onnx_that_danqing_never_writes(
    change: Callable[[Any], None],
    said: str,
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import onnxruntime

    def never(*given: object, **options: object) -> None:
        raise AssertionError("ONNX Runtime saw it")

    parts = parts_of_bytes(content, tmp_path)
    parts["network.onnx"] = onnx_with(parts["network.onnx"], change)
    monkeypatch.setattr(onnxruntime, "InferenceSession", never)
    assert said in refused(packed(parts), tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_onnx_with_flipped_bytes(data: st.DataObject, content: bytes, tmp_path: Path) -> None:
    parts = parts_of_bytes(content, tmp_path)
    model = bytearray(parts["network.onnx"])
    for _ in range(data.draw(st.integers(1, 3))):
        model[data.draw(st.integers(0, len(model) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.danqing"
    path.write_bytes(packed({**parts, "network.onnx": bytes(model)}))
    said, shape = "", (1, 10)
    try:
        predictor = danqing.load_bundle(path)
    except BundleError as error:
        said = str(error)
    else:
        shape = predictor.predict_encoded(np.zeros((1, 28, 28, 1))).shape
    assert "\n" not in said
    assert shape == (1, 10)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("network.json", {"layers": []}),
        ("network.json", {"layers": [{"input_shape": [28, 28]}]}),
        ("network.json", {"layers": [{"input_shape": [1 << 20, 1 << 20, 1]}]}),
        ("network.json", {"preparation": {}}),
        ("network.json", {"preparation": None}),
        ("labels.json", {"class_names": "0123456789"}),
        ("labels.json", {"class_names": ["0"] * 10}),
        ("labels.json", {"class_names": [str(n) for n in range(9)]}),
        ("labels.json", {"class_names": [*"012345678", "nine"]}),
        ("labels.json", {"label_type": "code"}),
        ("calibration.json", {"thresholds": [{"risk": "high", "unsure_below": 0.5}]}),
    ],
)
def test_json_that_training_never_writes(
    part: str, change: dict[str, Any], content: bytes, tmp_path: Path
) -> None:
    parts = parts_of_bytes(content, tmp_path)
    parts[part] = json.dumps({**json.loads(parts[part]), **change}).encode()
    refused(packed(parts), tmp_path)
    for rubbish in (b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": NaN}'):
        assert f"{part} is damaged" in refused(packed({**parts, part: rubbish}), tmp_path)


def test_pictures_as_that_training_never_writes(content: bytes, tmp_path: Path) -> None:
    parts = parts_of_bytes(content, tmp_path)
    network = json.loads(parts["network.json"])
    for wrong in ({"size": [1 << 30, 1 << 30], "mode": "L"}, {"size": [28, 28], "mode": 5}, [1]):
        network["preparation"]["pictures_as"] = wrong
        parts["network.json"] = json.dumps(network).encode()
        refused(packed(parts), tmp_path)


def test_what_is_no_bundle(tmp_path: Path, run: RunFolder) -> None:
    with pytest.raises(BundleNotFound, match="there is no such file"):
        danqing.load_bundle(tmp_path / "nowhere.danqing")
    with pytest.raises(BundleError, match="no regular file"):
        danqing.load_bundle(tmp_path)
    for other in (b"", b"rubbish", (run.folder / "network.onnx").read_bytes()):
        assert "it is no zip" in refused(other, tmp_path)


@pytest.mark.parametrize("words", [["predict", "wrong.danqing", "x.png"]])
def test_the_command_says_it_in_one_line(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.danqing").write_bytes(b"PK\3\4 rubbish")
    done = danqing_here(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1


def test_errors_are_danqings() -> None:
    assert issubclass(BundleNotFound, FileNotFoundError)
    assert issubclass(BundleError, DanqingError)


def test_the_bundle_kept_for_good(tmp_path: Path) -> None:
    """Made by Danqing 0.2.0: `danqing.train("iris", network="dense(8)", epochs=30).export(...)`."""
    kept = Path(__file__).parent / "format_1.danqing"
    path = shutil.copy(kept, tmp_path)
    predictor = danqing.load_bundle(path)
    iris = danqing.load_data("iris")
    expected = np.load(Path(__file__).parent / "format_1.npy")
    np.testing.assert_allclose(predictor.predict_proba(iris.x_train), expected, atol=1e-6)
    assert predictor.classes.tolist() == ["setosa", "versicolor", "virginica"]
