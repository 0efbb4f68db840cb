import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drive.control.speed import target_speed
from drive.sim.arrays import PATH, PATH_STEP
from drive.sim.maps.procedural import generate_road
from drive.sim.maps.road_map import Junction, RoadMap
from drive.sim.maps.route import FOLLOW, LEFT, RIGHT, STRAIGHT, LaneChain, Route, lane_chains
from drive.sim.maps.route_clearance import clear_of

from .roads import arc, chain_of, lane, straight


def split(points: np.ndarray, *where: int) -> list[np.ndarray]:
    """The line in parts that share their end points."""
    cuts = [0, *where, len(points) - 1]
    return [points[a : b + 1] for a, b in itertools.pairwise(cuts)]


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(6.0, 500.0),
    left=st.booleans(),
    at=st.floats(0.1, 0.9),
    step=st.floats(0.2, 0.55),
)
def test_an_arc_has_its_curvature_everywhere_also_across_a_joint(radius, left, at, step):
    side = 1.0 if left else -1.0
    points = arc(radius, side * 30.0 / radius, step)
    road_map = chain_of(*split(points, int(at * len(points))))
    route = Route.from_lanes(road_map, [0, 1], 0.0, 29.9)
    np.testing.assert_allclose(route.points["curvature"], side / radius, rtol=0.01)
    # On the circle to a millimetre, and its yaw along it.
    p = route.points
    off = np.hypot(p["x"], p["y"] - side * radius) - radius
    assert np.abs(off).max() < 2e-3
    np.testing.assert_allclose(p["yaw"], side * PATH_STEP * np.arange(len(p)) / radius, atol=2e-3)


def test_known_curvature_is_taken_as_it_is():
    for seed in range(20):
        road_map = generate_road(np.random.default_rng(seed))
        for lane_ in road_map.lanes:
            route = Route.from_lanes(road_map, [lane_.index], 0.0, lane_.length)
            s = PATH_STEP * np.arange(len(route.points))
            np.testing.assert_allclose(
                route.points["curvature"], np.interp(s, lane_.s, lane_.curvature), atol=1e-12
            )
            spacing = np.hypot(np.diff(route.points["x"]), np.diff(route.points["y"]))
            assert np.abs(spacing - PATH_STEP).max() < 1e-3
            curvature = route.points["curvature"]
            turned = np.cumsum(np.r_[0.0, 0.5 * (curvature[1:] + curvature[:-1])]) * PATH_STEP
            assert np.abs(route.points["yaw"] - route.points["yaw"][0] - turned).max() < 0.06


def test_yaw_is_continuous_and_starts_within_pi():
    points = arc(20.0, 2.0 * math.pi * 0.95)[:, [1, 0, 2]] * [-1.0, 1.0, 1.0]  # starts north
    route = Route.from_lanes(chain_of(points), [0], 0.0, 100.0)
    yaw = route.points["yaw"]
    assert -math.pi <= yaw[0] < math.pi
    assert np.abs(np.diff(yaw)).max() < 0.05
    assert yaw[-1] - yaw[0] == pytest.approx(5.0, abs=0.01)


def test_samples_stand_every_step_from_start_to_end():
    road_map = chain_of(straight(50.0), straight(50.0, (50.0, 0.0)))
    route = Route.from_lanes(road_map, [0, 1], 10.2, 80.4)
    assert route.points.dtype == PATH
    assert route.length == pytest.approx(70.0)
    np.testing.assert_allclose(route.points["x"], 10.2 + PATH_STEP * np.arange(141), atol=1e-9)
    np.testing.assert_allclose(route.points[["left"]]["left"], 1.75)
    assert route.lanes == (0, 1)


def test_limits_and_widths_are_those_of_the_lane_at_each_place():
    slow = lane(0, straight(30.0), speed_limit=8.0, successors=(1,))
    fast = lane(1, straight(30.0, (30.0, 0.0)), width=3.0, speed_limit=14.0)
    route = Route.from_lanes(RoadMap("", (slow, fast)), [0, 1], 0.0, 60.0)
    limit = route.points["speed_limit"]
    assert set(limit[:60]) == {8.0}
    assert set(limit[60:]) == {14.0}
    assert route.points["left"][-1] == route.points["right"][-1] == 1.5


