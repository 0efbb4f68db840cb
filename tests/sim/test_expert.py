import numpy as np
import pytest

from drive.camera import Camera
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario

TINY = Camera(width_px=16, height_px=8)


def after_40_m(env: LaneEnv) -> tuple[float, float]:
    """Drive 40 m with the expert; the last lateral offset and the worst distance off the road."""
    start, worst = env.world.egos[0]["center_s"], 0.0
    nan = np.full(1, np.nan)
    while env.world.egos[0]["center_s"] < start + 40.0:
        env.world.advance(np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)]), nan)
        worst = max(worst, float(env.world.egos[0]["off_road"]))
        assert env.world.egos[0]["step"] < 4000
    return float(env.world.egos[0]["lateral_offset"]), worst


@pytest.mark.parametrize("lateral", [-1.0, 1.0])
@pytest.mark.parametrize("heading_deg", [-10.0, 0.0, 10.0])
def test_from_a_metre_off_and_ten_degrees_it_is_back_after_40_m_at_any_legal_speed(lateral, heading_deg):
    env = LaneEnv(camera=TINY)
    heading = float(np.deg2rad(heading_deg))
    for seed in (0, 1, 2, 8):
        scenario = lane_scenario(seed, traffic="none")
        for share in (0.3, 0.7, 1.0):
            for s in (35.0, 180.0, 320.0):
                env.world.load(0, scenario, (s, lateral, heading, 0.0))
                started_on_road = env.world.egos[0]["off_road"] == 0.0
                limit = float(env.world.egos[0]["speed_limit"])
                speed = min(share * limit, env.world.settled_speed(0))
                env.world.load(0, scenario, (s, lateral, heading, speed))
                offset, off_road = after_40_m(env)
                assert abs(offset) < 0.2, (seed, s, speed)
                # A metre from the middle of a narrow lane, turned outwards, the car stands beside the road.
                assert off_road <= 0.3 or not started_on_road, (seed, s, speed)


def test_it_drives_generated_roads_to_the_goal():
    env = LaneEnv(camera=TINY)
    offsets = []
    for seed in range(20, 26):
        env.reset(options={"scenario": lane_scenario(seed)})
        for _ in range(6000):
            action = np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)], np.float32)
            *_, terminated, truncated, info = env.step(action)
            offsets.append(abs(info["lateral_offset_m"]))
            if terminated or truncated:
                break
        assert info["end"] == ["goal"], seed
    assert np.mean(offsets) < 0.06
