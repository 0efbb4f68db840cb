import math

import numpy as np
import pytest

from drive.control.speed import (
    MAX_LATERAL_ACCELERATION,
    PREVIEW_TIME,
    cruise,
    cruise_acceleration,
    speed_control,
    target_speed,
)
from drive.sim.maps.path import sample
from tests.sim.actors.paths import path_from_curvature, straight


def corner(radius=6.0, before=80.0, spiral=4.0, angle=math.pi / 2.0, after=60.0):
    """A straight, a corner with clothoids, a straight."""
    arc = radius * angle - spiral

    def bend(s):
        t = s - before
        if t <= 0.0 or t >= 2.0 * spiral + arc:
            return 0.0
        return min(t / spiral, (2.0 * spiral + arc - t) / spiral, 1.0) / radius

    return path_from_curvature(bend, before + 2.0 * spiral + arc + after)


def drive(points, s, speed, limit=20.0, seconds=30.0, dt=0.05):
    """(s, speed, acceleration) of a point mass under `cruise` on a free road."""
    acceleration, rows = 0.0, []
    for _ in range(round(seconds / dt)):
        acceleration = cruise(points, 0, len(points), s, speed, acceleration, limit, 200.0, 0.0)
        s += speed * dt + 0.5 * acceleration * dt * dt
        speed = max(speed + acceleration * dt, 0.0)
        rows.append((s, speed, acceleration))
    return np.array(rows)


def test_the_target_is_the_backward_pass_over_curves_and_limits():
    points = straight(200.0)
    points["speed_limit"][200:] = 5.0
    assert target_speed(points, 0, len(points), 10.0, 0.0, 30.0) == pytest.approx(13.9)
    assert target_speed(points, 0, len(points), 10.0, 0.0, 8.0) == 8.0
    assert target_speed(points, 0, len(points), 90.0, 0.0, 30.0) == pytest.approx(
        math.sqrt(25.0 + 4.0 * 10.0)
    )
    assert target_speed(points, 0, len(points), 105.0, 0.0, 30.0) == 5.0
    assert target_speed(points, 0, len(points), 500.0, 0.0, 30.0) == 5.0


def test_the_target_equals_the_minimum_over_every_sample_ahead():
    points = corner()
    for s in np.arange(0.0, 150.0, 3.7):
        for speed in (0.0, 6.0, 12.0):
            first = int(s / 0.5)
            first -= first % 2
            i = np.arange(first, len(points), 2)
            distance = np.maximum(i * 0.5 - s - speed * PREVIEW_TIME, 0.0)
            bend = np.maximum(np.abs(points["curvature"][i]), 1e-9)
            allowed = np.minimum(MAX_LATERAL_ACCELERATION / bend, 13.9**2) + 4.0 * distance
            want = math.sqrt(min(allowed.min(), 15.0**2))
            assert target_speed(points, 0, len(points), s, speed, 15.0) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("radius", [6.0, 12.0, 40.0])
def test_curves_are_taken_comfortably_and_left_again(radius):
    points = corner(radius, before=90.0, spiral=4.0 if radius < 20.0 else 12.0)
    rows = drive(points, 0.0, 13.9)
    bend = np.array([abs(sample(points, 0, len(points), s)[4]) for s in rows[:, 0]])
    lateral = rows[:, 1] ** 2 * bend
    assert lateral.max() < 1.12 * MAX_LATERAL_ACCELERATION
    assert lateral.max() > 0.8 * MAX_LATERAL_ACCELERATION
    assert rows[:, 2].min() > -2.4
    assert rows[:, 2].max() < 2.0
    assert rows[-1, 1] == pytest.approx(13.9, abs=0.1)
    assert np.abs(np.diff(rows[:, 2])).max() / 0.05 < 9.0, "jerk"


def test_the_speed_law_is_first_order_within_comfort():
    assert speed_control(10.0, 10.0) == 0.0
    assert speed_control(10.0, 10.2) == pytest.approx(0.4)
    assert speed_control(0.0, 10.0) == 1.8
    assert speed_control(20.0, 2.0) == -4.0


def test_cruise_takes_the_smaller_of_speed_law_and_distance():
    assert cruise_acceleration(10.0, 10.0, 200.0, 0.0) == 0.0
    assert cruise_acceleration(10.0, 10.0, 20.0, -10.0) < -1.5
    assert cruise_acceleration(10.0, 9.0, 149.0, 5.0) == pytest.approx(-2.0)
    assert cruise_acceleration(0.0, 10.0, 200.0, 0.0, 0.0) == pytest.approx(0.2), "speeds up gently"
    assert cruise_acceleration(0.0, 10.0, 1.5, 0.0) <= 0.0, "stands behind a standing car"
