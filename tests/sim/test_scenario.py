"""What can be asked of a scenario."""

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.sim.maps.procedural import generate_road
from drive.sim.scenario import lane_scenario


def test_a_style_on_a_map_is_refused() -> None:
    road_map = generate_road(np.random.default_rng(3))
    assert lane_scenario(3, road_map=road_map).road_map is road_map
    with pytest.raises(UserError, match=r"corners.* is of generated roads; leave it out on a map"):
        lane_scenario(3, road_map=road_map, style="corners")
