import numpy as np
import pytest
from scipy.special import fresnel

from drive.agent import AgentFailure
from drive.control.lane_curve import LaneCurve
from drive.control.lane_estimate import COVARIANCE_ORDER, LaneEstimate
from drive.control.lane_vector import LANE_VECTOR, lane_from_vector, lane_to_vector
from tests.control.lanes import lane


def test_on_a_straight_road_the_borders_lie_half_a_width_beside_the_middle_seen_from_the_car():
    estimate = lane(offset=0.4, heading=0.1)
    points = estimate.border(+1, [0.0, 10.0])
    # in the lane's frame the car stands at (0, 0.4), turned by 0.1; the left border is y = 1.75
    c, s = np.cos(0.1), np.sin(0.1)
    expected = [(c * x + s * (1.75 - 0.4), -s * x + c * (1.75 - 0.4)) for x in (0.0, 10.0)]
    assert points == pytest.approx(np.array(expected), abs=1e-9)
    assert estimate.curve.poses(5.0)[2] == pytest.approx(-0.1)


@pytest.mark.parametrize("radius", [12.0, -12.0, 80.0])
def test_the_borders_of_a_bend_are_circles_around_one_centre(radius):
    estimate = lane(curvature=1.0 / radius, reach=15.0)
    for side in (+1, -1):
        points = estimate.border(side)
        distance = np.hypot(points[:, 0], points[:, 1] - radius)
        assert distance == pytest.approx(np.full(len(points), abs(radius - side * 1.75)), abs=1e-6)
    assert estimate.curve.curvature([0.0, 7.3]) == pytest.approx([1.0 / radius] * 2)


def test_between_stations_a_border_is_off_its_circle_by_less_than_three_millimetres():
    points = lane(curvature=1.0 / 12.0, reach=15.0).curve.border(-1, np.linspace(0.0, 15.0, 301))
    assert np.abs(np.hypot(points[:, 0], points[:, 1] - 12.0) - 13.75).max() < 0.003


@pytest.mark.parametrize("rate", [0.004, -0.004])
def test_the_middle_of_a_clothoid_is_given_by_fresnels_integrals(rate):
    s = np.arange(0.0, 30.5, 0.5)
    points = lane(rate=rate, reach=30.0).curve.position(s)
    scale = np.sqrt(np.pi / abs(rate))
    sine, cosine = fresnel(s / scale)
    assert points[:, 0] == pytest.approx(scale * cosine, abs=1e-6)
    assert points[:, 1] == pytest.approx(np.sign(rate) * scale * sine, abs=1e-6)


def test_a_line_ends_where_it_holds_no_longer():
    estimate = lane(reach=20.0)
    assert len(estimate.border(-1)) == 41
    assert estimate.border(-1)[-1] == pytest.approx([20.0, -1.75])
    assert estimate.reach == 20.0


def test_a_mirror_swaps_left_and_right_and_turns_every_sign():
    estimate = lane(0.3, 0.05, 0.02, 0.001)
    mirror = estimate.mirrored()
    assert mirror.values == pytest.approx([-0.3, -0.05, -0.02, -0.001, 3.5])
    assert mirror.left == estimate.right
    for side in (+1, -1):
        assert mirror.border(side) == pytest.approx(estimate.border(-side) * (1.0, -1.0))
    assert (mirror.mirrored().values == estimate.values).all()


def test_from_a_car_that_went_on_along_the_lane_the_lane_lies_as_before():
    radius = 25.0
    curve = lane(curvature=1.0 / radius).curve
    moved = curve.moved(2.0, 2.0 / radius)
    assert moved.poses([0.0, 5.0]) == pytest.approx(curve.poses([0.0, 5.0]), abs=2e-3)
    straight = lane(offset=-0.2).curve.moved(3.0, 0.0)
    assert straight.position(4.0) == pytest.approx([4.0, 0.2])


def test_the_lane_is_the_same_in_whatever_frame_its_points_stand():
    curve = lane(0.2, -0.04, 0.03, -0.001).curve
    c, s = np.cos(2.0), np.sin(2.0)
    xy = curve.points[:, :2] @ np.array([[c, s], [-s, c]]) + (300.0, -80.0)
    pose = np.append(np.array([[c, -s], [s, c]]) @ curve.pose[:2] + (300.0, -80.0), curve.pose[2] + 2.0)
    other = LaneCurve(np.column_stack([xy, curve.points[:, 2] + 2.0]), curve.width, 0.5, 0.0, pose)
    at = np.linspace(0.0, 35.0, 50)
    assert other.border(+1, at) == pytest.approx(curve.border(+1, at), abs=1e-9)
    assert other.poses(at) == pytest.approx(curve.poses(at), abs=1e-9)


def test_a_covariance_of_another_size_is_refused():
    good = lane()
    with pytest.raises(ValueError, match=r"\(5, 5\) in the order lateral_offset"):
        LaneEstimate(0.0, *good.values, np.eye(4), good.left, good.right, good.curve)


VECTOR = [0.3, -0.05, 0.02, 0.001, 3.4, 0.1, 0.02, 0.003, 0.0004, 0.2, 0.6, 0.95, 18.0, 25.0]


def test_a_vector_in_the_documented_order_gives_the_lane_and_comes_back():
    estimate = lane_from_vector(np.array([VECTOR], np.float32), time=1.5)
    assert estimate.time == 1.5
    assert estimate.values == pytest.approx(VECTOR[:5])
    assert np.sqrt(np.diag(estimate.covariance)) == pytest.approx(VECTOR[5:10])
    assert (estimate.left.probability, estimate.right.reach) == pytest.approx((0.6, 25.0))
    assert estimate.curve.poses(0.0)[1:] == pytest.approx([-0.3 * np.cos(0.05), 0.05], abs=1e-6)
    assert lane_to_vector(estimate) == pytest.approx(VECTOR)
    assert LANE_VECTOR[:5] == COVARIANCE_ORDER


@pytest.mark.parametrize(
    ("name", "value"),
    [("lateral_offset", np.nan), ("width", -1.0), ("width_std", -0.1), ("left_probability", 1.2)],
)
def test_a_vector_that_describes_no_lane_is_the_agents_failure(name, value):
    vector = np.array(VECTOR)
    vector[LANE_VECTOR.index(name)] = value
    with pytest.raises(AgentFailure, match=name):
        lane_from_vector(vector)
    with pytest.raises(AgentFailure, match="13 numbers, not 14"):
        lane_from_vector(VECTOR[:-1])
