"""The navigation's command in the observation: from some way before a junction until it is crossed."""

from pathlib import Path

import numpy as np
import pytest

from drive.camera import Camera
from drive.sim.arrays import PATH_STEP
from drive.sim.env import LaneEnv
from drive.sim.maps.route import FOLLOW, LEFT, STRAIGHT
from drive.sim.scenario import lane_scenario
from drive.sim.vector import LaneVectorEnv

TINY = Camera(width_px=16, height_px=8)


def commands(scenario, places: list[float]) -> list[int]:
    """What is shown to a car whose footprint's centre stands at these places of its path."""
    env = LaneEnv(camera=TINY, traffic="none")
    poses = [(s, 0.0, 0.0, 5.0) for s in places]
    return [env.reset(options={"scenario": scenario, "pose": pose})[0]["command"] for pose in poses]


def test_the_command_is_that_of_the_path_where_the_car_stands():
    scenario = lane_scenario(3, traffic="none")
    scenario.paths[0].points["command"][80:120] = LEFT  # 40 m to 60 m
    assert commands(scenario, [39.9, 40.1, 59.9, 60.1]) == [FOLLOW, LEFT, LEFT, FOLLOW]
    env = LaneVectorEnv(3, camera=TINY, traffic="none")
    other = lane_scenario(4, traffic="none")
    observation, _ = env.reset(seed=0, options={"scenarios": [other, scenario, other]})
    env.world.egos["center_s"] = 50.0
    assert env.task.scalars()["command"].tolist() == [FOLLOW, LEFT, FOLLOW]
    assert observation["command"].dtype == np.int64
    env.close()


def test_a_junction_of_a_town_is_announced_and_crossed(shared: Path):
    from drive.scoring.suites import suite
    from drive.sim.maps.route import lane_starts
    from drive.sim.scenario import load_map

    road_map = load_map(str(shared / "maps/carla-2020/Town02.xodr"))
    scenario = suite("lane").scenario(0, road_map, through_junction=True)
    lanes = scenario.route.lanes
    starts = [*lane_starts(road_map, lanes), scenario.route.length]
    first = next(i for i, lane in enumerate(lanes) if road_map.lanes[lane].junction is not None)
    begin, end = starts[first], starts[first + 1]
    step = 2 * PATH_STEP
    before, announced, inside = commands(scenario, [begin - 30.0 - step, begin - 30.0 + step, end - step])
    assert (before, announced, inside) == (FOLLOW, STRAIGHT, STRAIGHT)
    assert commands(scenario, [end + step]) == [pytest.approx(FOLLOW)]
