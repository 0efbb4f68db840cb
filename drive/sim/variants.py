"""One drive, many looks: other light, paint and surroundings, and other lanes beside the driven one."""

from dataclasses import replace

import numpy as np

from drive.core.portable_math import wrap_angle
from drive.sim.arrays import CAR, TRUCK, VAN
from drive.sim.density import TRAFFIC
from drive.sim.maps.procedural import repaint_road
from drive.sim.maps.procedural_layout import relayout_road
from drive.sim.maps.road_map import RoadMap
from drive.sim.maps.route import Route
from drive.sim.scenario import MAX_PATHS, PAINTS, Scenario, moving, road_rng, standing
from drive.sim.scenery import scatter
from drive.sim.sensors.weather import HELD_OUT_WEATHERS, weather


def look_variant(scenario: Scenario, rng: np.random.Generator, weather_name: str) -> Scenario:
    """The same drive in another light: other weather, colours, textures and surroundings.

    Roads, lanes, traffic and whatever stands on or near the road keep their places and sizes. A generated
    road gets other paint and other ground beside its lanes, and other scenery; a map keeps both.

    Args:
        scenario: what `lane_scenario` made.
        rng: everything random follows from it.
        weather_name: a preset.

    Raises:
        UserError: unknown weather.
    """
    looked = _in_other_light(scenario, rng, weather_name)
    if scenario.generated is None:
        return looked
    road_map = repaint_road(road_rng(scenario.seed)[0], rng, scenario.road_map, scenario.generated)
    return _on(looked, rng, road_map)


def layout_variant(
    scenario: Scenario, rng: np.random.Generator, weather_name: str, traffic: str, *, mirrored: bool
) -> Scenario | None:
    """The same drive on another road: only the lane itself and the traffic on it stay.

    Lanes beside it come and go, with their traffic; so do parking lanes, pavements, shoulders and what stands
    on them. Light, paint, ground and scenery are other ones, as with `look_variant`.

    Args:
        scenario: what `lane_scenario` made, on a generated road.
        rng: everything random follows from it.
        weather_name: a preset.
        traffic: how dense it is on the other lanes, a key of TRAFFIC.
        mirrored: exchange left and right: who steers the other way drives the same, mirrored at the x axis.

    Returns:
        The scenario; None where no other road fits between the bends.

    Raises:
        ValueError: the road was not generated.
        UserError: unknown weather.
    """
    if scenario.generated is None:
        raise ValueError(f"{scenario.name} is on a map, whose lanes stay; only generated roads change.")
    lane = scenario.route.lanes[0]
    found = relayout_road(
        road_rng(scenario.seed)[0], rng, scenario.road_map, scenario.generated, lane, mirrored=mirrored
    )
    if found is None:
        return None
    road_map, ours = found
    beside = [other.index for other in road_map.lanes if other.type == "driving" and other.index != ours]
    routes = [Route.from_lanes(road_map, [i], 0.0, road_map.lanes[i].length) for i in beside]
    points, actors = scenario.route.points.copy(), scenario.actors[scenario.actors["path"] == 0]
    sign = -1.0 if mirrored else 1.0
    if mirrored:
        for name in ("y", "yaw", "curvature"):
            points[name] = -points[name]
        points["left"], points["right"] = points["right"].copy(), points["left"].copy()
        for name in ("y", "yaw", "lateral_offset"):
            actors[name] = -actors[name]
        actors["yaw"] = [wrap_angle(yaw) for yaw in actors["yaw"]]
    road = replace(
        scenario,
        road_map=road_map,
        paths=(Route(points, (ours,)), *routes)[:MAX_PATHS],
        actors=actors,
        start_lateral=sign * scenario.start_lateral,
        start_yaw=sign * scenario.start_yaw,
    )
    gap, share = TRAFFIC[traffic]
    actors = np.concatenate([actors, moving(rng, road, gap, first=1), standing(rng, road, share)])
    return _on(_in_other_light(replace(road, actors=actors), rng, weather_name), rng, road_map)


def _in_other_light(scenario: Scenario, rng: np.random.Generator, weather_name: str) -> Scenario:
    weather(weather_name)
    actors = scenario.actors.copy()
    vehicles = np.isin(actors["kind"], (CAR, VAN, TRUCK))
    actors["color"][vehicles] = rng.choice(PAINTS, int(vehicles.sum()))
    actors["seed"] = rng.integers(1 << 31, size=len(actors))
    return replace(
        scenario,
        actors=actors,
        weather=weather_name,
        held_out=weather_name in HELD_OUT_WEATHERS,
        look_seed=int(rng.integers(1 << 31)),
    )


def _on(scenario: Scenario, rng: np.random.Generator, road_map: RoadMap) -> Scenario:
    """On another road, with scenery beside it."""
    return replace(
        scenario, road_map=road_map, props=scatter(road_map, rng), ground_seed=int(rng.integers(1 << 31))
    )
