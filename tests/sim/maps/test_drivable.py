import math
from dataclasses import replace

import numpy as np
import pytest

from drive.sim.maps.drivable import MAX_DISTANCE, DrivableArea, distance_outside, drivable_area
from drive.sim.maps.procedural import generate_road
from drive.sim.maps.road_map import Junction, RoadMap
from drive.sim.scenario import lane_scenario

from .roads import arc, chain_of, lane, straight


def distances(area: DrivableArea, points: np.ndarray) -> np.ndarray:
    return np.array([area.distance(x, y) for x, y in points])


@pytest.mark.parametrize("yaw_deg", [0.0, 17.0, 45.0, 90.0, 133.0])
def test_beside_a_straight_strip(yaw_deg):
    yaw = math.radians(yaw_deg)
    area = drivable_area(chain_of(straight(60.0, (3.13, -7.77), yaw), width=3.3))
    along, across = np.meshgrid(np.linspace(5.0, 55.0, 60), np.linspace(-3.0, 3.0, 121))
    x = 3.13 + along * np.cos(yaw) - across * np.sin(yaw)
    y = -7.77 + along * np.sin(yaw) + across * np.cos(yaw)
    true = np.maximum(np.abs(across) - 1.65, 0.0).ravel()
    got = distances(area, np.stack([x.ravel(), y.ravel()], axis=1))
    near = (true > 0.25) & (true < 0.4)
    assert np.abs(got - true)[near].max() < 0.02
    assert np.abs(got - true).max() < 0.11
    assert got[true == 0.0].max() < 0.11
    assert np.all((got > 0.3)[true > 0.34])
    assert not np.any((got > 0.3)[true < 0.26])


@pytest.mark.parametrize("radius", [6.0, 15.0, 80.0])
def test_beside_an_annulus(radius):
    width = 3.5
    area = drivable_area(chain_of(arc(radius, 0.75 * math.pi, 0.3), width=width))
    angle, r = np.meshgrid(np.linspace(0.3, 2.0, 80), radius + np.linspace(-2.6, 2.6, 105))
    true = np.maximum(np.abs(r - radius) - 0.5 * width, 0.0).ravel()
    points = np.stack([(r * np.sin(angle)).ravel(), (radius - r * np.cos(angle)).ravel()], axis=1)
    got = distances(area, points)
    near = (true > 0.25) & (true < 0.4)
    assert np.abs(got - true)[near].max() < 0.04
    assert got[true == 0.0].max() < 0.12


def test_far_distances_grow_to_their_limit():
    area = drivable_area(chain_of(straight(60.0), width=4.0))
    for true in (1.0, 2.0, 3.0, 4.5, 6.0):
        assert area.distance(30.0, 2.0 + true) == pytest.approx(true, abs=0.35)
    assert area.distance(30.0, 500.0) == MAX_DISTANCE
    assert area.distance(-1e9, 0.0) == MAX_DISTANCE
    assert area.distance(math.nan, 0.0) == MAX_DISTANCE
    # A whole car beside the end of the road is measured, too.
    assert area.distance(61.0, 0.0) == pytest.approx(1.0, abs=0.05)


def test_only_drivable_types_count():
    walk = lane(0, straight(40.0), type="sidewalk")
    parking = lane(1, straight(40.0, (0.0, 6.0)), type="parking")
    area = drivable_area(RoadMap("", (walk, parking)))
    assert area.distance(20.0, 6.0) == 0.0
    assert area.distance(20.0, 0.0) > 3.0
    with pytest.raises(ValueError, match="no drivable lane"):
        drivable_area(RoadMap("", (walk,)))


