"""Suites: pure functions of the place in the list, on reserved seeds, weathers in turn."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.scoring.suites import FIRST_SEED, ScenarioRef, schedule, suite
from drive.sim.scenario import load_map
from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS


def test_weathers_take_turns() -> None:
    weathers = [suite("lane").weather(i) for i in range(16)]
    assert set(weathers[0::2]) == set(TRAINING_WEATHERS)
    assert set(weathers[1::2]) == set(HELD_OUT_WEATHERS)
    assert set(Counter(weathers).values()) == {2}


def test_a_scenario_is_a_function_of_its_place() -> None:
    first, again = suite("lane").scenario(5), suite("lane").scenario(5)
    assert first.name == "lane/5"
    assert first.seed == FIRST_SEED + 5
    assert first.held_out and first.weather in HELD_OUT_WEATHERS
    assert np.array_equal(first.route.points, again.route.points)
    assert np.array_equal(first.actors, again.actors)
    assert (first.start_s, first.goal_s, first.weather) == (again.start_s, again.goal_s, again.weather)
    other = suite("lane").scenario(7)
    assert not np.array_equal(first.route.points, other.route.points)


def test_seeds_are_reserved_and_never_shared() -> None:
    lane = suite("lane")
    seeds = [lane.seed(slot) for slot in schedule(1000, 200)]
    assert min(seeds) >= FIRST_SEED
    assert len(set(seeds)) == len(seeds)


def test_the_schedule_has_every_place_once() -> None:
    assert schedule(2, 1) == (ScenarioRef(0), ScenarioRef(1), ScenarioRef(0, True))


def test_on_a_map_chains_through_junctions_are_apart(shared: Path) -> None:
    lane = suite("lane")
    road_map = load_map(str(shared / "maps" / "carla-2020" / "Town02.xodr"))
    assert lane.passes_junctions(road_map)
    plain = lane.scenario(3, road_map)
    through = lane.scenario(3, road_map, through_junction=True)
    assert plain.road_map is through.road_map is road_map
    assert (plain.through_junction, through.through_junction) == (False, True)
    assert (plain.seed, plain.weather) == (FIRST_SEED + 3, through.weather)
    assert plain.name != through.name
    assert through.name.endswith("junction/3")
    assert plain.goal_s - plain.start_s > 60.0


def test_corners_are_the_lane_task_on_roads_with_many_times_the_tight_bends() -> None:
    def tight(name: str) -> list[float]:
        """Share of each road's way in bends of less than 20 m radius."""
        roads = [suite(name).scenario(i).route.points["curvature"] for i in range(8)]
        return [float(np.mean(np.abs(curvature) > 1.0 / 20.0)) for curvature in roads]

    corners = suite("corners")
    assert corners.scenario(3).name == "corners/3"
    assert corners.scenario(3).weather == suite("lane").scenario(3).weather
    assert corners.scenario(3).seed == FIRST_SEED + 3
    assert min(tight("corners")) > 0.1
    assert np.mean(tight("corners")) > 4.0 * np.mean(tight("lane"))
    assert not corners.on_maps and suite("lane").on_maps


def test_an_unknown_suite_is_named_with_those_known() -> None:
    with pytest.raises(UserError, match="Unknown suite 'lanes': did you mean lane"):
        suite("lanes")
