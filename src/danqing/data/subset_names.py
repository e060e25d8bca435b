"""The names of a source's subsets, and the words that files and folders use for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

__all__ = ["SUBSETS", "SubsetName", "subset_of", "subsets_of"]

SubsetName = Literal["train", "validation", "test"]

SUBSETS: tuple[SubsetName, ...] = ("train", "validation", "test")

_PLAIN: dict[str, SubsetName] = {
    **dict.fromkeys(("train", "training"), SUBSETS[0]),
    **dict.fromkeys(("validation", "val", "valid"), SUBSETS[1]),
    **dict.fromkeys(("test", "testing"), SUBSETS[2]),
}
_WORDS: dict[str, SubsetName] = {
    **_PLAIN,
    **dict.fromkeys(
        ("trn", "训练", "訓練", "学習", "훈련", "학습", "trainings", "entrainement", "entraînement",
         "apprentissage", "entrenamiento", "treino", "treinamento", "addestramento", "обучение"),
        SUBSETS[0],
    ),
    **dict.fromkeys(
        ("dev", "development", "validate", "validating", "验证", "驗證", "検証", "검증",
         "validierungs", "validierung", "validación", "validacion", "validação", "validacao",
         "convalida", "валидация"),
        SUBSETS[1],
    ),
    **dict.fromkeys(
        ("tst", "eval", "evaluation", "evaluate", "holdout", "heldout", "测试", "測試", "テスト",
         "테스트", "시험", "tests", "prueba", "pruebas", "teste", "тест"),
        SUBSETS[2],
    ),
}  # fmt: skip
_EVALUATION = ("eval", "evaluation", "evaluate")  # the validation set, where a test set is beside
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_FILLING = (
    "set", "sets", "data", "dataset", "datasets", "split", "subset", "images", "image", "imgs",
    "img", "pictures", "photos", "files", "folder", "dir", "samples", "examples",
)  # fmt: skip


def subset_of(word: str) -> SubsetName | None:
    """Return the subset that a word stands for, or None.

    Case, a number in front, a year, and fillings such as "set" or "images" don't matter.

    Examples
    --------
    >>> subset_of("Val"), subset_of("test-set"), subset_of("trainset"), subset_of("cats")
    ('validation', 'test', 'train', None)
    """
    return _WORDS.get(_core(word))


def subsets_of(words: Iterable[str]) -> dict[str, SubsetName]:
    """Return the subsets that the names of files or folders side by side stand for, if any.

    Where none is a training set, only the plainest words count: anything may be called "dev".

    Examples
    --------
    >>> subsets_of(["train", "eval", "test", "docs"])
    {'train': 'train', 'eval': 'validation', 'test': 'test'}
    >>> subsets_of(["dev", "cat"]), subsets_of(["seg_train", "seg_test"])
    ({}, {'seg_train': 'train', 'seg_test': 'test'})
    """
    words = list(words)
    found = {word: subset for word in words if (subset := subset_of(word))}
    if not found:
        found = _beside_common_words(words)
    if "train" not in found.values():
        return {word: subset for word, subset in found.items() if word.casefold() in _PLAIN}
    rest = {word for word in found if _core(word) not in _EVALUATION}
    if "test" in (found[word] for word in rest) and "validation" not in (found[w] for w in rest):
        return {word: found[word] if word in rest else SUBSETS[1] for word in found}
    return found


def _beside_common_words(words: list[str]) -> dict[str, SubsetName]:
    """Read names that share a word or number, such as seg_train and seg_test, by the others."""
    parts = {word: _PARTS.findall(word.casefold()) for word in words}
    if len(words) < 2 or not all(parts.values()):
        return {}
    common = set.intersection(*map(set, parts.values())) - set(_WORDS)
    rest = {word: " ".join(p for p in own if p not in common) for word, own in parts.items()}
    found = {word: subset for word, one in rest.items() if (subset := subset_of(one))}
    return found if common and {"train", "test"} <= {*found.values()} else {}


def _core(word: str) -> str:
    """Reduce a name to what it says of a subset: "Training_Set 2017" to "training"."""
    plain = re.sub(r"^\d+[\W_]+|(?<!\d)(19|20)\d\d(?!\d)", "", word.casefold())
    parts = [part for part in re.split(r"[\W_]+", plain) if part and part not in _FILLING]
    core = "".join(parts)
    for filling in ("dataset", "daten", "data", "set", "images", "集", "データ", "데이터"):
        if core not in _WORDS and core.removesuffix(filling) in _WORDS:
            return core.removesuffix(filling)
    return core
