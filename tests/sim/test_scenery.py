import math

import numpy as np
import pytest

from drive.sim.arrays import BUILDING, BUSH, FENCE, POLE, PROP, SIGN, TRAFFIC_LIGHT, TREE
from drive.sim.maps.drivable import drivable_area
from drive.sim.maps.procedural import RoadConfig, generate_road
from drive.sim.maps.road_map import MapObject, RoadMap, Signal
from drive.sim.scenery import BUILDING_CLEARANCE, CLEARANCE, scatter

from .maps.roads import chain_of, lane, straight


def corners(prop) -> np.ndarray:
    half = 0.5 * np.array([prop["length"], prop["width"]])
    c, s = math.cos(prop["yaw"]), math.sin(prop["yaw"])
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    return np.array([prop["x"], prop["y"]]) + (signs * half) @ np.array([[c, s], [-s, c]])


def outline(prop) -> np.ndarray:
    at = corners(prop)
    share = np.linspace(0.0, 1.0, 7)[:, None]
    return np.concatenate([a + share * (b - a) for a, b in zip(at, np.roll(at, -1, axis=0), strict=True)])


def overlap(a, b) -> bool:
    """Separating axes of two rectangles."""
    p, q = corners(a), corners(b)
    for yaw in (a["yaw"], a["yaw"] + math.pi / 2, b["yaw"], b["yaw"] + math.pi / 2):
        axis = np.array([math.cos(yaw), math.sin(yaw)])
        if (p @ axis).max() < (q @ axis).min() or (q @ axis).max() < (p @ axis).min():
            return False
    return True


@pytest.mark.parametrize("style", ["town", "country", "highway"])
def test_a_road_has_scenery_of_its_style_clear_of_the_road_and_of_itself(style):
    counts = []
    for seed in range(6):
        road_map = generate_road(np.random.default_rng(seed), RoadConfig(style=style))
        area = drivable_area(road_map)
        props = scatter(road_map, np.random.default_rng(seed), area=area)
        assert props.dtype == PROP
        counts.append(len(props))
        for prop in props:
            wanted = BUILDING_CLEARANCE if prop["kind"] == BUILDING else CLEARANCE
            distance = min(area.distance(x, y) for x, y in outline(prop))
            assert distance >= wanted - 0.05
            assert 0.05 <= prop["length"] <= 45.0
            assert 0.3 <= prop["height"] <= 20.0
            assert 0 <= prop["color"] <= 0xFFFFFF
        x, y = props["x"], props["y"]
        near = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 < 40.0**2
        for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True):
            assert not overlap(props[i], props[j])
        kinds = set(props["kind"].tolist())
        assert {SIGN, TREE} <= kinds
    kinds_of_all = {BUILDING, TREE, BUSH, POLE, SIGN, FENCE}
    assert kinds_of_all >= kinds
    assert 60 < min(counts)
    assert max(counts) < 420
    assert 120 < np.mean(counts) < 320


def test_a_town_has_more_houses_than_the_country():
    def houses(style: str) -> float:
        found = 0
        for seed in range(4):
            road_map = generate_road(np.random.default_rng(seed), RoadConfig(style=style))
            found += int(np.sum(scatter(road_map, np.random.default_rng(0))["kind"] == BUILDING))
        return found / 4

    assert houses("town") > 3.0 * houses("country")


def test_same_generator_state_gives_the_same_bytes():
    road_map = generate_road(np.random.default_rng(11))
    first = scatter(road_map, np.random.default_rng(4)).tobytes()
    assert first == scatter(road_map, np.random.default_rng(4)).tobytes()
    assert first != scatter(road_map, np.random.default_rng(5)).tobytes()


def test_what_the_map_places_itself_comes_first():
    road_map = chain_of(straight(200.0))
    own = RoadMap(
        "own",
        road_map.lanes,
        objects=(
            MapObject("building", 50.0, 12.0, 0.0, 0.3, 14.0, 9.0, 6.0),
            MapObject("tree", 80.0, 0.0, 0.0, 0.0, 2.0, 2.0, 5.0),  # on the road: left out
            MapObject("unheard of", 90.0, 20.0, 0.0, 0.0, 2.0, 2.0, 5.0),
        ),
        signals=(
            Signal("1", "light", 100.0, -3.0, 0.0, math.pi, 3.0),
            Signal("2", "stop", 120.0, -3.0, 0.0, math.pi, 2.2),
        ),
    )
    props = scatter(own, np.random.default_rng(0), style="town")
    assert props["kind"][:3].tolist() == [BUILDING, TRAFFIC_LIGHT, SIGN]
    house = props[0]
    assert (house["x"], house["y"], house["yaw"], house["length"]) == (50.0, 12.0, 0.3, 14.0)
    assert len(props) > 20


def test_signs_look_at_the_traffic_of_their_side():
    pair = RoadMap(
        "",
        (
            lane(0, straight(400.0), left_neighbour=1),
            lane(1, straight(400.0, (400.0, 3.5), math.pi), left_neighbour=0, forward=False),
        ),
    )
    props = scatter(pair, np.random.default_rng(3), style="town")
    signs = props[props["kind"] == SIGN]
    assert len(signs) >= 4
    for sign in signs:
        # Drivers on the south side head east, so that their signs look west.
        assert math.cos(sign["yaw"]) * (1.0 if sign["y"] > 0.0 else -1.0) == pytest.approx(1.0)


def test_an_unknown_style_is_named():
    with pytest.raises(ValueError, match="'jungle'"):
        scatter(chain_of(straight(50.0)), np.random.default_rng(0), style="jungle")


def test_a_road_without_lanes_for_cars_cannot_be_dressed():
    with pytest.raises(ValueError, match="no drivable lane"):
        scatter(chain_of(straight(50.0), type="sidewalk"), np.random.default_rng(0))


def test_a_real_town_is_furnished(shared):
    from drive.sim.maps.opendrive import read_opendrive

    road_map = read_opendrive(shared / "maps/carla-2020/Town02.xodr")
    props = scatter(road_map, np.random.default_rng(0))
    assert len(props) > 200
    area = drivable_area(road_map)
    scattered = props[(props["kind"] != TRAFFIC_LIGHT) & (props["kind"] != SIGN)]
    assert min(area.distance(p["x"], p["y"]) for p in scattered) > 1.4
