from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.errors import SpecError
from danqing.recipe.spec import parse


def test_the_example_of_the_readme() -> None:
    words = parse("conv(32,5)-batchnorm-relu-pool(2)-flatten-dropout(0.5)-dense(128)")
    assert [word.kind for word in words] == [
        "conv", "batchnorm", "relu", "pool", "flatten", "dropout", "dense",
    ]  # fmt: skip
    assert words[0].settings["kernel"] == 5
    assert words[5].settings == {"rate": 0.5}


def test_arguments_by_order_by_word_and_by_name() -> None:
    by_order = parse("conv(8,5,2,valid,tanh)")[0].settings
    by_name = parse("conv(activation=tanh, padding=valid, stride=2, kernel=5, filters=8)")[
        0
    ].settings
    assert by_order == by_name


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "empty"),
        ("dence(64)", "'dence(64)' at character 1 is no layer; did you mean 'dense'"),
        ("dense(64)-conf(3)", "'conf(3)' at character 11 is no layer; did you mean 'conv'"),
        ("dense(64)--relu", "a layer is missing at character 11"),
        ("dense(64)-", "a layer is missing at character 11"),
        ("dense", "lacks its number of units"),
        ("dense(x)", "units must be a whole number, not 'x'"),
        ("dense(0)", "units must be from 1"),
        ("dense(1.5)", "whole number"),
        ("dense(64,64)", "'64' is one argument too many"),
        ("dropout(1.5)", "rate must be from 0.0 to 0.99, not 1.5"),
        ("dropout(nan)", "rate must be from"),
        ("conv(8,pading=valid)", "conv has no 'pading'; did you mean 'padding'"),
        ("conv(8,padding=full)", "padding can't be 'full'"),
        ("conv(8,filters=9)", "filters is given twice"),
        ("relu(3)", "one argument too many"),
        ("dense(64,swish)", "activation can't be 'swish'; did you mean 'silu'? known: relu, leaky"),
        ("dense(64,rleu)", "activation can't be 'rleu'; did you mean 'relu'? known: relu, leaky_"),
        ("dense(64,abc)", "activation can't be 'abc'; expected one of relu, leaky_relu, elu, "),
        ("conv(32,3,LeakyReLU)", "activation can't be 'leakyrelu'; did you mean 'leaky_relu'?"),
        ("conv(32,3,vaild)", "padding can't be 'vaild'; did you mean 'valid'? known: same, valid"),
        ("dense(64)-swish", "'swish' at character 11 is no layer; did you mean 'silu'?"),
        ("conv2d(32)", "'conv2d(32)' at character 1 is no layer; did you mean 'conv'?"),
        ("conv(8)-MaxPooling2D", "is no layer; did you mean 'pool'?"),
        ("dense(64", "can't read 'dense(64' at character 1"),
        ("dense(64) relu", "can't read"),
        ("神经", "can't read '神经'"),
    ],
)
def test_errors_point_at_the_word(spec: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(spec)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SpecError):
        assert parse(text)


@given(
    st.lists(
        st.sampled_from(["dense(3)", "relu", "conv(2,3)", "pool(2)", "dropout(0.1)"]), min_size=1
    )
)
def test_what_is_joined_is_read_back(pieces: list[str]) -> None:
    assert [word.text for word in parse("-".join(pieces))] == pieces
