"""Other looks of one drive: what stays, to the millimetre, and what changes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from drive.camera import Camera
from drive.sim.maps.procedural_layout import _Extent, _narrowed, _Side
from drive.sim.maps.procedural_style import draw_style
from drive.sim.maps.road_map import RoadMap
from drive.sim.scenario import Scenario, lane_scenario
from drive.sim.variants import layout_variant, look_variant
from drive.sim.world import World

SEEDS = range(24)
BOTH = pytest.mark.parametrize("mirrored", [False, True])


@cache
def recorded(seed: int) -> Scenario:
    """Every other one a street from corner to corner."""
    return lane_scenario(seed, style="corners" if seed % 2 else None)


@cache
def looked(seed: int, mirrored: bool) -> Scenario | None:
    return layout_variant(recorded(seed), np.random.default_rng(seed), "wet", "regular", mirrored=mirrored)


def pairs(mirrored: bool) -> list[tuple[Scenario, Scenario]]:
    """Drives and their other roads."""
    found = [(recorded(seed), looked(seed, mirrored)) for seed in SEEDS]
    return [(before, after) for before, after in found if after is not None]


def section(scenario: Scenario) -> str:
    return " ".join(f"{lane.type}{'+' if lane.forward else '-'}" for lane in scenario.road_map.lanes)


@BOTH
def test_most_drives_find_another_road(mirrored: bool) -> None:
    found = pairs(mirrored)
    assert len(found) >= 0.9 * len(SEEDS)
    assert sum(section(before) != section(after) for before, after in found) >= 0.6 * len(found)
    assert len({section(after) for _, after in found}) >= 8


@BOTH
def test_the_driven_lane_stays(mirrored: bool) -> None:
    side = -1.0 if mirrored else 1.0
    for before, after in pairs(mirrored):
        old, new = (one.road_map.lanes[one.route.lanes[0]] for one in (before, after))
        np.testing.assert_allclose(new.center, old.center * [1.0, side, 1.0], atol=1e-3)
        np.testing.assert_allclose(new.s, old.s, atol=1e-3)
        np.testing.assert_allclose(new.width, old.width, atol=1e-9)
        np.testing.assert_allclose(new.curvature, side * old.curvature, atol=1e-9)
        assert (new.speed_limit, new.type, new.forward) == (old.speed_limit, "driving", True)
        for name, sign in (("x", 1.0), ("y", side), ("yaw", side), ("curvature", side), ("speed_limit", 1.0)):
            np.testing.assert_array_equal(after.route.points[name], sign * before.route.points[name])
        for name, other in (("left", "right"), ("right", "left")):
            was = before.route.points[other if mirrored else name]
            np.testing.assert_array_equal(after.route.points[name], was, err_msg=name)
        assert (after.start_s, after.goal_s) == (before.start_s, before.goal_s)
        assert (after.start_lateral, after.start_yaw) == (
            side * before.start_lateral,
            side * before.start_yaw,
        )
        assert paint_from_lane(after.road_map, new.center) > 0.5 * new.width.min() - 0.6


@BOTH
def test_traffic_of_the_lane_stays_and_keeps_to_the_right_elsewhere(mirrored: bool) -> None:
    for before, after in pairs(mirrored):
        old, new = (one.actors[one.actors["path"] == 0] for one in (before, after))
        for name in ("s", "kind", "length", "width", "desired_speed", "time_headway", "speed", "x"):
            np.testing.assert_array_equal(new[name], old[name], err_msg=name)
        np.testing.assert_array_equal(new["y"], -old["y"] if mirrored else old["y"])
        lanes = after.road_map.lanes  # from left to right
        driving = [lane.forward for lane in lanes if lane.type == "driving"]
        assert driving == sorted(driving)  # oncoming ones first
        assert {lane for path in after.paths for lane in path.lanes} == {
            lane.index for lane in lanes if lane.type == "driving"
        }


@BOTH
def test_no_road_folds_over_or_meets_itself(mirrored: bool) -> None:
    """Each corner of each surface is as far from the lane's middle as its border is, not nearer."""
    for _, after in pairs(mirrored):
        lane = after.road_map.lanes[after.route.lanes[0]]
        across = np.concatenate([[0.0], np.cumsum([one.width[0] for one in after.road_map.lanes])])
        borders = np.unique(np.abs(across - 0.5 * (across[lane.index] + across[lane.index + 1])))
        middle = lane.center[:, :2]
        for surface in after.road_map.surfaces:
            corners = surface.polygon[:: max(1, len(surface.polygon) // 12)]
            away = np.hypot(*(corners[:, None] - middle).transpose(2, 0, 1)).min(axis=1)
            assert np.abs(away[:, None] - borders).min(axis=1).max() < 0.03


def test_a_narrowed_road_ends_in_the_same_kind_of_edge() -> None:
    """Without a shoulder, a pavement or a parking lane the kerb or the grass is at what is left of it."""
    none = _Side(0.0, 0.0)
    trimmed = moved = 0
    for seed in range(200):
        style = draw_style(np.random.default_rng(seed))
        driven = [i for i, strip in enumerate(style.strips) if strip.type == "driving"]
        narrow, lane = _narrowed(style, driven[0], _Extent(none, none))
        assert lane == 0 and len(narrow.borders) == len(narrow.strips) + 1
        assert narrow.strips == style.strips[driven[0] : driven[-1] + 1]
        trimmed += len(narrow.strips) < len(style.strips)
        left, right = style.borders[: driven[0] + 1], style.borders[driven[-1] + 1 :]
        for edge, were, side in ((narrow.borders[0], left, 1.0), (narrow.borders[-1], right, -1.0)):
            assert edge.unpainted in {border.unpainted for border in were} - {"none"}
            assert edge.curb == any(border.curb for border in were)
            if edge.curb and edge.base is not None:
                assert side * edge.inset < -0.15  # beside the kerb, on the road
                moved += edge not in were
    assert trimmed > 100 and moved >= 3


def test_a_mirrored_drive_stays_mirrored() -> None:
    for seed in (1, 2, 5):
        before = lane_scenario(seed, style="corners" if seed % 2 else None, traffic="none")
        after = layout_variant(before, np.random.default_rng(seed), "wet", "none", mirrored=True)
        assert after is not None
        worlds = [World(1, {"front": Camera(width_px=32, height_px=16)}) for _ in range(2)]
        for world, scenario in zip(worlds, (before, after), strict=True):
            world.load(0, scenario)
        for step in range(160):
            for world, side in zip(worlds, (1.0, -1.0), strict=True):
                world.advance(np.array([side * 0.1 * np.sin(0.2 * step)]), np.array([np.nan]))
            one, other = (world.egos[0] for world in worlds)
            for name in ("x", "speed", "center_s", "acceleration", "left_border", "speed_limit"):
                assert abs(one[name] - other[name]) < 1e-9, name
            for name in ("y", "yaw_rate", "slip_angle", "steering_angle", "lateral_offset", "heading_error"):
                assert abs(one[name] + other[name]) < 1e-9, name
        for world in worlds:
            world.close()


def test_only_generated_roads_change() -> None:
    with pytest.raises(ValueError, match="only generated roads change"):
        layout_variant(
            replace(recorded(0), generated=None), np.random.default_rng(0), "wet", "none", mirrored=False
        )


def paint_from_lane(road_map: RoadMap, center: np.ndarray) -> float:
    """The smallest distance of any paint from a lane's middle, infinite on a bare road [m]."""
    lines = [s.points[:, :2] for s in road_map.strokes if s.type not in ("curb", "grass", "edge")]
    points = np.concatenate([np.zeros((0, 2)), *lines])[::3]
    return min((float(np.hypot(*(center[:, :2] - p).T).min()) for p in points), default=np.inf)


def test_the_lane_stays_where_it_is() -> None:
    styles, painted = set(), 0
    for seed in range(12):
        scenario = lane_scenario(seed)
        again = look_variant(scenario, np.random.default_rng(seed), "wet")
        assert again.paths is scenario.paths and again.road_map.lanes == scenario.road_map.lanes
        for name in ("x", "y", "yaw", "length", "width", "kind", "s", "desired_speed", "time_headway"):
            np.testing.assert_array_equal(again.actors[name], scenario.actors[name])
        lane = scenario.road_map.lanes[scenario.route.lanes[0]]
        assert paint_from_lane(again.road_map, lane.center) > 0.5 * lane.width.min() - 0.6
        styles.add(again.road_map.style)
        widths = [[stroke.width for stroke in one.road_map.strokes] for one in (scenario, again)]
        painted += widths[0] != widths[1]
    assert len(styles) >= 2 and painted >= 10
