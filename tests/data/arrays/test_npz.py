from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from danqing.data.arrays.npz import load_npz
from danqing.errors import DanqingError, SourceError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 4, 5), dtype=np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2])


def saved(tmp_path: Path, **named: Any) -> Path:
    path = tmp_path / "things.npz"
    np.savez(path, **named)
    return path


def test_keras_names(tmp_path: Path) -> None:
    path = saved(
        tmp_path, x_train=PIXELS, Y_TRAIN=Y, x_test=PIXELS[:2], y_test=Y[:2],
        x_val=PIXELS[3:], y_val=Y[3:].reshape(-1, 1),
    )  # fmt: skip
    dataset = load_npz(path)
    assert (dataset.x_train == PIXELS[..., None]).all()
    assert dataset.x_validation.shape == (3, 4, 5, 1)
    assert dataset.y_validation is not None
    assert dataset.y_validation.tolist() == [0, 1, 2]
    assert dataset.y_test.tolist() == [0, 1]
    assert dataset.name == "things"
    assert load_npz(dataset.source).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(
    ("x", "y"), [("X", "y"), ("x", "y"), ("data", "target"), ("images", "labels")]
)
def test_other_names_and_tables(tmp_path: Path, x: str, y: str) -> None:
    table = np.array([[1.0, np.inf], [2.0, np.nan], [3.0, 4.0]])
    words = np.array(["b", "a", "b"])
    dataset = load_npz(saved(tmp_path, **{x: table, y: words}, feature_names=["h", "w"]))
    assert dataset.x_train.names == ("h", "w")
    assert dataset.x_train.columns[1].missing.tolist() == [True, True, False]
    assert dataset.class_names == ("a", "b")
    assert len(dataset.x_test) == 0


def test_regression_and_rows_without_target(tmp_path: Path) -> None:
    path = saved(tmp_path, X=np.eye(3), y=np.array([0.5, np.nan, 1.0]))
    dataset = load_npz(path)
    assert dataset.task == "regression"
    assert dataset.removed == {"rows without a target": 1}
    assert dataset.x_train.columns[2].values.tolist() == [0, 1]
    assert load_npz(saved(tmp_path, X=np.eye(3), y=Y[:3]), task="regression").task == "regression"


def test_floats_become_bytes_exactly(tmp_path: Path) -> None:
    floats = PIXELS.astype(np.float32) / np.float32(255)
    for x in (floats, PIXELS.astype(np.float64), PIXELS.astype(np.int64)):
        assert (load_npz(saved(tmp_path, x=x, y=Y)).x_train[..., 0] == PIXELS).all()
    truth = PIXELS > 100
    assert (load_npz(saved(tmp_path, x=truth, y=Y)).x_train[..., 0] == truth * 255).all()


def test_training_decides_the_scale(tmp_path: Path) -> None:
    dark = np.ones((2, 4, 5))
    path = saved(tmp_path, x_train=PIXELS * 1.0, y_train=Y, x_test=dark, y_test=Y[:2])
    assert load_npz(path).x_test.max() == 1
    path = saved(tmp_path, x_train=PIXELS / 255, y_train=Y, x_test=dark * 9, y_test=Y[:2])
    with pytest.raises(SourceError, match="values from 9 to 9"):
        load_npz(path)


@pytest.mark.parametrize(("bits", "kind"), [(10, "u2"), (12, "u2"), (14, "i4"), (16, "u2")])
def test_deep_pictures_have_one_scale(tmp_path: Path, bits: int, kind: str) -> None:
    white = 2**bits - 1
    deep = (PIXELS.astype(np.float64) * (white / 255)).astype(kind)
    deep[0, 0, 0] = white
    dark = deep[:3] // 4
    dataset = load_npz(saved(tmp_path, x_train=deep, y_train=Y, x_test=dark, y_test=Y[:3]))
    assert dataset.pictures_as == {"range": [0, white]}
    assert np.abs(dataset.x_train[..., 0].astype(int) - PIXELS)[1:].max() <= 1
    assert (dataset.x_test[..., 0] == np.rint(dark * (255 / white))).all()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(-1e-8, 1 + 1e-7, ""), (-0.08, 1.09, "from -0.08 to 1.09; they are clipped to 0 to 1"),
     (-20.5, 270.25, "from -20.5 to 270.2; they are clipped to 0 to 255")],
)  # fmt: skip
def test_values_a_little_outside_are_clipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, low: float, high: float, said: str
) -> None:
    white = 1 if high < 2 else 255
    inside = PIXELS * (white / 255)
    outside = np.where(PIXELS.max() == PIXELS, high, np.where(PIXELS.min() == PIXELS, low, inside))
    expected = np.where(outside == high, 255, np.where(outside == low, 0, PIXELS))
    assert (load_npz(saved(tmp_path, x=outside, y=Y)).x_train[..., 0] == expected).all()
    assert said in caplog.text if said else not caplog.text
    further = np.where(outside == high, 1.3 * white, outside)
    with pytest.raises(SourceError, match=rf"to {1.3 * white:.6g} .*np.clip\(x, 0, {white}\)"):
        load_npz(saved(tmp_path, x=further, y=Y))


