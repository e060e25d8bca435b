"""Every number that the textbook page shows, recomputed in NumPy, for the tests of the page.

The network itself by `NumpyNetwork`, which test_gradient_checks.py holds against TensorFlow; all
else is written here once more, from the formulas.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from textbook_backward import BackwardNumbers

from danqing.data.split import Splits
from danqing.explanation.textbook.gradient_checks import scaled_target
from danqing.explanation.textbook.landscape import directions
from danqing.networks.losses import loss_and_gradient
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


def expected_numbers(
    run: RunFolder, splits: Splits, facts: dict[str, Any], dump: dict[str, Any]
) -> tuple[dict[str, float], dict[str, Any]]:
    return Numbers(run, splits, facts, dump).all()


class Numbers(BackwardNumbers):
    def all(self) -> tuple[dict[str, float], dict[str, Any]]:
        self.network_and_data()
        self.forward()
        self.close_up()
        self.loss_chapter()
        self.backward()
        self.update()
        if self.facts["live"]:
            self.practice()
        self.slice_and_race()
        self.results()
        self.checks()
        return self.values, self.arrays

    # ---- chapter 6

    def stepped(self, w: Any, g: Any, memory: list[Any], t: int, rate: float, decay: float) -> Any:
        kind = self.run.config["optimizer"]
        if kind == "gradient-descent":
            return w - rate * g
        if kind == "momentum":
            memory[0] = 0.9 * memory[0] - rate * g
            return w + memory[0]
        memory[0] = 0.9 * memory[0] + 0.1 * g
        memory[1] = 0.999 * memory[1] + 0.001 * g**2
        first, second = memory[0] / (1 - 0.9**t), memory[1] / (1 - 0.999**t)
        tiny = 1e-7 / math.sqrt(1 - 0.999**t)
        return w - rate * decay * w - rate * first / (np.sqrt(second) + tiny)

    def update(self) -> None:
        f, config = self.followed(), self.run.config
        w, g, rate = f["weights"][f["input"]], f["gradient"], config["learning_rate"]
        if self.by_muon(f"{f['layer'].name}/kernel"):
            return self.update_by_muon(f, w, g, rate)
        adamw = config["optimizer"] in ("adamw", "muon")
        decay = config["weight_decay"] if adamw else 0.0
        memory = [0.0, 0.0]
        self.put("update/rate", rate)
        self.put("update/w", w)
        self.put("update/g", g)
        self.put("update/after", self.stepped(w, g, memory, 1, rate, decay))
        if config["optimizer"] == "momentum":
            self.put("update/v", memory[0])
        if adamw or config["optimizer"] == "adam":
            self.put("update/m", memory[0])
            self.put("update/v", memory[1])
            self.put("update/alpha", rate * math.sqrt(1 - 0.999) / (1 - 0.9))
        if adamw:
            self.put("update/decay", decay)
            self.put("update/shrunk", w - rate * decay * w)

    def by_muon(self, name: str) -> bool:
        hidden = name.endswith("/kernel") and name.split("/")[0] != "output"
        return bool(self.run.config["optimizer"] == "muon" and hidden)

    def update_by_muon(self, f: dict[str, Any], w: float, g: float, rate: float) -> None:
        whole = f["patches"].T @ self.by_output[f["n"] + 1].reshape(len(f["patches"]), -1)
        assert np.isclose(whole[f["input"], f["unit"]], g, rtol=1e-9)
        decay = self.run.config["weight_decay"]
        entry = orthogonal(1.95 * whole)[f["input"], f["unit"]]
        size = 0.2 * math.sqrt(max(whole.shape))
        for name, v in (
            ("rate", rate), ("w", w), ("g", g), ("v", g), ("direction", 1.95 * g), ("entry", entry),
            ("size", size), ("decay", decay), ("shrunk", w * (1 - rate * decay)),
            ("after", w * (1 - rate * decay) - rate * size * entry),
        ):  # fmt: skip
            self.put(f"update/{name}", v)

    def moved_by_muon(self, w: Any, g: Any, memory: list[Any], rate: float) -> Any:
        memory[0] = 0.95 * memory[0] + g
        direction = (g + 0.95 * memory[0]).reshape(-1, w.shape[-1])
        step = orthogonal(direction).reshape(w.shape) * 0.2 * math.sqrt(max(direction.shape))
        return w - rate * self.run.config["weight_decay"] * w - rate * step

    def practice(self) -> None:
        f, config = self.followed(), self.run.config
        rate = self.dump["values"]["practice/rate"]
        share = rate / config["learning_rate"]
        assert min(abs(math.log10(share) + k) for k in range(4)) < 1e-9
        self.put("practice/rate", rate)
        memories = {name: [0.0, 0.0] for name in self.by_weight}
        changed: dict[str, Any] = {}
        name = f"{f['layer'].name}/kernel"
        for t in range(6):
            _, loss, _, gradients = self.pass_through(self.with_tensors(changed))
            now = changed.get(name, self.tensors[name])
            w = now.reshape(-1, f["units"])[f["input"], f["unit"]]
            self.put(f"practice/{t}/loss", loss)
            self.put(f"practice/{t}/w", w)
            if t == 5:
                return
            g = gradients[name].reshape(-1, f["units"])[f["input"], f["unit"]]
            self.put(f"practice/{t}/g", g)
            for key, gradient in gradients.items():
                decays = config["optimizer"] in ("adamw", "muon") and gradient.ndim > 1
                before = changed.get(key, self.tensors[key])
                if self.by_muon(key):
                    changed[key] = self.moved_by_muon(before, gradient, memories[key], rate)
                    continue
                changed[key] = self.stepped(
                    before, gradient, memories[key], t + 1, rate,
                    config["weight_decay"] if decays else 0.0,
                )  # fmt: skip
            after = changed[name].reshape(-1, f["units"])[f["input"], f["unit"]]
            self.put(f"practice/{t}/change", after - w)

    def slice_and_race(self) -> None:
        first, second = directions(self.run.tensors)
        at = np.linspace(-1, 1, 17)
        some = self.splits.train.x[self.splits.train.rows[:128]]
        x = np.asarray(self.run.preparation.encoded(some)).reshape(-1, *self.run.input_shape)
        labels = self.splits.train.labels[:128]
        targets = np.concatenate([scaled_target(self.run, t) for t in labels.tolist()])
        grid = np.array(self.dump["arrays"]["landscape"]).reshape(17, 17)
        expected = grid.copy()
        step = 1 if len(self.run.input_shape) == 1 else 4
        for j in range(0, 17, step):
            for i in range(0, 17, step):
                moved = {n: self.tensors[n] + at[i] * first[n] + at[j] * second[n] for n in first}
                logits = self.with_tensors(moved).outputs(x)[-2]
                losses, _ = loss_and_gradient(
                    self.run.config["loss"], logits, targets, self.smoothing
                )
                expected[j, i] = losses.mean()
        self.arrays["landscape"] = expected
        self.put("landscape/rows", len(targets))
        self.put("landscape/centre", expected[8, 8])
        self.race(grid)

    def race(self, grid: Any) -> None:
        start, times = np.array(self.dump["race"]["start"]), self.dump["race"]["rate"]
        _, slope = surface(grid, *start)
        length = float(np.hypot(*slope))
        rates = {
            "gradient-descent": times / 12 / length,
            "momentum": times / 30 / length,
            "adam": times / 15,
        }
        for kind, rate in rates.items():
            self.put(f"race/{kind}/rate", rate)
            w, m, v = start.copy(), np.zeros(2), np.zeros(2)
            for t in range(61):
                loss, g = surface(grid, *w)
                self.put(f"race/{kind}/{t}/loss", loss)
                self.put(f"race/{kind}/{t}/a", w[0])
                self.put(f"race/{kind}/{t}/b", w[1])
                if kind == "gradient-descent":
                    w = w - rate * g
                elif kind == "momentum":
                    v = 0.9 * v - rate * g
                    w = w + v
                else:
                    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                    correction = math.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
                    w = w - rate * correction * m / (np.sqrt(v) + 1e-7)
                w = np.clip(w, -1, 1)

    # ---- chapters 7 to 10

    def results(self) -> None:
        history, metrics = self.run.history, self.run.metrics
        best = min(history, key=lambda row: row["val_loss"])
        self.put("training/epochs", len(history))
        self.put("training/best_epoch", best["epoch"])
        self.put("training/best_val_loss", best["val_loss"])
        self.put("training/last_val_loss", history[-1]["val_loss"])
        self.put("training/last_loss", history[-1]["loss"])
        self.put("training/seconds", metrics.get("seconds", {}).get("fit"))
        self.put("evaluation/n", metrics["test"]["n"])
        for k, subset in enumerate(("test", "validation")):
            figures = metrics[subset]
            names = ("n", "r2", "mae", "mse") if self.regression else ("n", "accuracy", "loss")
            for name in names:
                self.put(f"evaluation/{k}/{name}", figures[name])
            if not self.regression:
                low, high = figures["accuracy_ci95"]
                self.put(f"evaluation/{k}/low", low)
                self.put(f"evaluation/{k}/high", high)
        test = self.splits.test
        answers = Predictor(self.run).predict_examples(test.x[test.rows])
        if self.regression:
            errors = np.abs(answers - test.labels)
            wrong = int((errors > errors.mean()).sum())
        else:
            wrong = int((answers.argmax(axis=1) != test.labels).sum())
            matrix = np.array(metrics["test"]["confusion_matrix"])
            for c, row in enumerate(metrics["test"]["per_class"]):
                for name in ("n", "precision", "recall", "f1"):
                    self.put(f"evaluation/class/{c}/{name}", row[name])
                for j, count in enumerate(matrix[c]):
                    self.put(f"evaluation/confusion/{c}/{j}", count)
            off = np.sort((matrix - np.diag(np.diag(matrix))).ravel())[::-1]
            for k, count in enumerate(off[:5][off[:5] > 0]):
                self.put(f"mistakes/{k}", count)
        self.put("mistakes/count", wrong)
        self.put("mistakes/total", len(test))
        self.put("mistakes/share", wrong / len(test))

    def checks(self) -> None:
        """Errors are read from the facts, and held to be small; losses are recomputed."""
        for k, sample in enumerate(self.facts["samples"]):
            check = sample["check"]
            self.put(f"checks/{k}/row", sample["number"])
            self.put(f"checks/{k}/loss", check["loss"])
            for name, most in (("autodiff", 1e-6), ("finite", 1e-4), ("onnx", 1e-4)):
                assert 0 <= check[name] < most, (k, name, check[name])
                self.put(f"checks/{k}/{name}", check[name])
        for name in ("autodiff", "finite", "onnx"):
            worst = max(sample["check"][name] for sample in self.facts["samples"])
            self.put(f"checks/worst_{name}", worst)
        if self.dump["sample"] < 0:
            return
        self.put("checks/own_loss", self.loss)
        check = self.facts["samples"][self.dump["sample"]]["check"]
        assert np.isclose(check["loss"], self.loss, rtol=1e-9)
        for n, layer in enumerate(check["layers"]):
            key, own = f"checks/layer/{layer['name']}", np.abs(self.by_output[n + 1]).max()
            self.put(f"{key}/by_output", own)
            self.put(f"{key}/own", own)
            self.put(f"{key}/autodiff", layer["autodiff"])
            if layer["finite"] is not None:
                self.put(f"{key}/finite", layer["finite"])


def orthogonal(x: Any) -> Any:
    """By five rounds on the whole matrix, as Muon's authors write them."""
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return x


def surface(grid: Any, a: float, b: float) -> tuple[float, Any]:
    """Catmull and Rom's bicubic, by their matrix."""
    matrix = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2

    def around(v: float) -> tuple[list[int], float]:
        cell = int(min(15, max(0, math.floor((v + 1) / 0.125))))
        return [min(16, max(0, cell + k)) for k in (-1, 0, 1, 2)], (v + 1) / 0.125 - cell

    (columns, s), (rows, t) = around(a), around(b)
    patch = grid[np.ix_(rows, columns)]

    def powers(u: float) -> Any:
        return np.array([1, u, u * u, u**3])

    def slopes(u: float) -> Any:
        return np.array([0, 1, 2 * u, 3 * u * u])

    along, across = powers(s) @ matrix, powers(t) @ matrix
    slope = np.array([across @ patch @ (slopes(s) @ matrix), slopes(t) @ matrix @ patch @ along])
    return float(across @ patch @ along), slope / 0.125
