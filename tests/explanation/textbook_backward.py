"""What chapters 4 and 5 of the textbook page show, recomputed in NumPy. See textbook_numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from textbook_forward import PASSING, ForwardNumbers

from danqing.networks.numpy_network import NumpyNetwork


class BackwardNumbers(ForwardNumbers):
    # ---- chapter 4

    def loss_chapter(self) -> None:
        self.put("loss/smoothing", self.smoothing)
        self.put("loss/value", self.loss)
        if self.regression:
            mean, scale = self.run.preparation.target
            t, z = (self.target - mean) / scale, self.outputs[-2][0, 0]
            for name, v in (("mean", mean), ("scale", scale), ("t", t), ("z", z)):
                self.put(f"loss/{name}", v)
            self.put("loss/squared", (z - t) ** 2)
            return
        p, c = self.trained_probabilities(), self.target
        count = len(p)
        y = np.eye(count)[c]
        self.put("loss/p", p[c])
        self.put("loss/cross_entropy", -np.log(p[c]))
        crossed = self.run.config["loss"] == "cross-entropy"
        if self.smoothing and not crossed:
            y = y * (1 - self.smoothing) + self.smoothing / count
        if self.smoothing and crossed:
            self.put("loss/aim", 1 - self.smoothing + self.smoothing / count)
            self.put("loss/aim_other", self.smoothing / count)
            self.put("loss/rest", -np.log(np.delete(p, c)).sum())
            smoothed = y * (1 - self.smoothing) + self.smoothing / count
            self.put("loss/smoothed", -(smoothed * np.log(p)).sum())
        self.put("loss/others", (np.delete(p - y, c) ** 2).sum())
        self.put("loss/squared", ((p - y) ** 2).mean())
        curve = []
        for q in np.arange(1, 101) / 100:
            moved = p * (1 - q) / (1 - p[c])
            moved[c] = q
            curve.append(((moved - y) ** 2).mean())
        self.arrays["loss/curve_squared"] = np.array(curve)

    # ---- chapter 5

    def backward(self) -> None:
        logits = self.by_output[-1][0]
        self.arrays["gradient/logits"] = logits
        if self.regression:
            mean, scale = self.run.preparation.target
            self.put("logit/z", self.outputs[-2][0, 0])
            self.put("logit/t", (self.target - mean) / scale)
            self.put("logit/gradient", logits[0])
        else:
            c, count = self.target, len(logits)
            if self.run.config["loss"] == "cross-entropy":
                self.put("logit/p", self.trained_probabilities()[c])
                self.put("logit/aim", 1 - self.smoothing + self.smoothing / count)
            self.put("logit/gradient", logits[c])
            for k in np.argsort(-np.abs(logits), kind="stable")[:10]:
                self.put(f"logit/{k}", logits[k])
        for n, layer in enumerate(self.layers[:-1]):
            if layer.kind in PASSING:
                continue
            delta = self.by_output[n + 1]
            self.arrays[f"gradient/{layer.name}"] = delta
            self.put(f"gradient_norm/{layer.name}", np.linalg.norm(delta))
            self.put(f"gradient_largest/{layer.name}", np.abs(delta).max())
            kernel = self.by_weight.get(f"{layer.name}/kernel")
            if kernel is not None:
                shown = self.facts["tensors"][f"{layer.name}/kernel"]["shape"][-1]
                self.put(f"weight_gradient_norm/{layer.name}", np.linalg.norm(kernel[..., :shown]))
        if len(self.run.input_shape) == 3:
            self.arrays["gradient/input"] = self.by_output[0]
        self.arriving()
        self.one_weight()

    def arriving(self) -> None:
        f = self.followed()
        n = f["n"] + 1
        while n < len(self.layers) - 1 and self.elementwise(self.layers[n]):
            n += 1
        arrived = self.by_output[n].ravel()[f["at"]]
        self.put("arriving/sum", arrived)
        to = n
        while to < len(self.layers) - 1 and self.layers[to].kind in PASSING:
            to += 1
        following = self.layers[to]
        shown = self.facts["tensors"].get(f"{following.name}/kernel", {})
        whole = shown.get("shape") == shown.get("of", shown.get("shape"))
        if following.kind == "dense" and whole:
            row = self.tensors[f"{following.name}/kernel"][f["at"]]
            delta = self.by_output[to + 1][0]
            parts = row * delta
            order = np.argsort(-np.abs(parts), kind="stable")[:3]
            for i, k in enumerate(order):
                self.put(f"arriving/term/{i}/w", row[k])
                self.put(f"arriving/term/{i}/delta", delta[k])
            if len(parts) > 3:
                self.put("arriving/rest", parts.sum() - parts[order].sum())
            self.put("arriving/sum", parts.sum())
        for k in range(f["n"] + 1, n):
            name, x = self.layers[k].name, self.outputs[k].ravel()[f["at"]]
            before, after = (self.by_output[i].ravel()[f["at"]] for i in (k + 1, k))
            self.put(f"arriving/{name}/from", before)
            self.put(f"arriving/{name}/to", after)
            if self.layers[k].kind == "batchnorm":
                c = f["unit"]
                gamma = self.tensors[f"{name}/gamma"][c]
                variance = self.tensors[f"{name}/moving_variance"][c]
                self.put(f"arriving/{name}/gamma", gamma)
                self.put(f"arriving/{name}/variance", variance)
                slope = gamma / math.sqrt(variance + 1e-3)
            else:
                self.put(f"arriving/{name}/x", x)
                slope = self.slope(self.layers[k].kind, x)
                self.put(f"arriving/{name}/slope", slope)
            assert np.isclose(slope * before, after, rtol=1e-9)

    def slope(self, kind: str, x: float) -> float:
        """By central differences, but for corners."""
        from danqing.networks.layers.activation import ACTIVATIONS

        if kind == "relu":
            return float(x > 0)
        h = 1e-6
        up, down = (ACTIVATIONS[kind].function(np.array([x + step])) for step in (h, -h))
        return float((up - down)[0] / (2 * h))

    def one_weight(self) -> None:
        f = self.followed()
        x = f["patches"][:, f["input"]]
        if f["layer"].kind == "dense":
            self.put("weight/x", x[0])
            self.put("weight/delta", f["delta"][0])
        else:
            parts = x * f["delta"]
            order = np.argsort(-np.abs(parts), kind="stable")[:3]
            for i, k in enumerate(order):
                self.put(f"weight/term/{i}/x", x[k])
                self.put(f"weight/term/{i}/delta", f["delta"][k])
            self.put("weight/rest", parts.sum() - parts[order].sum())
        self.put("weight/gradient", f["gradient"])
        self.arrays["weight-all"] = f["weights"]
        self.arrays["weight-all-gradients"] = f["patches"].T @ f["delta"]
        if not self.facts["live"]:
            return
        losses = []
        size = self.dump["values"]["weight/step"]
        assert size in (1e-5, 1e-6, 1e-7)
        self.put("weight/step", size)
        for step in (size, -size):
            name = f"{f['layer'].name}/kernel"
            kernel = self.tensors[name].copy()
            kernel.reshape(-1, f["units"])[f["input"], f["unit"]] += step
            losses.append(self.pass_through(self.with_tensors({name: kernel}))[1])
        self.put("weight/up", losses[0])
        self.put("weight/down", losses[1])
        self.put("weight/finite", f["gradient"])
        self.put("weight/difference", 0.0)

    def with_tensors(self, changed: dict[str, Any]) -> NumpyNetwork:
        return self.network.with_tensors(changed)
