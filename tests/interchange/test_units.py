from math import degrees

import numpy as np
import pytest

from drive.interchange.units import (
    MPH,
    OUR_FULL_LOCK_DEG,
    pedals_from_acceleration,
    steering_from_right,
    steering_to_right,
)


def test_right_of_theirs_is_negative_here_and_the_angle_stays() -> None:
    ours = steering_from_right([1.0, -0.5, 0.0], 25.0)
    np.testing.assert_allclose(np.degrees(ours * 0.6), [-25.0, 12.5, 0.0])
    assert not np.signbit(ours[2])
    assert degrees(0.6) == OUR_FULL_LOCK_DEG


def test_back_and_forth_gives_the_same_steering() -> None:
    theirs = np.linspace(-1.0, 1.0, 41)
    np.testing.assert_allclose(steering_to_right(steering_from_right(theirs, 25.0), 25.0), theirs, atol=1e-15)


def test_a_mile_an_hour() -> None:
    assert pytest.approx(1609.344 / 3600.0) == MPH


def test_pedals_are_the_two_halves_of_an_acceleration() -> None:
    throttle, brake = pedals_from_acceleration([0.4, -0.7, 0.0])
    np.testing.assert_array_equal(throttle, [0.4, 0.0, 0.0])
    np.testing.assert_array_equal(brake, [0.0, 0.7, 0.0])
