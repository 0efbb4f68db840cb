import numpy as np
import pytest

from drive.control.lane_estimate import LineType
from drive.scoring.suites import suite
from drive.sim.lane_truth import true_lane
from drive.sim.world import World


def placed(scenario, s, lateral, heading):
    world = World()
    world.load(0, scenario, (s, lateral, heading, 6.0))
    return world


@pytest.mark.parametrize("name", ["lane/0", "corners/0"])
def test_the_truth_is_the_maps_lane_seen_from_the_car(name):
    suite_name, _, index = name.partition("/")
    scenario = suite(suite_name).scenario(int(index))
    points = scenario.route.points
    for s in (12.0, 40.0, 77.0):
        world = placed(scenario, s, 0.3, 0.05)
        ego, lane = world.egos[0], true_lane(world, 0)
        i = round(s / 0.5)
        near = slice(i - 6, i + 1)
        assert lane.width == pytest.approx(points["left"][i] + points["right"][i], abs=0.05)
        assert (
            points["curvature"][near].min() - 1e-3 <= lane.curvature <= points["curvature"][near].max() + 1e-3
        )
        # the map's own points lie on the curve, seen from the car
        ahead = points[i : i + 40]
        c, sine = np.cos(ego["yaw"]), np.sin(ego["yaw"])
        dx, dy = ahead["x"] - ego["x"], ahead["y"] - ego["y"]
        seen = np.stack([c * dx + sine * dy, -sine * dx + c * dy], axis=1)
        at = 0.5 * np.arange(i, i + 40) - ego["path_s"]
        assert lane.curve.position(at) == pytest.approx(seen, abs=0.01)
        left = lane.border(+1, at)
        assert np.hypot(*(left - seen).T) == pytest.approx(ahead["left"], abs=0.02)


def test_offset_and_heading_on_a_straight_stretch_are_what_the_car_was_placed_at():
    scenario = suite("lane").scenario(4)
    straight = np.flatnonzero(
        np.convolve(np.abs(scenario.route.points["curvature"]), np.ones(40), "valid") < 1e-9
    )
    s = 0.5 * float(straight[0]) + 10.0
    world = placed(scenario, s, -0.4, 0.06)
    lane = true_lane(world, 0)
    assert lane.heading_error == pytest.approx(0.06, abs=1e-6)
    assert lane.lateral_offset == pytest.approx(-0.4 - world.params.center_x * np.sin(0.06), abs=1e-3)
    assert lane.curvature == pytest.approx(0.0, abs=1e-9)
    assert (np.linalg.eigvalsh(lane.covariance) > 0.0).all()


def test_the_lines_are_the_maps_marks():
    kinds = set()
    for index in range(6):
        scenario = suite("lane").scenario(index)
        lane = scenario.road_map.lanes[scenario.route.lanes[0]]
        estimate = true_lane(placed(scenario, 30.0, 0.0, 0.0), 0)
        marks = [next(m for m in side if m.s_end > 29.0) for side in (lane.left_marks, lane.right_marks)]
        assert [estimate.left.type, estimate.right.type] == [m.type for m in marks]
        assert [estimate.left.color, estimate.right.color] == [m.color for m in marks]
        assert estimate.left.probability == float(marks[0].type != "none")
        assert estimate.left.reach == 40.0
        kinds |= {estimate.left.type, estimate.right.type}
    assert {LineType.SOLID, LineType.BROKEN} <= kinds


def test_at_the_end_of_its_path_the_lane_holds_no_further():
    scenario = suite("lane").scenario(0)
    world = placed(scenario, scenario.route.length - 12.0, 0.0, 0.0)
    lane = true_lane(world, 0)
    assert lane.reach == pytest.approx(12.0 + world.params.center_x, abs=0.1)
