import math

import numpy as np
import pytest

from drive.control.pursuit import lookahead_distance, pure_pursuit
from drive.control.stanley import stanley

WHEELBASE = 2.579


@pytest.mark.parametrize("radius", [6.0, -15.0, 80.0])
@pytest.mark.parametrize("angle", [0.2, 0.9])
def test_pure_pursuit_of_a_point_on_a_circle_is_that_circle(radius, angle):
    x, y = abs(radius) * math.sin(angle), radius * (1.0 - math.cos(angle))
    assert pure_pursuit(x, y, WHEELBASE) == pytest.approx(math.atan(WHEELBASE / radius), abs=1e-12)


def test_pure_pursuit_steers_left_to_the_left_and_nowhere_straight_ahead():
    assert pure_pursuit(8.0, 1.0, WHEELBASE) > 0.0
    assert pure_pursuit(8.0, -1.0, WHEELBASE) == -pure_pursuit(8.0, 1.0, WHEELBASE)
    assert pure_pursuit(8.0, 0.0, WHEELBASE) == 0.0
    assert math.isfinite(pure_pursuit(0.0, 0.0, WHEELBASE))


def test_the_lookahead_grows_with_speed_within_its_bounds():
    distances = [lookahead_distance(v) for v in np.linspace(0.0, 50.0, 101)]
    assert distances[0] == 4.0
    assert distances[-1] == 20.0
    assert np.all(np.diff(distances) >= 0.0)
    assert lookahead_distance(10.0, 1.2, 2.0, 30.0) == pytest.approx(12.0)


def test_stanley_steers_against_offset_and_heading_error():
    assert stanley(0.0, 0.0, 10.0) == 0.0
    assert stanley(0.5, 0.0, 10.0) == pytest.approx(-math.atan(0.5 / 11.0))
    assert stanley(0.0, 0.2, 10.0) == pytest.approx(-0.2)
    assert stanley(0.0, 0.2 + 2.0 * math.pi, 10.0) == pytest.approx(-0.2)


@pytest.mark.parametrize("law", ["pursuit", "stanley"])
@pytest.mark.parametrize(("offset", "heading"), [(1.0, 0.0), (-1.0, 0.17), (0.5, -0.17)])
def test_both_laws_bring_a_kinematic_car_onto_a_straight_line(law, offset, heading):
    x, y, yaw, speed, dt = 0.0, offset, heading, 8.0, 0.02
    for _ in range(600):
        if law == "pursuit":
            ahead = lookahead_distance(speed)
            c, s = math.cos(yaw), math.sin(yaw)
            steering = pure_pursuit(ahead * c - y * s, -ahead * s - y * c, WHEELBASE)
        else:
            steering = stanley(y + WHEELBASE * math.sin(yaw), yaw, speed, gain=2.0)
        steering = min(max(steering, -0.6), 0.6)
        x += speed * math.cos(yaw) * dt
        y += speed * math.sin(yaw) * dt
        yaw += speed * math.tan(steering) / WHEELBASE * dt
    assert abs(y) < 0.02
    assert abs(yaw) < 0.01
