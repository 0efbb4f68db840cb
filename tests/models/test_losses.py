import numpy as np
import pytest

from drive.models.device import load_tensorflow


def test_small_steering_counts_more_than_large() -> None:
    load_tensorflow()
    from drive.models.losses import steering_loss

    labels = np.array([[0.0], [0.7]], np.float32)
    loss = np.asarray(steering_loss(labels, labels + np.float32(0.01)).numpy())
    assert loss[0] == pytest.approx(np.arcsinh(0.1) ** 2, rel=1e-4)
    assert loss[0] > 30.0 * loss[1]
    assert float(steering_loss(labels, labels).numpy().max()) == 0.0
