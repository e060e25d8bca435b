"""One contract for every kind of layer: Keras, ONNX, NumPy and the pages' JavaScript agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from programs import NODE, needs_node

from danqing.networks.architecture import Layer
from danqing.networks.backend import keras, tf
from danqing.networks.layers.activation import LEAKY_SLOPE, SELU_ALPHA, SELU_LAMBDA
from danqing.networks.layers.computations import COMPUTATIONS
from danqing.networks.layers.layer_computation import Start
from danqing.networks.layers.normalisation import BATCHNORM_EPSILON
from danqing.networks.losses import loss_and_gradient, row_losses
from danqing.networks.onnx_nodes import OnnxNodes
from danqing.pages import network_script as scripts
from danqing.pages.network_script import network_script
from danqing.prediction.session import Session
from danqing.recipe.layer_kinds import ACTIVATIONS, LAYER_KINDS, LINEAR

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "conv": [
        {"filters": 3, "kernel": 3, "stride": 1, "padding": "same", "bias": True},
        {"filters": 4, "kernel": 4, "stride": 2, "padding": "same", "bias": False},
        {"filters": 2, "kernel": 3, "stride": 2, "padding": "valid", "bias": True},
    ],
    "dense": [{"units": 4, "bias": True}, {"units": 3, "bias": False}],
    "pool": [{"size": 2}, {"size": 3}],
    "avgpool": [{"size": 2}, {"size": 3}],
    "dropout": [{"rate": 0.4}],
    "softmax": [{}, {"temperature": 0.6}, {"temperature": 1.7}],  # a weight, not a setting
}
PICTURE, ROW = (8, 7, 2), (5,)
SHAPES = {
    **{kind: [PICTURE] if LAYER_KINDS[kind].takes == "picture" else [ROW] for kind in LAYER_KINDS},
    **{kind: [PICTURE, ROW] for kind in ("batchnorm", "dropout", "flatten", *ACTIVATIONS)},
    "rescale": [(1,)],
}
TARGET = (30.0, 5.0)


def layers(kind: str) -> Iterator[Layer]:
    described = LAYER_KINDS[kind]
    for settings in SETTINGS.get(kind, [{}]):
        for shape in SHAPES[kind]:
            output_shape = described.output_shape(shape, settings)
            count = described.parameters(shape, settings)
            yield Layer(kind, kind, settings, shape, output_shape, count)


CASES = [layer for kind in LAYER_KINDS for layer in layers(kind)]


def name_of(layer: Layer) -> str:
    return f"{layer.kind} {layer.settings} {layer.input_shape}"


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def made(layer: Layer) -> tuple[Any, dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Give Keras' layer with random weights, these, and an input."""
    random = np.random.default_rng(3)
    x = random.normal(size=(2, *layer.input_shape))
    temperature = layer.settings.get("temperature", 1.0)
    start = Start(layer.kind, 7, keras.initializers.GlorotUniform(seed=7), TARGET, temperature)
    theirs = COMPUTATIONS[layer.kind].keras_layer(layer, start)
    assert theirs(x).shape[1:] == layer.output_shape
    assert sum(int(np.prod(w.shape)) for w in theirs.trainable_weights) == layer.parameters
    weights = {}
    for weight in theirs.weights:
        if weight.name == "seed_generator_state":
            continue
        if layer.kind != "rescale":
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        weights[weight.name] = np.asarray(weight)
    if layer.kind == "rescale":
        weights = {"mean": np.array(TARGET[0]), "scale": np.array(TARGET[1])}
    if temperature != 1:
        weights = {"temperature": np.array(temperature)}
    return theirs, weights, x


def delta_of(layer: Layer) -> NDArray[np.float64]:
    return np.random.default_rng(4).normal(size=(2, *layer.output_shape))


def script_keys(name: str, table: str) -> list[str]:
    text = (Path(scripts.__file__).parent / "network" / f"{name}.js").read_text()
    body = re.search(rf"^const {table} = {{\n(.*?)^}};", text, re.DOTALL | re.MULTILINE)
    assert body
    return re.findall(r"^  (?:\.{3})?(\w+)", body[1], re.MULTILINE)


