from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from danqing.data.dataset import Dataset
from danqing.data.duplicates import example_digests
from danqing.data.images.load_images import load_images
from danqing.data.sources import load_data
from danqing.data.split import Splits, Subset, short_digests, split, split_by_settings
from danqing.data.stratify import stratified_split
from danqing.data.table import Column, Table
from danqing.errors import SourceError


def pictures(*values: Any) -> np.ndarray:
    """One-pixel pictures: equal numbers are equal pictures."""
    return np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1)


def dataset(x: Any, y: Any, **others: Any) -> Dataset:
    y = np.asarray(y)
    names = () if y.dtype == np.float64 else tuple(map(str, range(int(y.max(initial=0)) + 1)))
    empty = {"x_test": x[:0], "y_test": y[:0]}
    settings = {"name": "made", "source": "", "class_names": names, **empty, **others}
    return Dataset(x_train=x, y_train=y, **settings)


def subsets_of(splits: Splits) -> tuple[Subset, ...]:
    return splits.train, splits.validation, splits.test


def test_mnist_keeps_its_test_part_and_is_split_as_ever(mnist: Dataset) -> None:
    splits = split(mnist, 0.2)
    train, validation = stratified_split(mnist.y_train, 0.2)
    assert splits.train.rows.tolist() == train.tolist()
    assert splits.validation.rows.tolist() == validation.tolist()
    assert splits.test.rows.tolist() == list(range(10_000))
    assert splits.test.x is mnist.x_test
    assert splits.train.x is splits.validation.x is mnist.x_train
    assert splits.removed == {}
    assert np.array_equal(splits.validation.labels, mnist.y_train[validation])
    assert np.array_equal(splits.validation.examples(), mnist.x_train[validation])


def test_without_a_test_part_a_fifth_becomes_one(mnist: Dataset) -> None:
    x, y = mnist.x_train[:1000], mnist.y_train[:1000]
    splits = split(dataset(x, y), 0.1)
    rest, test = train_test_split(np.arange(1000), test_size=0.2, random_state=42, stratify=y)
    train, validation = train_test_split(rest, test_size=0.1, random_state=42, stratify=y[rest])
    assert [subset.rows.tolist() for subset in subsets_of(splits)] == [
        train.tolist(), validation.tolist(), test.tolist(),
    ]  # fmt: skip


def test_iris_has_its_one_pair_on_one_side() -> None:
    numbers, y = load_iris(return_X_y=True)
    table = Table(tuple(Column(f"c{i}", "number", c) for i, c in enumerate(numbers.T)))
    splits = split(dataset(table, y.astype(np.int64)), 0.1)
    assert sum(len(subset) for subset in subsets_of(splits)) == 150
    assert {(101 in subset.rows) == (142 in subset.rows) for subset in subsets_of(splits)} == {True}
    assert splits.removed == {}


def test_own_validation_part_is_kept() -> None:
    made = dataset(
        pictures(*range(50)), np.arange(50) % 2,
        x_validation=pictures(*range(50, 60)), y_validation=np.arange(10) % 2,
        x_test=pictures(*range(60, 70)), y_test=np.arange(10) % 2,
    )  # fmt: skip
    splits = split(made, 0.5)
    assert [len(subset) for subset in subsets_of(splits)] == [50, 10, 10]
    assert splits.validation.x is made.x_validation


def test_leaks_are_left_out_of_training_and_never_of_testing() -> None:
    made = dataset(
        pictures(*range(50)), np.zeros(50, np.int64),
        x_validation=pictures(100, 101, 10, 0), y_validation=np.zeros(4, np.int64),
        x_test=pictures(0, 1, 2, 60), y_test=np.zeros(4, np.int64),
    )  # fmt: skip
    splits = split(made, 0.5)
    assert splits.train.rows.tolist() == [row for row in range(50) if row not in (0, 1, 2, 10)]
    assert splits.validation.rows.tolist() == [0, 1, 2]
    assert splits.test.rows.tolist() == [0, 1, 2, 3]
    assert splits.removed == {"also in the test set": 4, "also in the validation set": 1}


def test_the_same_picture_under_two_labels_teaches_nothing() -> None:
    x, y = pictures(*range(50), 7, 8), np.array([0, 1] * 25 + [0, 0])
    made = dataset(x, y, x_test=pictures(9, 200), y_test=np.array([0, 1]))
    splits = split(made, 0.2)
    # 7 (label 1) came again with 0; 8 (label 0) came again with 0; 9 (1) is in the test with 0.
    assert splits.removed == {"the same picture under two labels": 3}
    assert not {7, 50, 9} & {*splits.train.rows.tolist(), *splits.validation.rows.tolist()}
    assert {8, 51} <= {*splits.train.rows.tolist(), *splits.validation.rows.tolist()}
    assert splits.test.rows.tolist() == [0, 1]