def test_a_gap_between_lanes_counts_as_way():
    road_map = chain_of(straight(20.0), straight(20.0, (20.8, 0.0)))
    route = Route.from_lanes(road_map, [0, 1], 0.0, 40.8)
    np.testing.assert_allclose(route.points["x"], PATH_STEP * np.arange(len(route.points)), atol=1e-9)


def test_a_tiny_lane_between_two_does_no_harm():
    road_map = chain_of(straight(20.0), straight(0.03, (20.0, 0.0)), straight(20.0, (20.03, 0.002)))
    route = Route.from_lanes(road_map, [0, 1, 2], 0.0, 40.0)
    assert np.all(np.isfinite(route.points["curvature"]))
    assert np.abs(route.points["curvature"]).max() < 0.005


@pytest.mark.parametrize("stretch", [(0.0, 60.0), (30.0, 20.0), (-1.0, 20.0), (20.0, 20.5)])
def test_a_stretch_off_the_lanes_is_refused(stretch):
    with pytest.raises(ValueError, match=r"lanes of 50\.0 m"):
        Route.from_lanes(chain_of(straight(50.0)), [0], *stretch)


def test_no_lanes_are_refused():
    with pytest.raises(ValueError, match="at least one lane"):
        Route.from_lanes(chain_of(straight(50.0)), [], 0.0, 10.0)


# A crossing at (100, 0): from the west straight on, and to the left and right.


def crossing(branches: tuple[int, ...] = (1, 2, 3), through_deg: float = 0.0) -> RoadMap:
    """A road from the west that splits in a junction: on (turning a little), left and right."""
    here = np.array([100.0, 0.0, 0.0])
    turn = math.radians(through_deg)
    inside = [
        straight(20.0, (100.0, 0.0)) if turn == 0.0 else here + arc(20.0 / abs(turn), turn),
        here + arc(10.0, math.pi / 2),
        here + arc(6.0, -math.pi / 2),
    ]
    lanes = [lane(0, straight(100.0), successors=branches)]
    for i, points in enumerate(inside, start=1):
        lanes.append(lane(i, points, junction="J", predecessors=(0,), successors=(i + 3,)))
    for i, yaw in enumerate((turn, math.pi / 2, -math.pi / 2), start=1):
        x, y, _ = inside[i - 1][-1]
        lanes.append(lane(i + 3, straight(90.0, (x, y), yaw), predecessors=(i,)))
    return RoadMap("crossing", tuple(lanes), junctions=(Junction("J", (1, 2, 3)),))


def test_a_chain_follows_the_straightest_branch():
    chains = lane_chains(crossing())
    assert chains == [
        LaneChain((0, 1, 4), pytest.approx(210.0, abs=0.5), True),
        LaneChain((5,), pytest.approx(90.0, abs=0.5), False),
        LaneChain((6,), pytest.approx(90.0, abs=0.5), False),
    ]


def test_a_chain_ends_before_a_junction_without_a_straight_branch():
    assert [chain.lanes for chain in lane_chains(crossing(branches=(2, 3)))] == [(0,), (4,), (5,), (6,)]


@pytest.mark.parametrize(("turn_deg", "followed"), [(28.0, True), (-28.0, True), (32.0, False)])
def test_straight_on_is_within_thirty_degrees(turn_deg, followed):
    chains = lane_chains(crossing(through_deg=turn_deg))
    assert chains[0].lanes == ((0, 1, 4) if followed else (0,))


def test_chains_stop_at_every_junction_when_asked_to():
    chains = lane_chains(crossing(), through_junctions=False)
    assert [chain.lanes for chain in chains] == [(0,), (4,), (5,), (6,)]
    assert not any(chain.through_junction for chain in chains)


def test_short_chains_and_narrow_or_other_lanes_are_left_out():
    assert lane_chains(chain_of(straight(79.0))) == []
    assert lane_chains(chain_of(straight(100.0), width=2.1)) == []
    assert lane_chains(chain_of(straight(100.0), type="sidewalk")) == []
    assert len(lane_chains(chain_of(straight(79.0)), min_length=70.0)) == 1


