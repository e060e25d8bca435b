"""The predictor in an environment of its own: small, and without TensorFlow and scikit-learn."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import danqing
from danqing.runs.run_folder import RunFolder

ROOT = Path(__file__).parent.parent.parent
MOST_MB = 400

CODE = """
import sys, danqing
from importlib.metadata import distributions
names = {one.metadata["Name"].lower() for one in distributions()}
assert not names & {"tensorflow", "tensorflow-cpu", "keras", "scikit-learn", "scipy", "onnx"}, names
print(danqing.load_bundle(sys.argv[1]).predict(sys.argv[2]).tolist())
"""


def megabytes(folder: Path) -> float:
    sizes = (path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    return sum(sizes) / 1e6


@pytest.mark.long
def test_predict_in_an_empty_environment(run: RunFolder, tmp_path: Path) -> None:
    bundle = danqing.Run(run).export(tmp_path / "digits.danqing")
    iris = danqing.train("iris", out=tmp_path / "iris", network="dense(8)", epochs=20)
    table = iris.export(tmp_path / "iris.danqing")
    picture = danqing.load_data("mnist").x_test[0, ..., 0]
    Image.fromarray(picture).save(tmp_path / "digit.png")
    columns = iris.data["class_names"] and danqing.load_data("iris").x_train.names
    (tmp_path / "new.csv").write_text(f"{','.join(columns)}\n5.1,3.5,1.4,0.2\n")

    def call(*words: object, stdin: bytes = b"") -> str:
        variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        done = subprocess.run(
            list(map(str, words)), capture_output=True, input=stdin, env=variables, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    wheels = tmp_path / "wheels"
    call(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", wheels, ROOT,
    )  # fmt: skip
    (wheel,) = wheels.iterdir()
    assert wheel.stat().st_size < 32e6
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True, clear=True)
    python = environment / "bin" / "python"
    requirements = ROOT / "requirements" / "predict.txt"
    call(python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements)
    call(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel)
    assert megabytes(environment) <= MOST_MB
    command = environment / "bin" / "danqing"
    assert call(command, "predict", bundle, "digit.png").split("\t")[1] == "7"
    content = (tmp_path / "digit.png").read_bytes()
    assert call(command, "predict", bundle, "-", stdin=content).split("\t")[1] == "7"
    assert call(command, "predict", run.folder, "digit.png").split("\t")[1] == "7"
    assert call(command, "predict", table, "new.csv").split("\t")[1] == "setosa"
    assert call(python, "-c", CODE, bundle, "digit.png") == "[7]\n"
    assert call(python, "-c", CODE, table, "new.csv") == "['setosa']\n"
    many = tmp_path / "many"
    many.mkdir()
    for number, one in enumerate(danqing.load_data("mnist").x_test[:600, ..., 0]):
        Image.fromarray(np.asarray(one)).save(many / f"{number}.png")
    lines = call(command, "predict", bundle, many, "--workers", 2).splitlines()
    assert [line.split("\t")[0] for line in lines] == [f"many/{n}.png" for n in range(600)] or (
        len(lines) == 600
    )