def test_equal_rows_with_different_numbers_stay_together() -> None:
    x = Table((Column("a", "number", np.arange(100.0) // 1 % 97),))
    splits = split(dataset(x, np.linspace(0, 1, 100)), 0.2)
    assert sum(len(subset) for subset in subsets_of(splits)) == 100
    assert splits.removed == {}
    for pair in [(0, 97), (1, 98), (2, 99)]:
        assert (
            len({sum(row in subset.rows for row in pair) for subset in subsets_of(splits)} - {0})
            == 1
        )


def test_equal_rows_of_a_coarse_table_are_different_cases() -> None:
    # As of the Titanic: 2 x 4 kinds of passenger, and most kinds both drowned and survived.
    random = np.random.default_rng(0)
    sex, rank, y = random.integers(2, size=400), random.integers(4, size=400), None
    y = (random.random(400) < 0.2 + 0.6 * sex).astype(np.int64)
    words = np.array(["man", "woman"], dtype=object)[sex]
    x = Table((Column("sex", "category", words), Column("class", "number", rank.astype(float))))
    splits = split(dataset(x, y), 0.1)
    assert [len(subset) for subset in subsets_of(splits)] == [288, 32, 80]
    assert splits.removed == {}


def test_one_of_a_kind_is_learned_from() -> None:
    y = np.array([0] * 50 + [1] * 50 + [2])
    splits = split(dataset(pictures(*range(101)), y), 0.2)
    assert 100 in splits.train.rows
    assert np.bincount(splits.test.labels).tolist() == [10, 10]


def test_each_of_many_classes_is_learned_from() -> None:
    y = np.repeat(np.arange(60), 3)
    splits = split(dataset(pictures(*range(180)), y), 0.1)
    assert set(splits.train.labels) == set(range(60))


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((), []),
        ((1,), [0]),
        ((1, 2, 3, 4), [0, 0, 0, 0]),
        ((1,) * 50, [0] * 50),
        (range(50), list(range(50))),
    ],
)
def test_too_few_are_refused(values: Any, labels: list[int]) -> None:
    with pytest.raises(SourceError, match="too few to split"):
        split(dataset(pictures(*values), np.array(labels, np.int64)), 0.1)


def test_nothing_left_is_refused() -> None:
    same = {"x_validation": pictures(60, 61), "y_validation": np.array([0, 1])}
    x, y = pictures(*range(50)), np.arange(50) % 2
    with pytest.raises(SourceError, match="also in the test set: 50"):
        split(dataset(x, y, x_test=x, y_test=y, **same), 0.1)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("count", range(5, 12))
@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_few_rows_are_divided_or_refused(count: int, share: float, task: str) -> None:
    y = np.arange(count) % 2 if task == "classes" else np.arange(float(count))
    made = dataset(pictures(*range(count)), y)
    if count >= 7 and share <= 0.5:
        assert all(len(subset) for subset in subsets_of(split(made, share)))
    else:
        with suppress(SourceError):
            assert all(len(subset) for subset in subsets_of(split(made, share)))


def test_a_cache_on_disk_is_read_a_few_at_a_time() -> None:
    class Cache:
        shape = (3000, 100, 100, 3)
        largest = 0

        def __len__(self) -> int:
            return 3000

        def __getitem__(self, rows: slice) -> np.ndarray:
            values = np.arange(3000, dtype=np.uint16)[rows]
            self.largest = max(self.largest, len(values))
            taken = np.zeros((len(values), *self.shape[1:]), np.uint8)
            taken[:, 0, 0, 0], taken[:, 0, 0, 1] = values % 256, values // 256
            return taken

    cache = Cache()
    assert len(set(example_digests(cache))) == 3000
    assert cache.largest * 30_000 <= 1 << 24


rows = st.tuples(st.integers(0, 40), st.integers(0, 3))


@settings(max_examples=150, deadline=None)
@given(
    train=st.lists(rows, min_size=5, max_size=60),
    validation=st.lists(rows, max_size=10),
    test=st.lists(rows, max_size=10),
    share=st.sampled_from([0.1, 0.2, 0.5]),
    regression=st.booleans(),
)
def test_parts_are_disjoint_and_complete(
    train: list[Any], validation: list[Any], test: list[Any], share: float, regression: bool
) -> None:
    def xy(pairs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        kind = np.float64 if regression else np.int64
        return pictures(*(x for x, _ in pairs)), np.array([y for _, y in pairs], dtype=kind)

    (x, y), (x_validation, y_validation), (x_test, y_test) = xy(train), xy(validation), xy(test)
    names = () if regression else tuple("0123")
    made = dataset(
        x, y, class_names=names, x_validation=x_validation, y_validation=y_validation,
        x_test=x_test, y_test=y_test,
    )  # fmt: skip
    try:
        splits = split(made, share)
    except SourceError:
        return
    again = split(made, share)
    taken = {id(x): set(), id(x_validation): set(), id(x_test): set()}
    contents = []
    for subset, same in zip(subsets_of(splits), subsets_of(again), strict=True):
        assert subset.rows.tolist() == same.rows.tolist()
        assert len(subset)
        assert not taken[id(subset.x)] & set(subset.rows.tolist())
        taken[id(subset.x)] |= set(subset.rows.tolist())
        contents.append(set(subset.examples().ravel().tolist()))
    assert sum(map(len, taken.values())) + sum(splits.removed.values()) == len(
        train + validation + test
    )
    assert not contents[0] & contents[1]
    assert not contents[0] & contents[2]
    assert not contents[1] & contents[2]
    if test:
        assert splits.test.rows.tolist() == list(range(len(test)))
    if not regression:
        labels: dict[int, set[int]] = {}
        for content, label in train + validation + test:
            labels.setdefault(content, set()).add(label)
        for subset in (splits.train, splits.validation):
            assert all(len(labels[content]) == 1 for content in subset.examples().ravel().tolist())
    elif not test and not validation:
        assert splits.removed == {}


def test_one_class_can_be_read_but_not_learned(tmp_path: Path) -> None:
    table, arrays = tmp_path / "week.csv", tmp_path / "week.npz"
    table.write_text("width,quality\n1.5,good\n2,good\n")
    np.savez(arrays, x=np.zeros((6, 4, 4), np.uint8), y=np.zeros(6, int))
    for name in ("1.png", "2.png"):
        (tmp_path / "week" / "good").mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / "week" / "good" / name)
    for source, of in ((table, "'quality': every row"), (arrays, ": every picture"),
                       (tmp_path / "week", ": every picture")):  # fmt: skip
        loaded = load_data(source, target="quality" if source == table else None)
        assert len(loaded.class_names) == 1
        with pytest.raises(SourceError, match=f"{of} has the class .*; training needs at least"):
            split_by_settings(loaded, {"validation_share": 0.1})


def test_a_subset_has_a_digest_of_its_rows_in_order(mnist: Dataset) -> None:
    splits = split(mnist, 0.1)
    every = example_digests(mnist.x_train)
    expected = hashlib.sha256(b"".join(every[row] for row in splits.train.rows)).hexdigest()
    assert splits.train.digest == expected
    again = Subset(splits.train.x, splits.train.y, splits.train.rows)  # digests not known yet
    assert again.digest == expected
    assert Subset(again.x, again.y, again.rows[::-1]).digest != expected
    first = int.from_bytes(every[splits.train.rows[0]][:8], "little")
    assert int(short_digests(splits.train)[0]) == first


def test_the_order_of_columns_makes_no_row_another() -> None:
    one, other = (
        Column("a", "number", np.arange(3.0)),
        Column("b", "category", np.array(["x", None, "y"], object)),
    )
    assert example_digests(Table((one, other))) == example_digests(Table((other, one)))


def test_rows_are_named_by_files_or_from_1(tmp_path: Path, mnist: Dataset) -> None:
    path = tmp_path / "pets.csv"
    rows = [f"{i}.5,{'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["weight,kind", *rows, "9,", "7.25,a"]) + "\n")
    table = load_data(path, target="kind")
    assert table.row_names("train")[-1] == f"{path}:22"
    for subset in subsets_of(split(table, 0.2)):
        for place, row in enumerate(subset.rows):
            number = int(subset.name(place).rpartition(":")[2])
            assert table.x_train.columns[0].values[row] == (number - 0.5 if number < 21 else 7.25)
    assert split(mnist, 0.1).test.name(0) == "test[1]"
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / "pets" / name)
    names = load_images(tmp_path / "pets").row_names("train")
    assert list(names) == [str(tmp_path / "pets" / name) for name in ("a/1.png", "b/2.png")]
