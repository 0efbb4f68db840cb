import math

import pytest

from drive.control.lateral import LATENCY, LATERAL_LAWS, CarMotion, pursuit_target
from tests.control.lanes import lane

WHEELBASE = 2.578


@pytest.fixture(params=list(LATERAL_LAWS))
def law(request):
    return LATERAL_LAWS[request.param]


def test_on_the_middle_of_a_straight_lane_the_wheels_stay_straight(law):
    assert law(lane(), CarMotion(8.0, 0.0, WHEELBASE)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("offset", "heading"), [(0.5, 0.0), (0.0, 0.1)])
def test_a_car_left_of_the_middle_or_turned_left_is_steered_right(law, offset, heading):
    assert law(lane(offset, heading), CarMotion(8.0, 0.0, WHEELBASE)) < -0.01


def test_the_mirror_image_is_steered_by_the_same_angle_to_the_other_side(law):
    estimate = lane(0.3, -0.05, 0.02, -0.001)
    left = law(estimate, CarMotion(8.0, 0.04, WHEELBASE))
    right = law(estimate.mirrored(), CarMotion(8.0, -0.04, WHEELBASE))
    assert left == pytest.approx(-right, abs=1e-12)


@pytest.mark.parametrize("radius", [15.0, -40.0])
def test_on_a_circle_the_law_holds_the_angle_that_keeps_the_cars_middle_on_it(law, radius):
    # the rear axle runs inside of the middle, on a radius smaller by wheelbase^2 / (8 radius)
    rear = abs(radius) - WHEELBASE**2 / (8.0 * abs(radius))
    angle = math.copysign(math.atan(WHEELBASE / rear), radius)
    offset = math.copysign(abs(radius) - rear, radius)
    estimate = lane(offset, 0.0, 1.0 / radius)
    assert law(estimate, CarMotion(5.0, angle, WHEELBASE)) == pytest.approx(angle, abs=0.01)


@pytest.mark.parametrize("speed", [3.0, 8.0, 15.0])
@pytest.mark.parametrize("curvature", [0.0, 0.02])
def test_a_kinematic_car_comes_to_the_middle_and_stays(law, speed, curvature):
    dt, s, offset, heading, angle = 0.05, 0.0, 0.6, -0.05, 0.0
    middles = []
    for _ in range(int(60.0 / (speed * dt)) + 60):
        wanted = law(lane(offset, heading, curvature), CarMotion(speed, angle, WHEELBASE))
        for _ in range(5):  # the wheels turn with a lag
            angle += (wanted - angle) * 0.01 / LATENCY
            heading += speed * (math.tan(angle) / WHEELBASE) * 0.01
            rate = speed * math.cos(heading) / (1.0 - curvature * offset)
            heading -= curvature * rate * 0.01
            offset += speed * math.sin(heading) * 0.01
            s += rate * 0.01
        middle = 0.5 * WHEELBASE
        middles.append(offset + middle * math.sin(heading) - 0.5 * curvature * middle**2)
    assert max(map(abs, middles[-20:])) < 0.05
    assert min(middles) > -0.25


def test_the_pursued_point_lies_on_the_lane_further_ahead_at_speed():
    near = pursuit_target(lane(0.5), CarMotion(2.0, 0.0, WHEELBASE))
    far = pursuit_target(lane(0.5), CarMotion(12.0, 0.0, WHEELBASE))
    assert near == pytest.approx((3.0, -0.5))
    assert far == pytest.approx((1.5 + 0.55 * 12.0, -0.5))
