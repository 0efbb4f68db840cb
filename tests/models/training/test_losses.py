import numpy as np
import pytest

from drive.models.training.device import load_tensorflow


def test_small_errors_count_by_their_square_and_large_ones_by_their_size() -> None:
    load_tensorflow()
    from drive.models.training.losses import huber_loss

    labels = np.array([[0.0], [0.7], [-0.2], [0.1]], np.float32)
    errors = np.array([[0.01], [-0.05], [0.3], [-0.5]], np.float32)
    loss = np.asarray(huber_loss(labels, labels + errors, 0.1).numpy())
    np.testing.assert_allclose(loss, [0.005, 0.125, 2.5, 4.5], rtol=1e-4)
    assert float(huber_loss(labels, labels, 0.1).numpy().max()) == 0.0
    assert float(huber_loss(labels, labels + np.float32(0.1), 0.1).numpy()[0]) == pytest.approx(0.5, rel=1e-4)