@pytest.mark.parametrize(
    ("gap", "closed"), [(0.3, True), (1.0, True), (1.7, True), (2.5, False), (3.5, False)]
)
@pytest.mark.parametrize("yaw", [0.0, 0.6])
def test_gaps_to_two_metres_are_closed(gap, closed, yaw):
    side = 3.5 + gap
    near = lane(0, straight(60.0, (0.0, 0.0), yaw))
    far = lane(1, straight(60.0, (-side * math.sin(yaw), side * math.cos(yaw)), yaw))
    area = drivable_area(RoadMap("", (near, far)))
    along = np.linspace(10.0, 50.0, 60)
    middle = 0.5 * side
    points = np.stack(
        [along * math.cos(yaw) - middle * math.sin(yaw), along * math.sin(yaw) + middle * math.cos(yaw)],
        axis=1,
    )
    got = distances(area, points)
    assert got.max() < 0.3 if closed else got.min() > 0.3


def test_a_junction_is_one_area_without_holes():
    # Four lanes around a square of 12 m; the hole between them belongs to the junction.
    square = [
        straight(15.5, (-1.75, 0.0)),
        straight(15.5, (12.0, -1.75), math.pi / 2),
        straight(15.5, (13.75, 12.0), math.pi),
        straight(15.5, (0.0, 13.75), -math.pi / 2),
    ]
    lanes = tuple(lane(i, center) for i, center in enumerate(square))
    loose = drivable_area(RoadMap("", lanes))
    assert loose.distance(6.0, 6.0) > 3.0
    joined = tuple(replace(item, junction="J") for item in lanes)
    area = drivable_area(RoadMap("", joined, junctions=(Junction("J", (0, 1, 2, 3)),)))
    for x in np.linspace(0.0, 12.0, 9):
        for y in np.linspace(0.0, 12.0, 9):
            assert area.distance(x, y) == 0.0
    assert area.distance(6.0, -1.75 - 0.5) == pytest.approx(0.5, abs=0.03)


def test_lanes_of_a_generated_road_are_inside_and_its_edges_sharp():
    for seed in range(12):
        road_map = generate_road(np.random.default_rng(seed))
        area = drivable_area(road_map)
        for item in road_map.lanes:
            if not item.drivable:
                continue
            for d in (-0.35, 0.0, 0.35):
                points = item.position(item.s[7:-7:7], d * item.width[7:-7:7])[:, :2]
                assert distances(area, points).max() == 0.0
            beyond = item.right_neighbour
            if beyond is None or road_map.lanes[beyond].type in ("shoulder", "sidewalk"):
                inner = item.s[20:-20:7]
                for out in (0.27, 0.33):
                    points = item.position(inner, -(0.5 * np.interp(inner, item.s, item.width) + out))[:, :2]
                    assert np.abs(distances(area, points) - out).max() < 0.04


def test_the_kernel_is_the_method():
    area = drivable_area(chain_of(straight(20.0)))
    for x, y in ((3.0, 2.3), (19.0, -4.0)):
        assert area.distance(x, y) == distance_outside(
            area.table, area.blocks, area.x0, area.y0, area.cell, x, y
        )


def test_the_area_of_a_real_town_is_measured(shared):
    from drive.sim.maps.opendrive import read_opendrive

    road_map = read_opendrive(shared / "maps/carla-2020/Town07.xodr")
    area = drivable_area(road_map)
    for item in road_map.lanes:
        if item.type == "driving":
            assert distances(area, item.center[::9, :2]).max() < 0.05


def test_no_slit_opens_between_the_lanes_of_a_road():
    for seed in (*range(20), 1_000_177):  # the last one has a corner that begins almost at once
        road_map = lane_scenario(seed).road_map
        area = drivable_area(road_map)
        for one in road_map.lanes:
            beside = None if one.left_neighbour is None else road_map.lanes[one.left_neighbour]
            if not one.drivable or beside is None or not beside.drivable:
                continue
            border = one.border(1)[:, :2]
            around = border[:, None] + 0.1 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
            inside = np.arange(len(border)) > 5  # the lane's ends are open
            inside &= inside[::-1]
            assert max(area.distance(x, y) for x, y in around[inside].reshape(-1, 2)) == 0.0
