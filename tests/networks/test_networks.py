"""One contract for every kind of layer: Keras, ONNX and the written-down weights agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from danqing.errors import SpecError
from danqing.networks.architecture import Architecture, design
from danqing.networks.build import build, load_tensors, logits_of, tensors_of
from danqing.networks.keras_layers import TemperatureScaling
from danqing.networks.numpy_network import NumpyNetwork
from danqing.networks.onnx_graph import to_onnx
from danqing.networks.temperature import scale_temperature
from danqing.prediction.session import Session
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import Scaling
from danqing.recipe.layer_kinds import ACTIVATIONS, LINEAR
from danqing.recipe.presets import PRESETS, spec_of

SPECS = [
    *(spec_of(name) for name in PRESETS),
    "dense(5)",
    "flatten-batchnorm-dense(7)-batchnorm-relu-dropout(0.3)",
    "conv(4)-pool(3)-conv(3,4,stride=3)-avgpool-dense(6,tanh)",
    "conv(4,5,2,valid)-batchnorm-relu-globalpool-dropout",
    "dropout(0.2)-pool-flatten-flatten-dense(4,linear)",
    *(f"conv(3,3,{name})-dense(5,{name})-{name}" for name in (*ACTIVATIONS, LINEAR)),
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


def test_relu_is_the_default_activation() -> None:
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
    if not classes:  # in the target's own unit
        assert 10 < got.mean() < 50


@pytest.mark.parametrize(("shape", "members", "tta_views"), [((4,), 1, 1), ((4,), 3, 1),
                                                             ((9, 8, 3), 2, 5)])  # fmt: skip
def test_numbers_far_from_zero_keep_their_digits(
    shape: tuple[int, ...], members: int, tta_views: int
) -> None:
    architecture = design("dense(6)", shape, 0, members, tta_views)
    near = random_preparation(shape, "feature")
    far = replace(near, target=(1e9, near.target[1]))
    tensors = tensors_of(build(architecture, near, seed=1))
    examples = np.random.default_rng(2).uniform(0, 250, (9, *shape)).astype(np.float32)
    model = onnx.load_from_string(to_onnx(architecture, far, tensors))
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    got = Session(to_onnx(architecture, far, tensors)).predict(examples)
    assert got.dtype == np.float64
    small = Session(to_onnx(architecture, near, tensors)).predict(examples)
    np.testing.assert_allclose(got - 1e9, small - near.target[0], rtol=0, atol=1e-6)


def test_a_table_is_no_picture() -> None:
    with pytest.raises(SpecError, match="a table has columns only"):
        design("conv(3)", (4,), 2)


@pytest.mark.parametrize(
    ("spec", "shape", "classes"),
    [
        ("conv(4,5,2,valid)-batchnorm-relu-pool-dense(6)-dropout", (12, 12, 1), 10),
        ("conv(3,gelu)-globalpool", (9, 12, 3), 2),
        ("dense(7)-batchnorm-silu-dense(5)", (4,), 3),
        ("dense(7,tanh)", (4,), 0),
    ],
    ids=str,
)
def test_an_ensemble_predicts_the_mean_of_its_members(
    spec: str, shape: tuple[int, ...], classes: int
) -> None:
    alone, ensemble = (design(spec, shape, classes, members) for members in (1, 3))
    assert Architecture.from_json(ensemble.to_json()) == ensemble
    preparation = random_preparation(shape, "feature")
    model = build(ensemble, preparation, seed=1)
    tensors = tensors_of(model)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    assert trainable == ensemble.parameters == 3 * alone.parameters
    examples = np.random.default_rng(2).uniform(0, 250, (9, *shape)).astype(np.float32)
    predictions = []
    for member in (1, 2, 3):
        network = build(alone, preparation)
        prefix = f"member_{member}/"
        own = {
            name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)
        }
        load_tensors(network, own)
        predictions.append(np.asarray(network(examples, training=False)))
        if member == 1:  # starts as a network by itself
            first = tensors_of(build(alone, preparation, seed=1))
            assert all(np.array_equal(own[name], first[name]) for name in first)
    assert np.abs(predictions[0] - predictions[1]).max() > 1e-3
    mean = np.mean(predictions, axis=0, dtype=np.float64)
    np.testing.assert_allclose(np.asarray(model(examples, training=False)), mean, rtol=1e-5)
    shipped = Session(to_onnx(ensemble, preparation, tensors)).predict(examples)
    np.testing.assert_allclose(shipped, mean, rtol=1e-4)
    logits = np.asarray(logits_of(model)(examples, training=False))
    if classes:
        np.testing.assert_allclose(np.exp(logits), mean, rtol=1e-4)
    else:
        np.testing.assert_allclose(logits * 5 + 30, mean, rtol=1e-4)


def views_of(pictures: np.ndarray, tta_views: int) -> list[np.ndarray]:
    """Shift and flip, by NumPy."""
    framed = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = pictures.shape[1:3]
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    shifted = [framed[:, top : top + height, left : left + width] for top, left in corners]
    return shifted if tta_views == 5 else shifted + [view[:, :, ::-1] for view in shifted]


@pytest.mark.parametrize("classes", [3, 0])
@pytest.mark.parametrize(("tta_views", "members"), [(5, 1), (10, 2)])
def test_test_time_augmentation_predicts_the_mean_over_views(
    tta_views: int, members: int, classes: int
) -> None:
    shape = (9, 12, 3)
    spec = "conv(4,3,2)-batchnorm-relu-dense(6)"
    whole = design(spec, shape, classes, members, tta_views)
    assert Architecture.from_json(whole.to_json()) == whole
    preparation = random_preparation(shape, "channel")
    model, once = (build(one, preparation, seed=1) for one in (whole, replace(whole, tta_views=1)))
    tensors = tensors_of(model)
    load_tensors(once, tensors)
    pictures = np.random.default_rng(2).uniform(0, 250, (7, *shape)).astype(np.float32)
    predictions = [np.asarray(once(view, training=False)) for view in views_of(pictures, tta_views)]
    assert np.abs(predictions[0] - predictions[-1]).max() > 1e-3
    mean = np.mean(predictions, axis=0, dtype=np.float64)
    np.testing.assert_allclose(np.asarray(model(pictures, training=False)), mean, rtol=1e-5)
    shipped = Session(to_onnx(whole, preparation, tensors)).predict(pictures)
    np.testing.assert_allclose(shipped, mean, rtol=1e-4)
    logits = np.asarray(logits_of(model)(pictures, training=False))
    predicted = np.exp(logits) if classes else logits * 5 + 30
    np.testing.assert_allclose(predicted, mean, rtol=1e-4)


@pytest.mark.parametrize("temperature", [0.4, 2.5])
@pytest.mark.parametrize(("members", "tta_views"), [(1, 1), (3, 1), (1, 5), (2, 10)])
def test_the_temperature_is_part_of_the_network(
    members: int, tta_views: int, temperature: float
) -> None:
    plain = design("conv(4,3,2)-batchnorm-relu-dense(6)", (9, 12, 3), 4, members, tta_views)
    tempered = replace(plain, temperature=temperature)
    assert Architecture.from_json(tempered.to_json()) == tempered
    preparation = random_preparation((9, 12, 3), "channel")
    models = [build(one, preparation, seed=1) for one in (plain, tempered)]
    tensors = tensors_of(models[0])
    assert set(tensors) == set(tensors_of(models[1])), "it is no weight to train"
    pictures = np.random.default_rng(2).uniform(0, 250, (7, 9, 12, 3)).astype(np.float32)
    before, by_keras = (np.asarray(model(pictures, training=False)) for model in models)
    # p ** (1 / T), normalised: the definition, in float64.
    powers = before.astype(np.float64) ** (1 / temperature)
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert np.abs(expected - before).max() > 0.01
    np.testing.assert_allclose(by_keras, expected, rtol=1e-5)
    by_onnx = Session(to_onnx(tempered, preparation, tensors)).predict(pictures)
    np.testing.assert_allclose(by_onnx, expected, rtol=1e-4)
    np.testing.assert_array_equal(by_onnx.argmax(axis=1), before.argmax(axis=1))
    logits = [np.asarray(logits_of(model)(pictures, training=False)) for model in models]
    np.testing.assert_array_equal(*logits)
    if not plain.averages:
        outputs = NumpyNetwork(tempered, preparation, tensors).outputs(pictures)
        np.testing.assert_allclose(outputs[-1], expected, rtol=1e-4)
        np.testing.assert_allclose(outputs[-2], logits[0], rtol=1e-3, atol=1e-4)


def test_without_a_temperature_the_network_is_as_before() -> None:
    architecture = design("dense(4)", (3,), 2)
    plain = architecture.to_json()
    assert plain.pop("temperature") == 1.0
    assert Architecture.from_json(plain) == architecture
    preparation = random_preparation((3,), "feature")
    model = build(architecture, preparation)
    assert [layer.name for layer in model.layers][-2:] == ["output", "probabilities"]
    graph = onnx.load_from_string(to_onnx(architecture, preparation, tensors_of(model))).graph
    assert [node.op_type for node in graph.node][-2:] == ["Add", "Softmax"]


def test_zero_probabilities_have_a_temperature_too() -> None:
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]], np.float32)
    for temperature in (0.05, 20.0):
        scaled = scale_temperature(p, temperature)
        assert np.isfinite(scaled).all()
        np.testing.assert_allclose(scaled.sum(axis=1), 1)
        np.testing.assert_allclose(np.asarray(TemperatureScaling(temperature)(p)), scaled, 1e-4)


def test_a_temperature_is_undone_by_its_inverse() -> None:
    p = np.random.default_rng(0).dirichlet([0.3] * 5, 50)
    np.testing.assert_allclose(scale_temperature(scale_temperature(p, 0.6), 1 / 0.6), p, 1e-9)


def test_a_table_has_one_view() -> None:
    with pytest.raises(SpecError, match="tta_views: 5 need a picture"):
        design("dense(3)", (4,), 2, tta_views=5)


def test_a_description_of_before_ensembles_is_one_network() -> None:
    plain = design("dense(4)", (3,), 2).to_json()
    del plain["members"]
    assert Architecture.from_json(plain).members == 1