def test_a_ring_is_one_chain():
    points = arc(30.0, 2.0 * math.pi)
    parts = split(points, len(points) // 2)
    ring = [lane(i, part, successors=(1 - i,), predecessors=(1 - i,)) for i, part in enumerate(parts)]
    (chain,) = lane_chains(RoadMap("ring", tuple(ring)))
    assert chain.lanes == (0, 1)


@pytest.mark.parametrize(("lanes", "command"), [((0, 1, 4), STRAIGHT), ((0, 2, 5), LEFT), ((0, 3, 6), RIGHT)])
def test_the_command_says_the_turn_from_some_way_before_the_junction(lanes, command):
    road_map = crossing()
    route = Route.from_lanes(road_map, lanes, 0.0, 150.0)
    commands = route.points["command"]
    s = PATH_STEP * np.arange(len(commands))
    inside = road_map.lanes[lanes[1]].length
    assert set(commands[(s > 71.0) & (s < 100.0 + inside - 1.0)]) == {command}
    assert set(commands[(s < 69.0) | (s > 100.0 + inside + 1.0)]) == {FOLLOW}


def test_chains_of_a_real_town_can_be_driven(shared):
    from drive.sim.maps.opendrive import read_opendrive

    road_map = read_opendrive(shared / "maps/carla-2020/Town02.xodr")
    for through in (False, True):
        chains = lane_chains(road_map, through_junctions=through)
        assert len(chains) >= 5
        for chain in chains:
            assert chain.length >= 80.0
            assert chain.through_junction <= through
            route = Route.from_lanes(road_map, chain.lanes, 0.0, chain.length)
            spacing = np.hypot(np.diff(route.points["x"]), np.diff(route.points["y"]))
            assert np.abs(spacing - PATH_STEP).max() < 5e-3
            assert np.abs(route.points["curvature"]).max() < 0.2


@pytest.mark.parametrize("painted", [0.4, 0.6])
def test_a_junction_without_lines_is_passed_slowly(painted: float) -> None:
    centers = [straight(100.0), straight(60.0, (100.0, 0.0)), straight(100.0, (160.0, 0.0))]
    road_map = chain_of(*centers, speed_limit=29.0)
    lanes = list(road_map.lanes)
    lanes[1] = dataclasses.replace(lanes[1], junction="9", painted=painted)
    route = Route.from_lanes(RoadMap("x", tuple(lanes)), [0, 1, 2], 0.0, 260.0)
    allowed = [target_speed(route.points, 0, len(route.points), s, 0.0, 29.0) for s in (30.0, 130.0, 170.0)]
    assert allowed == pytest.approx([29.0, 29.0, 29.0] if painted > 0.5 else [21.2, 13.0, 29.0], abs=0.1)


def test_a_junction_that_swerves_is_passed_as_fast_as_the_wheel_turns() -> None:
    s = np.linspace(0.0, 40.0, 400)
    yaw = np.cumsum(0.1 * np.sin(2.0 * np.pi * s / 10.0)) * s[1]  # curvature swings by 0.2 / m in 5 m
    swerve = np.stack([np.cumsum(np.cos(yaw)) * s[1], np.cumsum(np.sin(yaw)) * s[1], 0.0 * s], axis=1)
    lanes = chain_of(swerve, speed_limit=15.0).lanes
    for junction in (None, "9"):
        road_map = RoadMap("x", (dataclasses.replace(lanes[0], junction=junction),))
        points = Route.from_lanes(road_map, [0], 0.0, 39.0).points
        slowest = min(
            target_speed(points, 0, len(points), at, 0.0, 15.0) for at in np.arange(10.0, 30.0, 0.5)
        )
        bend = points["curvature"]
        if junction is None:
            assert slowest == pytest.approx(np.sqrt(2.2 / np.abs(bend).max()), rel=0.05)
        else:
            assert slowest == pytest.approx(0.1 / np.abs(np.gradient(bend, PATH_STEP)).max(), rel=0.05)


def test_traffic_ends_where_its_path_crosses_the_ego_s() -> None:
    centers = [
        straight(200.0),
        straight(300.0, (120.0, -180.0), np.pi / 2.0),
        straight(70.0, (50.0, -35.0), np.pi / 2.0),
        straight(200.0, (0.0, 3.5)),
    ]
    road_map = RoadMap("x", tuple(lane(i, center) for i, center in enumerate(centers)))
    ego = Route.from_lanes(road_map, [0], 0.0, 200.0)
    crossing, short, beside = (
        clear_of(ego, road_map, LaneChain((i,), road_map.lanes[i].length, False)) for i in (1, 2, 3)
    )
    assert crossing is not None and crossing.length == pytest.approx(180.0 - 2.2 - 5.0, abs=1.0)
    assert crossing.points["y"].max() < -2.2 - 4.0
    assert short is None
    assert beside is not None and beside.length == 200.0
