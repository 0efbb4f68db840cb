import numpy as np
import pytest

from drive.camera import Camera
from drive.models.data.augmentation import PARAMETERS, augment, draw, view_of
from drive.models.data.preprocess import Crop, road_crop
from drive.models.training.device import load_tensorflow

CAMERA = Camera()
VIEW = view_of(CAMERA, road_crop(CAMERA))


def neutral(count: int) -> np.ndarray:
    """Parameters that change nothing."""
    p = np.zeros((count, PARAMETERS), np.float32)
    p[:, 1:4] = 1.0
    p[:, 7] = 1.0
    return p


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 66, 200, 3), np.uint8)


def apply(pictures: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tf = load_tensorflow()
    steering = tf.linspace(-0.5, 0.5, len(pictures))[:, None]
    x, y = augment(tf.constant(pictures), steering, tf.constant(parameters), VIEW)
    return x.numpy(), y.numpy()


def test_neutral_parameters_change_nothing(pictures: np.ndarray) -> None:
    x, y = apply(pictures, neutral(6))
    np.testing.assert_array_equal(x, pictures)
    np.testing.assert_allclose(y[:, 0], np.linspace(-0.5, 0.5, 6), atol=1e-6)


def test_a_flip_mirrors_the_picture_and_negates_the_steering(pictures: np.ndarray) -> None:
    p = neutral(6)
    p[::2, 0] = 1.0
    x, y = apply(pictures, p)
    np.testing.assert_array_equal(x[::2], pictures[::2, :, ::-1])
    np.testing.assert_array_equal(x[1::2], pictures[1::2])
    signs = np.array([-1, 1, -1, 1, -1, 1])
    np.testing.assert_allclose(y[:, 0], signs * np.linspace(-0.5, 0.5, 6), atol=1e-6)


def test_haze_hides_the_far_and_keeps_the_near(pictures: np.ndarray) -> None:
    p = neutral(6)
    p[:, 9], p[:, 10:13] = 0.05, 0.8
    x, _ = apply(pictures, p)
    assert np.abs(x[:, 0] - 0.8 * 255).max() <= 1.0
    assert np.abs(x[:, -1] - pictures[:, -1]).mean() < 25.0


def test_headlights_leave_the_road_ahead_brighter_than_the_sides(pictures: np.ndarray) -> None:
    p = neutral(6)
    p[:, 7], p[:, 8] = 0.05, 0.9
    x, _ = apply(np.full_like(pictures, 200), p)
    assert x[:, 55, 100].min() > 150.0
    assert x[:, 10, 5].max() < 30.0


def test_drawn_pictures_are_whole_numbers_in_range_and_repeat(pictures: np.ndarray) -> None:
    p = draw(np.random.default_rng(3), 6)
    x, _ = apply(pictures, p)
    assert x.min() >= 0.0 and x.max() <= 255.0
    np.testing.assert_array_equal(x, np.round(x))
    np.testing.assert_array_equal(p, draw(np.random.default_rng(3), 6))
    assert len(np.unique(p[:, 1])) == 6


def test_distances_follow_the_calibration() -> None:
    # row v of the crop shows the ground at z / tan(angle below the horizon) for the camera's middle column
    camera, crop = Camera(pitch_deg=0.0), Crop(80, 160)
    view = view_of(camera, crop)
    v = 80 + (65 + 0.5) * 80 / 66
    assert view.distance[-1, 0] == pytest.approx(1.4 / ((v - 80.0) / camera.focal_px), rel=1e-5)
    assert np.all(np.diff(view.distance[:, 0]) <= 0.0)
