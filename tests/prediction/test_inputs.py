"""New examples in every form, read for a network that exists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing import load_data
from danqing.data.dataset import Dataset
from danqing.data.split import split
from danqing.data.tables.table_files import read_table
from danqing.errors import DanqingError, SourceError
from danqing.prediction.inputs import read_inputs
from danqing.preparation.preparation import Preparation, fit_preparation


@pytest.fixture(scope="module")
def iris() -> Preparation:
    return fit_preparation(split(load_data("iris"), 0.1).train, "feature")


def preparation_of(dataset: Dataset, *, drawings: bool = False) -> Preparation:
    return fit_preparation(split(dataset, 0.1).train, "channel", drawings=drawings)


def test_rows_of_a_file_have_numbers(tmp_path: Path, iris: Preparation) -> None:
    table = load_data("iris").x_train
    names = ",".join(f'"{name}"' for name in table.names)
    (tmp_path / "new.csv").write_text(f"{names},extra\n5.1,3.5,1.4,0.2,x\n6,3,4,1.3,y\n")
    (found,) = read_inputs(tmp_path / "new.csv", iris, (4,))
    assert found.names == [f"{tmp_path}/new.csv:1", f"{tmp_path}/new.csv:2"]
    assert iris.encoded(found.examples).shape == (2, 4)
    (named,) = read_inputs(Path("iris"), iris, (4,))
    assert len(named.names) == 150


def test_pictures_of_a_folder_and_what_is_none(tmp_path: Path, small: Dataset) -> None:
    for number in (10, 2):
        coloured = np.repeat(small.x_test[number], 3, axis=2).repeat(2, 0).repeat(2, 1)
        Image.fromarray(coloured).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"rubbish")
    (found,) = read_inputs(tmp_path, preparation_of(small), (28, 28, 1))
    assert found.names == [str(tmp_path / "2.png"), str(tmp_path / "10.png")]
    assert found.examples.shape == (2, 28, 28, 1)
    assert np.abs(found.examples[0].astype(int) - small.x_test[2]).mean() < 5
    assert len(found.errors) == 1
    assert "3.png" in found.errors[0]


def test_drawings_are_made_like_mnist(tmp_path: Path, small: Dataset) -> None:
    ink = np.full((100, 100), 255, np.uint8)
    ink[20:80, 45:52] = 0
    Image.fromarray(ink).save(tmp_path / "one.png")
    preparation = preparation_of(small, drawings=True)
    (found,) = read_inputs(tmp_path / "one.png", preparation, (28, 28, 1))
    assert "centred by mass" in found.notes[0]
    assert found.examples.max() > 200 > 0 == found.examples[0, 0].max()


def test_many_pictures_in_one_file(tmp_path: Path, small: Dataset) -> None:
    np.savez(tmp_path / "some.npz", x_train=small.x_test[:3, ..., 0], y_train=[0, 1, 2])
    (found,) = read_inputs(tmp_path / "some.npz", preparation_of(small), (28, 28, 1))
    assert found.names == [f"{tmp_path}/some.npz:{row}" for row in (1, 2, 3)]
    np.testing.assert_array_equal(found.examples, small.x_test[:3])


@pytest.mark.parametrize("name", ["missing.png", "missing", "table.csv", "iris"])
def test_what_a_network_for_pictures_cannot_take(
    name: str, tmp_path: Path, small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("a,b\n1,2\n")
    preparation = preparation_of(small)
    try:
        found = list(read_inputs(Path(name), preparation, (28, 28, 1)))
    except DanqingError:
        return
    assert found[0].names == []
    assert name in found[0].errors[0]


def test_a_network_for_rows_wants_its_columns(tmp_path: Path, iris: Preparation) -> None:
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"new\.csv: lacks columns 'sepal length"):
        list(read_inputs(tmp_path / "new.csv", iris, (4,)))
    with pytest.raises(SourceError, match="the table lacks columns 'sepal length"):
        iris.encoded(read_table(tmp_path / "new.csv"))


def test_a_row_of_units_is_left_out_and_counts(tmp_path: Path, iris: Preparation) -> None:
    names = ",".join(f'"{name}"' for name in load_data("iris").x_train.names)
    (tmp_path / "new.csv").write_text(f"{names}\ncm,cm,cm,cm\n5.1,3.5,1.4,0.2\n")
    (found,) = read_inputs(tmp_path / "new.csv", iris, (4,))
    assert found.names == [f"{tmp_path}/new.csv:2"]
    assert len(found.examples) == 1


def test_pictures_that_a_table_lists(
    tmp_path: Path, small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Scans").mkdir()
    for number in (3, 1, 2):
        Image.fromarray(small.x_test[number, :, :, 0]).save(tmp_path / "Scans" / f"{number}.png")
    rows = ["patient,file", r"a,scans\3.png", r"b,scans\1.png", "c,", r"d,scans\9.png",
            r"e,scans\2.png"]  # fmt: skip
    (tmp_path / "list.csv").write_text("\r\n".join(rows) + "\r\n")
    monkeypatch.chdir(tmp_path)
    preparation = preparation_of(small)
    found = list(read_inputs(Path("list.csv"), preparation, (28, 28, 1)))
    names = [name for inputs in found for name in inputs.names]
    assert names == ["Scans/3.png", "Scans/1.png", "Scans/2.png"]
    examples = np.concatenate([inputs.examples for inputs in found if inputs.names])
    assert np.array_equal(examples, small.x_test[[3, 1, 2]])
    errors = [error for inputs in found for error in inputs.errors]
    assert errors[0] == "list.csv:3: names no picture"
    assert "scans/9.png: there is no such file" in errors[1]
    (tmp_path / "words.csv").write_text("a,b\nx,y\n")
    with pytest.raises(SourceError, match="is a table without a column of picture files"):
        list(read_inputs(Path("words.csv"), preparation, (28, 28, 1)))
