import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drive.sim.actors.collisions import contact_point, first_contact, footprints_overlap
from drive.sim.actors.dynamics import VehicleParams
from drive.sim.arrays import ACTOR, EGO

PARAMS = VehicleParams()


def footprint_corners(x, y, yaw, length, width):
    """Front left, rear left, rear right, front right."""
    ahead = 0.5 * length * np.array([math.cos(yaw), math.sin(yaw)])
    left = 0.5 * width * np.array([-math.sin(yaw), math.cos(yaw)])
    return [(x, y) + along * ahead + aside * left for along, aside in ((1, 1), (-1, 1), (-1, -1), (1, -1))]


def clipped(subject, length, width):
    """Sutherland-Hodgman: the part of a polygon inside a rectangle around the origin, its corners."""
    for axis, bound, sign in ((0, length / 2, 1), (0, length / 2, -1), (1, width / 2, 1), (1, width / 2, -1)):
        out = []
        for p, q in zip(subject, subject[1:] + subject[:1], strict=True):
            inside_p, inside_q = bound - sign * p[axis], bound - sign * q[axis]
            if inside_p >= 0.0:
                out.append(p)
            if inside_p * inside_q < 0.0:
                t = inside_p / (inside_p - inside_q)
                out.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
        subject = out
    return subject


def area(polygon):
    if len(polygon) < 3:
        return 0.0
    p = np.array(polygon)
    q = np.roll(p, -1, axis=0)
    return 0.5 * abs(float(np.sum(p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1])))


# Other libraries in the same process may have switched subnormal numbers off.
size = st.floats(0.3, 8.0, allow_subnormal=False)
position = st.floats(-7.0, 7.0, allow_subnormal=False)
angle = st.floats(-4.0, 4.0, allow_subnormal=False)


@settings(max_examples=400, deadline=None)
@given(position, position, angle, size, size, size, size)
def test_overlap_is_a_common_area(dx, dy, yaw, length_a, width_a, length_b, width_b):
    overlap = footprints_overlap(dx, dy, math.sin(yaw), math.cos(yaw), length_a, width_a, length_b, width_b)
    corners = [tuple(corner) for corner in footprint_corners(dx, dy, yaw, length_b, width_b)]
    common = clipped(corners, length_a, width_a)
    if area(common) > 1e-6:
        assert overlap
        x, y = contact_point(dx, dy, math.sin(yaw), math.cos(yaw), length_a, width_a, length_b, width_b)
        low, high = np.min(common, axis=0), np.max(common, axis=0)
        assert low[0] - 1e-6 <= x <= high[0] + 1e-6
        assert low[1] - 1e-6 <= y <= high[1] + 1e-6
    elif area(clipped(corners, length_a + 1e-3, width_a + 1e-3)) == 0.0:
        assert not overlap


@settings(max_examples=100, deadline=None)
@given(position, position, angle, size, size, size, size)
def test_overlap_is_mutual(dx, dy, yaw, length_a, width_a, length_b, width_b):
    s, c = math.sin(yaw), math.cos(yaw)
    one = footprints_overlap(dx, dy, s, c, length_a, width_a, length_b, width_b)
    other = footprints_overlap(-dx * c - dy * s, dx * s - dy * c, -s, c, length_b, width_b, length_a, width_a)
    assert one == other


def scene(*cars, speed=10.0, yaw=0.0):
    egos, actors = np.zeros(2, EGO), np.zeros(len(cars), ACTOR)
    egos["speed"], egos["yaw"] = speed, yaw
    actors["active"], actors["length"], actors["width"] = 1, 4.0, 2.0
    for actor, (x, y, turn, v) in zip(actors, cars, strict=True):
        actor["x"], actor["y"], actor["yaw"], actor["speed"] = x, y, turn, v
    return egos, actors


FRONT = PARAMS.center_x + PARAMS.length / 2.0


def test_no_contact_is_minus_one():
    egos, actors = scene((FRONT + 2.001, 0.0, 0.0, 0.0), (0.0, 3.0, 0.0, 0.0))
    egos["collision_actor"], egos["closing_speed"] = 7, 3.0
    first_contact(egos, 1, PARAMS, actors, 0, len(actors))
    assert egos[1]["collision_actor"] == -1
    assert egos[1]["closing_speed"] == 0.0
    assert egos[0]["collision_actor"] == 7


def test_running_into_a_standing_car_closes_at_our_speed_at_our_front():
    egos, actors = scene((50.0, 0.0, 0.0, 0.0), (FRONT + 1.8, 0.0, 0.0, 0.0))
    first_contact(egos, 0, PARAMS, actors, 0, 2)
    assert egos[0]["collision_actor"] == 1
    assert egos[0]["closing_speed"] == pytest.approx(10.0)
    assert egos[0]["contact_x"] == pytest.approx(FRONT - 0.1)
    assert egos[0]["contact_y"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("yaw", [0.0, 1.0, -2.5])
def test_the_contact_is_in_the_vehicle_frame_whichever_way_it_faces(yaw):
    """A car that drives into our left side from the left, at 6 m/s."""
    x, y = 1.4, PARAMS.width / 2.0 + 1.9
    s, c = math.sin(yaw), math.cos(yaw)
    egos, actors = scene((x * c - y * s, x * s + y * c, yaw - math.pi / 2.0, 6.0), speed=0.0, yaw=yaw)
    first_contact(egos, 0, PARAMS, actors, 0, 1)
    assert egos[0]["collision_actor"] == 0
    assert egos[0]["contact_y"] == pytest.approx(PARAMS.width / 2.0 - 0.05)
    assert egos[0]["contact_x"] == pytest.approx(1.4, abs=1e-9)
    assert egos[0]["closing_speed"] == pytest.approx(6.0, abs=0.01)


def test_of_several_contacts_the_fastest_is_named_and_absent_actors_never():
    egos, actors = scene(
        (FRONT + 1.9, 0.0, 0.0, 9.0), (FRONT + 1.9, 0.0, 0.0, 0.0), (FRONT + 1.9, 0.0, math.pi, 9.0)
    )
    actors[2]["active"] = 0
    first_contact(egos, 0, PARAMS, actors, 0, 3)
    assert egos[0]["collision_actor"] == 1
    first_contact(egos, 0, PARAMS, actors, 0, 1)
    assert egos[0]["collision_actor"] == 0
    assert egos[0]["closing_speed"] == pytest.approx(1.0)


def test_the_party_is_counted_among_the_world_s_own_actors():
    egos, actors = scene((0.0, 0.0, 0.0, 0.0), (90.0, 0.0, 0.0, 0.0), (FRONT + 1.9, 0.0, 0.0, 0.0))
    first_contact(egos, 0, PARAMS, actors, 1, 3)
    assert egos[0]["collision_actor"] == 1


def test_a_car_that_moves_away_closes_at_nothing():
    egos, actors = scene((FRONT + 1.9, 0.0, 0.0, 15.0))
    first_contact(egos, 0, PARAMS, actors, 0, 1)
    assert egos[0]["collision_actor"] == 0
    assert egos[0]["closing_speed"] == 0.0
