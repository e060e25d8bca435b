from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from danqing.data.dataset import Dataset
from danqing.preparation.scaling import Scaling, fit_scaling


@pytest.mark.parametrize("by", ["feature", "channel"])
def test_scaling_agrees_with_plain_arithmetic(small: Dataset, by: str) -> None:
    x = small.x_train
    scaling = fit_scaling(x, by)
    axes = (0,) if by == "feature" else (0, 1, 2)
    deviation = x.std(axis=axes, dtype=np.float64)
    np.testing.assert_allclose(scaling.mean_, x.mean(axis=axes, dtype=np.float64), atol=1e-9)
    np.testing.assert_allclose(scaling.scale_, np.where(deviation == 0, 1, deviation), rtol=1e-9)
    again = Scaling.from_json(scaling.to_json())
    assert (again.transform(x[:9]) == scaling.transform(x[:9])).all()


def test_scaling_by_feature_is_scikit_learns(small: Dataset) -> None:
    flat = small.x_train.reshape(len(small.x_train), -1)
    expected = StandardScaler().fit_transform(flat)
    got = fit_scaling(small.x_train, "feature").transform(small.x_train)
    np.testing.assert_allclose(got.reshape(flat.shape), expected, atol=1e-12)
