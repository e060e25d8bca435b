"""One contract for every kind of layer: Keras, ONNX and the written-down weights agree."""

from __future__ import annotations

import numpy as np
import pytest

from danqing.errors import SpecError
from danqing.networks.architecture import Architecture, design
from danqing.networks.build import build, load_tensors, tensors_of
from danqing.networks.onnx_graph import to_onnx
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import Scaling
from danqing.recipe.grammar import ACTIVATIONS
from danqing.recipe.presets import PRESETS, spec_of
from danqing.runs.session import Session

SPECS = [
    *(spec_of(name) for name in PRESETS),
    "dense(5)",
    "flatten-batchnorm-dense(7)-batchnorm-relu-dropout(0.3)",
    "conv(4)-pool(3)-conv(3,4,stride=3)-avgpool-dense(6,tanh)",
    "conv(4,5,2,valid)-batchnorm-relu-globalpool-dropout",
    "dropout(0.2)-pool-flatten-flatten-dense(4,linear)",
    *(f"conv(3,3,{name})-dense(5,{name})-{name}" for name in ACTIVATIONS),
]
SHAPES = [(28, 28, 1), (29, 32, 3)]


def random_preparation(shape: tuple[int, ...], by: str) -> Preparation:
    rng = np.random.default_rng(0)
    size = shape if by == "feature" else shape[-1:]
    scaling = Scaling(by, rng.uniform(0, 200, size), rng.uniform(20, 90, size))
    return Preparation(scaling, target=(30.0, 5.0))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spec", SPECS)
def test_every_network(spec: str, shape: tuple[int, ...]) -> None:
    architecture = design(spec, shape, 10)
    preparation = random_preparation(shape, "feature" if shape[-1] == 3 else "channel")
    model = build(architecture, preparation, seed=1)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    assert trainable == architecture.parameters
    for layer in architecture.layers:
        assert model.get_layer(layer.name).output.shape[1:] == layer.output_shape

    rng = np.random.default_rng(1)
    tensors = {
        name: rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
        if "batchnorm" in name
        else value
        for name, value in tensors_of(model).items()
    }
    load_tensors(model, tensors)
    pictures = rng.integers(0, 256, (6, *shape), np.uint8)
    expected = np.asarray(model(pictures.astype(np.float32), training=False))
    got = Session(to_onnx(architecture, preparation, tensors)).predict(pictures)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-5)

    again = build(Architecture.from_json(architecture.to_json()), preparation, seed=2)
    load_tensors(again, tensors)
    np.testing.assert_array_equal(
        np.asarray(again(pictures.astype(np.float32), training=False)), expected
    )


def test_article_has_the_classic_size() -> None:
    assert design(spec_of("article"), (28, 28, 1), 10).parameters == 784 * 64 + 64 + 64 * 65 + 650


def test_relu_unless_told_otherwise() -> None:
    def kinds(spec: str) -> list[str]:
        return [layer.kind for layer in design(spec, (8, 8, 1), 2).layers]

    assert kinds("conv(2)-pool") == ["conv", "relu", "pool", "flatten", "dense", "softmax"]
    assert kinds("conv(2)-batchnorm-pool")[:3] == ["conv", "batchnorm", "pool"]
    assert kinds("dense(2)-tanh")[:3] == ["flatten", "dense", "tanh"]
    assert kinds("dense(2,linear)")[:3] == ["flatten", "dense", "dense"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            "pool-pool-pool-pool-pool",
            "'pool' at character 21 needs at least 2x2 pixels, but only 1x1",
        ),
        ("conv(2,9,valid)-conv(2,21,valid)", "too deep for its picture"),
        ("dense(8)-conv(4)", "'conv(4)' at character 10 needs a picture"),
        ("flatten-pool", "needs a picture"),
        ("dense(900000)-dense(900000)", "parameters"),
    ],
)
def test_networks_that_cannot_be(spec: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        design(spec, (28, 28, 1), 10)
    assert words in str(caught.value)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_network_for_a_table(classes: int) -> None:
    architecture = design("dense(7)-batchnorm-relu-dropout-dense(5,tanh)", (4,), classes)
    assert Architecture.from_json(architecture.to_json()) == architecture
    assert architecture.task == ("classification" if classes else "regression")
    preparation = random_preparation((4,), "feature")
    model = build(architecture, preparation, seed=1)
    rows = np.random.default_rng(2).uniform(-50, 250, (9, 4)).astype(np.float32)
    expected = np.asarray(model(rows, training=False))
    got = Session(to_onnx(architecture, preparation, tensors_of(model))).predict(rows)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert got.shape == (9, classes or 1)
    if not classes:  # the answers are in the target's own scale
        assert 10 < got.mean() < 50


def test_a_table_is_no_picture() -> None:
    with pytest.raises(SpecError, match="a table has columns only"):
        design("conv(3)", (4,), 2)
