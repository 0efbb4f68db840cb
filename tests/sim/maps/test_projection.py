import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drive.sim.maps.lane_index import LaneIndex
from drive.sim.maps.procedural import generate_road
from drive.sim.maps.road_map import RoadMap

from .roads import arc, chain_of, lane, straight


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(6.0, 300.0),
    left=st.booleans(),
    share=st.floats(0.02, 0.98),
    d=st.floats(-2.0, 2.0, allow_subnormal=False),
)
def test_positions_on_an_arc(radius, left, share, d):
    side = 1.0 if left else -1.0
    angle = min(1.5, 200.0 / radius)
    item = lane(0, arc(radius, side * angle, 0.3))
    true = np.array([math.sin(share * angle), side * (1.0 - math.cos(share * angle))]) * radius
    normal = np.array([-side * math.sin(share * angle), math.cos(share * angle)])
    s = share * item.length
    np.testing.assert_allclose(item.position(s, d)[:2], true + d * normal, atol=0.01)
    got_s, got_d = item.local_coordinates(true + d * normal)
    assert got_s == pytest.approx(s, abs=0.01)
    assert got_d == pytest.approx(d, abs=0.01)


def test_there_and_back_again_on_every_lane_of_generated_roads():
    rng = np.random.default_rng(5)
    for seed in range(10):
        road_map = generate_road(np.random.default_rng(seed))
        index = LaneIndex(road_map)
        for item in road_map.lanes:
            s = rng.uniform(0.5, item.length - 0.5, 100)
            d = rng.uniform(-0.45, 0.45, 100) * item.width_at(s)
            xy = item.position(s, d)[:, :2]
            got_s, got_d = item.local_coordinates(xy)
            np.testing.assert_allclose(got_s, s, atol=1e-6)
            np.testing.assert_allclose(got_d, d, atol=1e-6)
            lanes, got_s, got_d = index.project(xy)
            assert np.all(lanes == item.index)
            np.testing.assert_allclose(got_s, s, atol=1e-6)
            np.testing.assert_allclose(got_d, d, atol=1e-6)


def test_signs_are_left_positive_in_driving_direction():
    east, west = lane(0, straight(20.0)), lane(1, straight(20.0, (20.0, 3.5), math.pi))
    assert east.local_coordinates([10.0, 1.0]) == (pytest.approx(10.0), pytest.approx(1.0))
    assert west.local_coordinates([15.0, 4.5]) == (pytest.approx(5.0), pytest.approx(-1.0))
    np.testing.assert_allclose(east.position(4.0, 2.0), [4.0, 2.0, 0.0], atol=1e-12)
    assert west.heading_at(3.0) == pytest.approx(math.pi)


def test_shapes_are_kept():
    item = lane(0, straight(20.0))
    s, d = item.local_coordinates(np.zeros((4, 3, 2)))
    assert s.shape == d.shape == (4, 3)
    assert item.position(np.zeros((4, 3)), 0.5).shape == (4, 3, 3)
    lanes, s, d = LaneIndex(chain_of(straight(20.0))).project(np.zeros((4, 3, 2)))
    assert lanes.shape == s.shape == d.shape == (4, 3)


def test_points_before_and_behind_a_lane_get_its_ends():
    item = lane(0, straight(20.0))
    assert item.local_coordinates([-5.0, 1.0]) == (pytest.approx(0.0), pytest.approx(1.0))
    assert item.local_coordinates([25.0, -1.0]) == (pytest.approx(20.0), pytest.approx(-1.0))


def test_the_nearest_lane_is_the_one_whose_surface_is_nearest():
    wide, narrow = lane(0, straight(40.0), width=8.0), lane(1, straight(40.0, (0.0, 6.0)), width=2.0)
    index = LaneIndex(RoadMap("", (wide, narrow)))
    # 3.6 m from the wide lane's centre but inside it; 2.4 m from the narrow one's.
    assert index.project([20.0, 3.6])[0] == 0
    assert index.project([20.0, 4.9])[0] == 1
    # Far from all lanes, beyond the lookup grid.
    lanes, s, _ = index.project([[20.0, 4000.0], [-900.0, -700.0]])
    assert lanes.tolist() == [1, 0]
    np.testing.assert_allclose(s, [20.0, 0.0], atol=1e-9)


def test_lanes_at_a_point_are_all_that_hold_it():
    crossing = RoadMap(
        "", (lane(4 - 4, straight(40.0, (-20.0, 0.0))), lane(1, straight(40.0, (0.0, -20.0), 1.571)))
    )
    index = LaneIndex(crossing)
    assert index.lanes_at(0.0, 0.0) == [0, 1]
    assert index.lanes_at(10.0, 1.0) == [0]
    assert index.lanes_at(10.0, 1.8) == []
    assert index.lanes_at(20.5, 0.0) == []
    assert index.lanes_at(1e6, 0.0) == []


def test_only_the_chosen_lanes_are_found():
    road_map = generate_road(np.random.default_rng(2))
    driving = [item.index for item in road_map.lanes if item.type == "driving"]
    lanes, _, _ = LaneIndex(road_map, driving).project(np.random.default_rng(0).uniform(-200, 200, (500, 2)))
    assert set(lanes.tolist()) <= set(driving)
    with pytest.raises(ValueError, match="no lanes to index"):
        LaneIndex(road_map, [])


def test_brute_force_agrees_in_a_real_town(shared):
    from drive.sim.maps.opendrive import read_opendrive

    road_map = read_opendrive(shared / "maps/carla-2020/Town02.xodr")
    driving = [item.index for item in road_map.lanes if item.type == "driving"]
    index = LaneIndex(road_map, driving)
    points = np.concatenate([road_map.lanes[i].center[::40, :2] for i in driving[::5]])
    points = points + np.random.default_rng(1).uniform(-1.5, 1.5, points.shape)
    lanes, _, d = index.project(points)
    for xy, found, offset in zip(points, lanes, d, strict=True):
        outside = []
        for i in driving:
            item = road_map.lanes[i]
            off = np.sqrt(((item.center[:, :2] - xy) ** 2).sum(axis=1).min())
            outside.append(max(0.0, off - 0.5 * float(item.width.max())))
        here = outside[driving.index(int(found))]
        assert here <= min(outside) + 0.1
        if min(outside) == 0.0:
            assert abs(offset) <= 0.5 * road_map.lanes[int(found)].width.max() + 0.05
