"""What chapters 1 to 3 of the textbook page show, recomputed in NumPy. See textbook_numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from danqing.data.split import Splits
from danqing.explanation.textbook.gradient_checks import scaled_target
from danqing.networks.architecture import Architecture
from danqing.networks.losses import loss_and_gradient
from danqing.networks.numpy_network import NumpyNetwork
from danqing.runs.run_folder import RunFolder

PASSING = ("flatten", "dropout")


class ForwardNumbers:
    def __init__(self, run: RunFolder, splits: Splits, facts: dict[str, Any], dump: dict[str, Any]):
        self.run, self.splits, self.facts, self.dump = run, splits, facts, dump
        self.architecture = Architecture.from_json(run.network)
        self.layers = self.architecture.layers
        tensors = {name: np.asarray(t, np.float64) for name, t in run.tensors.items()}
        self.network = NumpyNetwork(self.architecture, run.preparation, tensors)
        self.tensors = tensors
        self.smoothing = run.config["label_smoothing"]
        self.regression = run.task == "regression"
        self.raw = np.array(dump["raw"], np.float64)
        self.target = dump["target"]
        self.outputs, self.loss, self.by_output, self.by_weight = self.pass_through(self.network)
        self.values: dict[str, Any] = {}
        self.arrays: dict[str, Any] = {}

    def pass_through(self, network: NumpyNetwork) -> Any:
        outputs = network.outputs(self.raw.reshape(1, *self.run.input_shape))
        loss, at_logits = loss_and_gradient(
            self.run.config["loss"],
            outputs[-2],
            scaled_target(self.run, self.target),
            self.smoothing,
        )
        by_output, by_weight = network.gradients(outputs, at_logits)
        return outputs, float(loss[0]), by_output, by_weight

    def put(self, key: str, value: Any) -> None:
        self.values[key] = value

    # ---- chapters 1 and 2

    def network_and_data(self) -> None:
        self.put(
            "network/parameters", sum(t.size for n, t in self.tensors.items() if "moving" not in n)
        )
        for layer in self.layers:
            count = sum(
                t.size
                for n, t in self.tensors.items()
                if n.startswith(f"{layer.name}/") and "moving" not in n
            )
            self.put(f"network/{layer.name}/parameters", count)
        for name in ("train", "validation", "test"):
            self.put(f"data/{name}", len(getattr(self.splits, name)))
        scaling = self.run.preparation.scaling
        shape = self.run.input_shape
        mean = np.broadcast_to(scaling.mean_, shape).ravel()
        scale = np.broadcast_to(scaling.scale_, shape).ravel()
        scaled = (self.raw - mean) / scale
        encoding = self.run.preparation.encoding
        if encoding is None:
            at, offsets = int(np.argmax(np.abs(scaled))), np.zeros(len(scaled))
            self.arrays["data/raw_all"], self.arrays["data/scaled_all"] = self.raw, scaled
        else:
            at = 0
            offsets = np.array(
                [
                    c.median if c.kind == "number" and name == c.name else 0.0
                    for c in encoding.columns
                    for name in c.feature_names
                ]
            )
            train = encoding.transform(self.splits.train.examples()).astype(np.float64)
            for i in range(len(scaled)):
                key = f"data/feature/{i}"
                self.put(f"{key}/raw", self.raw[i] + offsets[i])
                self.put(f"{key}/low", train[:1000, i].min() + offsets[i])
                self.put(f"{key}/high", train[:1000, i].max() + offsets[i])
                self.put(f"{key}/mean", mean[i] + offsets[i])
                self.put(f"{key}/scale", scale[i])
                self.put(f"{key}/scaled", scaled[i])
        self.put("data/raw", self.raw[at] + offsets[at])
        self.put("data/mean", mean[at] + offsets[at])
        self.put("data/scale", scale[at])
        self.put("data/scaled", scaled[at])

    # ---- chapter 3

    def forward(self) -> None:
        prediction = self.outputs[-1][0]
        if self.regression:
            self.put("prediction/value", prediction[0])
            self.put("prediction/target", self.target)
        else:
            for c in np.argsort(-np.abs(prediction), kind="stable")[:10]:
                self.put(f"prediction/{c}", prediction[c])
        self.temperature_step()
        self.arrays["forward/input"] = self.outputs[0]
        for n, layer in enumerate(self.layers):
            if layer.kind not in PASSING:
                self.arrays[f"forward/{layer.name}"] = self.outputs[n + 1]
        self.neuron()

    def temperature_step(self) -> None:
        t, z = self.architecture.temperature, self.outputs[-2][0]
        if t == 1:
            return
        c = int(np.argmax(z))
        self.put("temperature/value", t)
        self.put("temperature/logit", z[c])
        self.put("temperature/scaled", z[c] / t)
        self.put("temperature/before", np.exp(z[c]) / np.exp(z).sum())
        self.put("temperature/after", np.exp(z[c] / t) / np.exp(z / t).sum())

    def trained_probabilities(self) -> Any:
        z = self.outputs[-2][0]
        return np.exp(z) / np.exp(z).sum()

    def followed(self) -> dict[str, Any]:
        follow = self.dump["follow"]
        names = [layer.name for layer in self.layers]
        n = names.index(follow["layer"])
        layer, unit = self.layers[n], follow["unit"]
        kernel = self.tensors[f"{layer.name}/kernel"]
        delta = self.by_output[n + 1].reshape(-1, kernel.shape[-1])[:, unit]
        place = int(np.argmax(np.abs(delta)))
        if layer.kind == "dense":
            patches = self.outputs[n].reshape(1, -1)
        else:
            patches = self.patches(layer, self.outputs[n][0])
        weights = kernel.reshape(-1, kernel.shape[-1])[:, unit]
        bias = self.tensors[f"{layer.name}/bias"][unit] if layer.settings["bias"] else None
        return {
            "n": n, "layer": layer, "unit": unit, "input": follow["input"], "place": place,
            "patches": patches, "inputs": patches[place], "weights": weights, "bias": bias,
            "delta": delta, "at": place * kernel.shape[-1] + unit, "units": kernel.shape[-1],
            "gradient": float(patches[:, follow["input"]] @ delta),
        }  # fmt: skip

    def patches(self, layer: Any, x: Any) -> Any:
        """By plain loops, unlike the reference."""
        size, stride = layer.settings["kernel"], layer.settings["stride"]
        rows, columns, _ = layer.output_shape
        before = [0, 0]
        if layer.settings["padding"] == "same":
            before = [
                max((out - 1) * stride + size - length, 0) // 2
                for out, length in zip((rows, columns), x.shape[:2], strict=True)
            ]
        found = np.zeros((rows * columns, size, size, x.shape[2]))
        for r in range(rows):
            for c in range(columns):
                for i in range(size):
                    for j in range(size):
                        y, z = r * stride + i - before[0], c * stride + j - before[1]
                        if 0 <= y < x.shape[0] and 0 <= z < x.shape[1]:
                            found[r * columns + c, i, j] = x[y, z]
        return found.reshape(rows * columns, -1)

    def neuron(self) -> None:
        f = self.followed()
        products = f["inputs"] * f["weights"]
        order = np.argsort(-np.abs(products), kind="stable")
        for k, i in enumerate(order[:4]):
            self.put(f"neuron/term/{k}/x", f["inputs"][i])
            self.put(f"neuron/term/{k}/w", f["weights"][i])
        listed = order[:8].tolist()
        if f["input"] not in listed:
            listed[-1] = f["input"]
        for k, i in enumerate(listed):
            self.put(f"neuron/product/{k}", products[i])
        if len(products) > 4:
            self.put("neuron/rest", products.sum() - products[order[:4]].sum())
        if f["bias"] is not None:
            self.put("neuron/bias", f["bias"])
        z = products.sum() + (f["bias"] or 0.0)
        self.put("neuron/z", z)
        before = [la for la in self.layers[: f["n"]] if la.kind not in PASSING]
        shape = before[-1].output_shape if before else self.run.input_shape
        if f["layer"].kind == "conv" or (len(shape) == 3 and shape[0] > 1):
            for name, array in (
                ("inputs", f["inputs"]), ("weights", f["weights"]), ("products", products),
            ):  # fmt: skip
                self.arrays[f"neuron/{name}"] = array
        if f["layer"].kind == "conv":
            kernel = self.tensors[f"{f['layer'].name}/kernel"]
            shown = self.facts["tensors"][f"{f['layer'].name}/kernel"]["shape"][-1]
            self.arrays["neuron/kernels"] = kernel[:, :, f["input"] % kernel.shape[2], :shown]
        n = f["n"] + 1
        while n < len(self.layers) and self.elementwise(self.layers[n]):
            self.worked(f"after/{self.layers[n].name}", n, f["at"])
            n += 1

    def elementwise(self, layer: Any) -> bool:
        return layer.kind == "batchnorm" or layer.kind in (
            "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid",
        )  # fmt: skip

    def worked(self, key: str, n: int, at: int) -> None:
        """What `workedExample` shows of layer n at output place `at`."""
        layer, x, y = self.layers[n], self.outputs[n].ravel(), self.outputs[n + 1].ravel()
        self.put(f"{key}/output", y[at])
        if layer.kind == "batchnorm" or self.elementwise(layer):
            self.put(f"{key}/input", x[at])
        if layer.kind == "batchnorm":
            c = at % layer.output_shape[-1]
            for short, name in (("gamma", "gamma"), ("beta", "beta"), ("mean", "moving_mean"),
                                ("variance", "moving_variance")):  # fmt: skip
                self.put(f"{key}/{short}", self.tensors[f"{layer.name}/{name}"][c])
        elif layer.kind == "softmax":
            t = self.architecture.temperature
            if t != 1:
                self.put(f"{key}/temperature", t)
            self.put(f"{key}/input", x[at])
            self.put(f"{key}/sum", np.exp(x / t).sum())
            self.put(f"{key}/output", np.exp(x[at] / t) / np.exp(x / t).sum())
        elif layer.kind == "rescale":
            mean, scale = self.run.preparation.target
            self.put(f"{key}/input", x[at])
            self.put(f"{key}/scale", scale)
            self.put(f"{key}/mean", mean)
            self.put(f"{key}/output", x[at] * scale + mean)
        elif layer.kind == "globalpool":
            channel = self.outputs[n][0][..., at % layer.input_shape[2]]
            self.put(f"{key}/sum", channel.sum())
            self.put(f"{key}/count", channel.size)
            self.put(f"{key}/output", channel.mean())
        elif layer.kind in ("pool", "avgpool"):
            size, (_, columns, channels) = layer.settings["size"], layer.output_shape
            row, column = divmod(at // channels, columns)
            window = self.outputs[n][0][
                row * size : (row + 1) * size, column * size : (column + 1) * size, at % channels
            ].ravel()
            for i, v in enumerate(window[:9]):
                self.put(f"{key}/window/{i}", v)
            self.put(f"{key}/output", window.max() if layer.kind == "pool" else window.mean())

    def close_up(self) -> None:
        names = [layer.name for layer in self.layers]
        n = names.index(self.dump["close"])
        values = self.outputs[n + 1].ravel()
        if self.layers[n].kind not in ("dense", "conv"):
            self.worked("close", n, int(np.argmax(values)))
        for i, v in enumerate(values[:200]):
            self.put(f"close/value/{i}", v)