def test_floats_of_another_scale_than_training_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, x_train=PIXELS, y_train=Y, x_test=PIXELS / 255, y_test=Y)
    with pytest.raises(SourceError, match="expected 0 to 255, as in training"):
        load_npz(path)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"a": PIXELS}, "has the arrays a; expected x_train and y_train"),
        ({"x": PIXELS, "y": Y[:5]}, "has 6 examples and 5 targets"),
        ({"x": PIXELS.astype(object), "y": Y}, "contains Python objects"),
        ({"x": PIXELS * 1j, "y": Y}, "of type complex128"),
        ({"x": PIXELS.astype("M8[s]"), "y": Y}, "of type datetime64"),
        ({"x": PIXELS[..., 0, 0], "y": Y}, r"shape \(6,\); expected \(n, columns\)"),
        ({"x": PIXELS[:, :0], "y": Y}, r"has examples of shape \(6, 0, 5\)"),
        ({"x": PIXELS - 100.5, "y": Y}, "expected integers from 0 to 255, or floats"),
        ({"x": PIXELS * np.nan, "y": Y}, "expected integers from 0 to 255, or floats"),
        ({"x": PIXELS.astype(np.int32) * 900, "y": Y}, "expected integers from 0 to 255"),
        ({"x": PIXELS.reshape(6, 1, 1, 20), "y": Y}, r"as the last axis; np.moveaxis"),
        ({"x": PIXELS, "y": np.eye(6)}, r"one-hot rows use y.argmax"),
        ({"x": PIXELS[:0], "y": Y[:0]}, "no training row has a target"),
        ({"x_train": PIXELS, "y_train": Y, "x_test": PIXELS[:, :3], "y_test": Y},
         r"shape \(4, 5\) and others of shape \(3, 5\)"),
        ({"x": PIXELS, "X": PIXELS, "y": Y}, "the array 'x' twice"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(tmp_path: Path, named: dict[str, Any], words: str) -> None:
    path = saved(tmp_path, **named)
    with pytest.raises(SourceError, match=words) as caught:
        load_npz(path)
    assert str(path) in str(caught.value)


def npy(header: str, values: bytes = b"", version: int = 1) -> bytes:
    padded = header.ljust(117).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(padded).to_bytes(2, "little") + padded + values


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 9)}"), "disagrees"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 9)}"), "negative"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 9)}"), "Python objects"),
        (
            npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"\xff" * 4),
            "is not valid text",
        ),
        (npy("__import__('os').abort()"), "damaged"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", b"1", 3), "npy version"),
        (npy("(" * 117), "damaged"),
        (b"\x93NUMPY", "damaged"),
        (b"", "damaged"),
    ],
)
def test_bad_headers(tmp_path: Path, member: bytes, words: str) -> None:
    path = tmp_path / "bad.npz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x.npy", member)
        packed.writestr("y.npy", member)
    with pytest.raises(SourceError, match=words) as caught:
        load_npz(path)
    assert str(path) in str(caught.value)


def test_bomb_takes_little_memory(tmp_path: Path) -> None:
    """Zeros packed to a thousandth; the header claims more than deflate could ever hold."""
    path = tmp_path / "bomb.npz"
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (30000, 40000)}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x.npy", npy(header, bytes(10**6)))
        packed.writestr("y.npy", npy(header, bytes(10**6)))
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="disagrees with its header"):
            load_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.int32, np.float32, np.float64, np.bool_, np.dtype("U3")]),
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=4),
    ),
    arrays.arrays(
        st.sampled_from([np.uint8, np.int64, np.float16, np.bool_, np.dtype("U3"), np.dtype("S2")]),
        arrays.array_shapes(min_dims=1, max_dims=2, max_side=4),
    ),
)
def test_any_arrays_give_data_or_a_plain_error(
    tmp_path_factory: pytest.TempPathFactory, x: np.ndarray, y: np.ndarray
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.npz"
    np.savez(path, x=x, y=y)
    message = ""
    try:
        dataset = load_npz(path)
        assert len(dataset.x_train) == len(dataset.y_train) > 0
    except DanqingError as error:
        message = str(error)
    assert not message or (str(path) in message and "\n" not in message)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100), st.booleans())
def test_any_bytes_give_a_plain_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, zipped: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.npz"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("x.npy", b"\x93NUMPY\x01\0" + content)
        packed.writestr("y.npy", content)
    path.write_bytes(file.getvalue() if zipped else content)
    with pytest.raises(DanqingError) as caught:
        load_npz(path)
    assert str(path) in str(caught.value)
