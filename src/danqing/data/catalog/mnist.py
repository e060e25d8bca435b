"""The bundled MNIST: genuine handwriting of about 500 people, 28x28 pixels, 10 digits.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (CC BY-SA 3.0).
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from danqing.data.dataset import Dataset
from danqing.errors import SourceError

__all__ = ["MNIST_PATH", "load_mnist"]

MNIST_PATH = Path(__file__).with_name("mnist.npz")
_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"


def load_mnist(path: Path = MNIST_PATH) -> Dataset:
    """Load MNIST's 60,000 training and 10,000 test pictures.

    Raises
    ------
    SourceError
        If the bundled file is missing, or its checksum is not the one it was bundled with.
    """
    again = "reinstall danqing (pip install --force-reinstall danqing)"
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise SourceError(f"bundled MNIST {path}: {error.strerror}; {again}") from None
    if hashlib.sha256(packed).hexdigest() != _SHA256:
        raise SourceError(f"bundled MNIST {path}: is damaged, its checksum is wrong; {again}")
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return Dataset(
            name="mnist",
            source="mnist",
            x_train=arrays["x_train"][..., np.newaxis],
            y_train=arrays["y_train"].astype(np.int64),
            x_test=arrays["x_test"][..., np.newaxis],
            y_test=arrays["y_test"].astype(np.int64),
            class_names=tuple("0123456789"),
            label_type="integer",
        )
