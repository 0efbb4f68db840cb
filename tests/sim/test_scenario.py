"""What can be asked of a scenario."""

from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.procedural import generate_road
from drive.sim.scenario import lane_scenario, map_chains


def test_a_style_on_a_map_is_refused() -> None:
    road_map = generate_road(np.random.default_rng(3))
    assert lane_scenario(3, road_map=road_map).road_map is road_map
    with pytest.raises(UserError, match=r"corners.* is of generated roads; leave it out on a map"):
        lane_scenario(3, road_map=road_map, style="corners")


def test_nothing_is_in_the_way_of_a_path_that_passes_junctions(shared: Path) -> None:
    road_map = read_opendrive(shared / "maps" / "carla-2020" / "Town07.xodr")
    for i, chain in enumerate(map_chains(road_map, True)):
        scenario = lane_scenario(i, road_map=road_map, chain=i, traffic="dense")
        ego = np.stack([scenario.route.points["x"], scenario.route.points["y"]], axis=1)
        assert scenario.route.lanes == chain.lanes
        for route in scenario.paths[1:]:
            other = np.stack([route.points["x"], route.points["y"]], axis=1)
            assert np.hypot(*(other[:, None] - ego[None]).T).min() > 2.1
        still = scenario.actors[scenario.actors["path"] < 0]
        places = np.stack([still["x"], still["y"]], axis=1)
        apart = np.hypot(*(places[:, None] - ego[None]).T).min(axis=0, initial=1e9)
        assert np.all(apart > 1.0 + 0.5 * still["width"])
