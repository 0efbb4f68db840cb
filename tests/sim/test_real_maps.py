import numpy as np
import pytest

from drive.camera import Camera
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.opendrive_mirror import mirror_opendrive
from drive.sim.maps.road_map import RoadMap
from drive.sim.scenario import lane_scenario
from tests.maps.chains import expert_ends, scenarios

TINY = Camera(width_px=16, height_px=8)


def expert_drives(road_map: RoadMap, seeds: range) -> tuple[list[list[str]], float]:
    """How the expert's drives end, every second one through junctions, and its mean lateral offset."""
    env = LaneEnv(map=road_map, camera=TINY)
    ends, offsets = [], []
    for seed in seeds:
        env.reset(
            options={"scenario": lane_scenario(seed, road_map=road_map, through_junctions=seed % 2 == 1)}
        )
        for _ in range(6000):
            action = np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)], np.float32)
            *_, terminated, truncated, info = env.step(action)
            offsets.append(abs(info["lateral_offset_m"]))
            if terminated or truncated:
                break
        ends.append(info["end"])
    return ends, float(np.mean(offsets))


@pytest.fixture(scope="module")
def town02(shared):
    return shared / "maps" / "carla-2020" / "Town02.xodr"


def test_the_expert_drives_town02_without_a_fault(town02):
    ends, offset = expert_drives(read_opendrive(town02), range(12))
    assert ends == [["goal"]] * 12
    assert offset < 0.06


def test_in_left_hand_traffic_the_expert_drives_as_in_right_hand_traffic(town02, tmp_path):
    mirrored = tmp_path / "Town02_left.xodr"
    mirrored.write_text(mirror_opendrive(town02.read_text()))
    road_map = read_opendrive(mirrored)
    assert road_map.left_hand
    ends, offset = expert_drives(road_map, range(12))
    assert ends == [["goal"]] * 12
    assert offset < 0.06
    # Oncoming traffic passes on the right.
    env = LaneEnv(map=road_map, camera=TINY)
    scenario = lane_scenario(0, road_map=road_map, through_junctions=False)
    env.reset(options={"scenario": scenario})
    ego = env.world.egos[0]
    lane = road_map.lanes[scenario.route.lanes[0]]
    beside = road_map.lanes[lane.right_neighbour]
    assert beside.forward != lane.forward
    assert ego["collision_actor"] == -1


def test_the_expert_passes_all_junction_chains_of_town07(shared):
    road_map = read_opendrive(shared / "maps" / "carla-2020" / "Town07.xodr")
    env = LaneEnv(map=road_map, camera=TINY)
    ends = {scenario.name: expert_ends(env, scenario) for scenario in scenarios(road_map, plain=0)}
    assert len(ends) > 5 and all(end == ["goal"] for end in ends.values()), ends
