from dataclasses import replace

import numpy as np
import pytest

from drive.camera import Camera
from drive.models.data.augmentation import CHANGES_WIDTH, Changes, augment, build_augmentation, draw, view_of
from drive.models.data.columns import mirror_inputs, mirror_labels
from drive.models.data.preprocess import Crop, road_crop
from drive.models.networks.pilotnet_pedals import PILOTNET_PEDALS
from drive.models.training.device import load_tensorflow

CAMERA = Camera()
VIEW = view_of(CAMERA, road_crop(CAMERA), 66, 200)
NONE = Changes.none(6)


def every(value: float, width: int = 1) -> np.ndarray:
    return np.full((6, width), value, np.float32)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 66, 200, 3), np.uint8)


def apply(pictures: np.ndarray, changes: Changes) -> np.ndarray:
    tf = load_tensorflow()
    return np.asarray(augment(tf.constant(pictures), tf.constant(changes.pack()), VIEW))


def test_no_change_changes_nothing(pictures: np.ndarray) -> None:
    np.testing.assert_array_equal(apply(pictures, NONE), pictures)


def test_a_flip_mirrors_the_picture(pictures: np.ndarray) -> None:
    flip = np.array([1, 0, 1, 0, 1, 0], np.float32)
    x = apply(pictures, replace(NONE, flip=flip))
    np.testing.assert_array_equal(x[::2], pictures[::2, :, ::-1])
    np.testing.assert_array_equal(x[1::2], pictures[1::2])


def test_a_mirror_turns_steering_yaw_rate_and_command_and_leaves_the_pedals() -> None:
    labels = np.tile(np.float32([0.3, -0.2]), (4, 1))
    rows = np.array([True, False, True, True])
    mirror_labels(PILOTNET_PEDALS, labels, rows)
    np.testing.assert_array_equal(labels[:, 0], np.float32([-0.3, 0.3, -0.3, -0.3]))
    np.testing.assert_array_equal(labels[:, 1], np.full(4, -0.2, np.float32))
    inputs = {
        "speed": np.full((4, 1), 8.0, np.float32),
        "yaw_rate": np.full((4, 1), 0.1, np.float32),
        "command": np.float32([[0], [1], [1], [2]]),
    }
    mirror_inputs(inputs, rows)
    assert inputs["speed"].ravel().tolist() == [8.0] * 4
    np.testing.assert_array_equal(inputs["yaw_rate"].ravel(), np.float32([-0.1, 0.1, -0.1, -0.1]))
    assert inputs["command"].ravel().tolist() == [0, 1, 2, 1]


def test_the_compiled_layer_equals_the_function(pictures: np.ndarray) -> None:
    tf = load_tensorflow()
    packed = draw(np.random.default_rng(3), 6).pack()
    found = np.asarray(build_augmentation(VIEW)(tf.constant(pictures), tf.constant(packed)))
    wanted = np.asarray(augment(tf.constant(pictures), tf.constant(packed), VIEW))
    assert np.abs(found - wanted).max() <= 1.0 and (found != wanted).mean() < 1e-4


def test_haze_hides_the_far_and_keeps_the_near(pictures: np.ndarray) -> None:
    x = apply(pictures, replace(NONE, haze=every(0.05), haze_colour=every(0.8, 3)))
    assert np.abs(x[:, 0] - 0.8 * 255).max() <= 1.0
    assert np.abs(x[:, -1] - pictures[:, -1]).mean() < 25.0


def test_headlights_leave_the_road_ahead_brighter_than_the_sides(pictures: np.ndarray) -> None:
    x = apply(np.full_like(pictures, 200), replace(NONE, daylight=every(0.05), headlights=every(0.9)))
    assert x[:, 55, 100].min() > 150.0
    assert x[:, 10, 5].max() < 30.0


def test_drawn_pictures_are_whole_numbers_in_range_and_repeat(pictures: np.ndarray) -> None:
    drawn = draw(np.random.default_rng(3), 6)
    x = apply(pictures, drawn)
    assert x.min() >= 0.0 and x.max() <= 255.0
    np.testing.assert_array_equal(x, np.round(x))
    packed = drawn.pack()
    assert packed.shape == (6, CHANGES_WIDTH)
    np.testing.assert_array_equal(packed, draw(np.random.default_rng(3), 6).pack())
    np.testing.assert_array_equal(Changes.unpack(packed).haze_colour, np.float32(drawn.haze_colour))
    assert len(np.unique(drawn.gain[:, 0])) == 6


def test_distances_follow_the_calibration() -> None:
    # row v of the crop shows the ground at z / tan(angle below the horizon) for the camera's middle column
    camera, crop = Camera(pitch_deg=0.0), Crop(80, 160)
    view = view_of(camera, crop, 66, 200)
    v = 80 + (65 + 0.5) * 80 / 66
    assert view.distance[-1, 0] == pytest.approx(1.4 / ((v - 80.0) / camera.focal_px), rel=1e-5)
    assert np.all(np.diff(view.distance[:, 0]) <= 0.0)