def test_every_kind_is_in_all_three_tables() -> None:
    written = script_keys("layer_kinds", "layerKinds")
    assert "activations" in written
    in_pages = {*written, *script_keys("activation", "activations")} - {"activations"}
    assert set(LAYER_KINDS) == set(COMPUTATIONS) == in_pages
    assert set(ACTIVATIONS) == set(script_keys("activation", "activations"))
    assert LINEAR not in LAYER_KINDS


def test_only_keras_layers_need_tensorflow() -> None:
    code = """
import sys
import danqing.networks.losses, danqing.networks.numpy_network, danqing.networks.onnx_graph
print([m for m in ("tensorflow", "keras", "sklearn", "scipy") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_constants_are_the_same_in_the_pages() -> None:
    script = network_script()
    for name, value in {
        "BATCHNORM_EPSILON": BATCHNORM_EPSILON,
        "SELU_ALPHA": SELU_ALPHA,
        "SELU_LAMBDA": SELU_LAMBDA,
        "LEAKY_SLOPE": LEAKY_SLOPE,
    }.items():
        found = re.search(rf"\b{name} = ([\d.e-]+)", script)
        assert found, name
        assert float(found[1]) == value


@pytest.mark.parametrize("layer", CASES, ids=name_of)
def test_numpy_agrees_with_keras(layer: Layer) -> None:
    theirs, weights, x = made(layer)
    delta = delta_of(layer)
    with tf.GradientTape(persistent=True) as tape:
        given = tf.constant(x)
        tape.watch(given)
        expected = theirs(given, training=False)
        pulled = tf.reduce_sum(expected * delta)
    ours = COMPUTATIONS[layer.kind]
    # TensorFlow has the constants of some activations in float32.
    np.testing.assert_allclose(ours.forward(layer, weights, x), expected, rtol=1e-6, atol=1e-12)
    by_input, by_weight = ours.backward(layer, weights, x, delta)
    expected_by_input = tape.gradient(pulled, given)
    np.testing.assert_allclose(by_input, expected_by_input, rtol=1e-6, atol=1e-12)
    trainable = {w.name: w for w in theirs.trainable_weights}
    assert set(by_weight) == set(trainable)
    for name, gradient in by_weight.items():
        expected_gradient = tape.gradient(pulled, trainable[name])
        np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("layer", CASES, ids=name_of)
def test_onnx_agrees_with_numpy(layer: Layer) -> None:
    from onnx import TensorProto, helper

    _, weights, x = made(layer)
    expected = COMPUTATIONS[layer.kind].forward(layer, weights, x)
    single = {name: weight.astype(np.float32) for name, weight in weights.items()}
    graph = OnnxNodes()
    channels_first = len(layer.input_shape) == 3
    node = graph.node("Transpose", "x", perm=[0, 3, 1, 2]) if channels_first else "x"
    node = COMPUTATIONS[layer.kind].onnx_nodes(layer, single, graph, node)
    if len(layer.output_shape) == 3:
        node = graph.node("Transpose", node, perm=[0, 2, 3, 1])
    graph.node("Identity", node)
    graph.nodes[-1].output[0] = "y"
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("x", layer.input_shape), ("y", layer.output_shape))
    ]
    whole = helper.make_graph(graph.nodes, "one", tensors[:1], tensors[1:], graph.constants)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    got = Session(model.SerializeToString()).predict(x)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def run_script(code: str, given: object) -> Any:
    """Run JavaScript after the network's own, with `given`; give what it returns."""
    assert NODE, "Node.js was not found; it runs the JavaScript of the pages"
    whole = (
        f"{network_script()}\nconst given = JSON.parse(require('fs').readFileSync(0));\n"
        "const plain = (_, v) => (v instanceof Float64Array ? Array.from(v) : v);\n"
        f"console.log(JSON.stringify((() => {{ {code} }})(), plain));"
    )
    done = subprocess.run(
        [NODE, "-e", whole], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
def test_javascript_agrees_with_numpy() -> None:
    given, expected = [], []
    for layer in CASES:
        _, weights, x = made(layer)
        x, delta = x[:1], delta_of(layer)[:1]
        ours = COMPUTATIONS[layer.kind]
        by_input, by_weight = ours.backward(layer, weights, x, delta)
        expected.append((ours.forward(layer, weights, x), by_input, by_weight))
        given.append(
            {
                "layer": {**vars(layer)},
                "weights": {
                    name: w.ravel().tolist() if w.ndim else float(w) for name, w in weights.items()
                },
                "x": x.ravel().tolist(),
                "delta": delta.ravel().tolist(),
            }
        )
    code = """return given.map(({ layer, weights, x, delta }) => {
        const floats = (v) => (Array.isArray(v) ? Float64Array.from(v) : v);
        const own = Object.fromEntries(Object.entries(weights).map(([n, v]) => [n, floats(v)]));
        const { forward, backward } = layerKinds[layer.kind];
        const result = backward(layer, own, floats(x), floats(delta));
        return { y: forward(layer, own, floats(x)), weights: {}, ...result };
    });"""
    for layer, got, (y, by_input, by_weight) in zip(
        CASES, run_script(code, given), expected, strict=True
    ):
        close = {"rtol": 1e-9, "atol": 1e-12, "err_msg": name_of(layer)}
        np.testing.assert_allclose(got["y"], y.ravel(), **close)
        np.testing.assert_allclose(got["back"], by_input.ravel(), **close)
        assert set(got["weights"]) == set(by_weight), name_of(layer)
        for name, gradient in by_weight.items():
            np.testing.assert_allclose(got["weights"][name], gradient.ravel(), **close)


LOGITS = np.random.default_rng(5).normal(0, 3, (6, 4))
LABELS = np.array([0, 1, 2, 3, 3, 0])
LOSSES = [
    ("cross-entropy", LOGITS, LABELS, 0.0),
    ("cross-entropy", LOGITS, LABELS, 0.1),
    ("cross-entropy", LOGITS, np.full((6, 4), 0.25), 0.1),
    ("mean-squared-error", LOGITS, LABELS, 0.0),
    ("mean-squared-error", LOGITS, LABELS, 0.2),
    ("mean-squared-error", LOGITS, np.full((6, 4), 0.25), 0.0),
    ("mean-squared-error", LOGITS[:, :1], LOGITS[:, 1], 0.0),
]


@pytest.mark.parametrize(("name", "logits", "targets", "smoothing"), LOSSES)
def test_losses_agree(name: str, logits: Any, targets: Any, smoothing: float) -> None:
    ours, gradient = loss_and_gradient(name, logits, targets, smoothing)
    with tf.GradientTape() as tape:
        given = tf.constant(logits)
        tape.watch(given)
        theirs = row_losses(name, given, targets, smoothing)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(gradient, tape.gradient(theirs, given), rtol=1e-9, atol=1e-13)


@needs_node
def test_losses_agree_in_javascript() -> None:
    cases = [case for case in LOSSES if case[2].ndim == 1]
    given = [[name, z.tolist(), t.tolist(), smoothing] for name, z, t, smoothing in cases]
    code = """return given.map(([name, rows, targets, smoothing]) => rows.map((row, n) => {
        const logits = Float64Array.from(row);
        if (row.length === 1) return squaredError(logits, [targets[n]]);
        return losses[name](logits, smoothedTarget(row.length, targets[n], smoothing));
    }));"""
    for got, (name, logits, targets, smoothing) in zip(run_script(code, given), cases, strict=True):
        loss, gradient = loss_and_gradient(name, logits, targets, smoothing)
        np.testing.assert_allclose([row["loss"] for row in got], loss, rtol=1e-12)
        np.testing.assert_allclose(
            [row["gradient"] for row in got], gradient, rtol=1e-9, atol=1e-13
        )


def test_first_of_equals_takes_the_gradient_of_a_pool() -> None:
    layer = next(layers("pool"))
    layer = replace(layer, input_shape=(2, 2, 1), output_shape=(1, 1, 1))
    back, _ = COMPUTATIONS["pool"].backward(layer, {}, np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)))
    assert back.ravel().tolist() == [1.0, 0.0, 0.0, 0.0]
