"""The classic program, repaired, and the same thing in Danqing.

    python examples/article.py            the classic program, then Danqing
    python examples/article.py danqing    Danqing alone

As it is usually printed, the program does not run. Each repair is explained where it is made.
"""

from __future__ import annotations

import sys
from typing import Any


def classic() -> float:
    """Train the classic network with Keras and scikit-learn; give its test accuracy."""
    import keras
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    from danqing import load_data

    mnist = load_data("mnist")
    x, y = mnist.x_train, mnist.y_train

    # Repair 1: split first. A scaler that is fitted before the split has seen the rows that are
    # to judge the network: their mean and variance leak into training.
    x_train, x_validation, y_train, y_validation = train_test_split(
        x, y, test_size=0.2, random_state=42, stratify=y
    )

    # Repair 2: the scaler refuses pictures. StandardScaler takes a table of rows and features,
    # so that an array of shape (48000, 28, 28) is an error: each picture becomes a row of 784.
    def flat(pictures: Any) -> Any:
        return pictures.reshape(len(pictures), 784)

    scaler = StandardScaler().fit(flat(x_train))
    x_train, x_validation, x_test = (
        scaler.transform(flat(pictures)) for pictures in (x_train, x_validation, mnist.x_test)
    )

    # Repair 3: the network wants flat rows too. A Dense layer works on the last axis alone: given
    # (28, 28) it makes (28, 10), 28 answers for each picture.
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    # Repair 4: validate on rows held out from training; the test rows are for the last line only.
    model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=10,
        validation_data=(x_validation, y_validation),
        verbose=2,
    )
    return float(model.evaluate(x_test, mnist.y_test, verbose=0)[1])


def in_danqing() -> float:
    """Do the same in Danqing; the scaler becomes part of the network, which takes raw pixels."""
    import danqing

    run = danqing.train(danqing.load_data("mnist"), danqing.Recipe(network="article"))
    print(run.folder)
    return float(run.metrics["test"]["accuracy"])


if __name__ == "__main__":
    if sys.argv[1:] != ["danqing"]:
        print(f"classic program: test accuracy {classic():.2%}")
    print(f"Danqing:         test accuracy {in_danqing():.2%}")
