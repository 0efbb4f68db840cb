import numpy as np
import pytest

from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario
from drive.sim.sensors.camera import Camera

TINY = Camera(width_px=16, height_px=8)


def drive(env: LaneEnv, distance: float) -> tuple[float, float]:
    """Drive with the expert; the last lateral offset and the worst distance off the road."""
    start, worst = env.world.egos[0]["center_s"], 0.0
    nan = np.full(1, np.nan)
    while env.world.egos[0]["center_s"] < start + distance:
        env.world.advance(np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)]), nan)
        worst = max(worst, float(env.world.egos[0]["off_road"]))
        assert env.world.egos[0]["step"] < 4000
    return float(env.world.egos[0]["lateral_offset"]), worst


@pytest.mark.parametrize("lateral", [-1.0, 1.0])
@pytest.mark.parametrize("heading_deg", [-10.0, 0.0, 10.0])
def test_from_a_metre_off_and_ten_degrees_it_is_back_after_40_m(lateral, heading_deg):
    env = LaneEnv(camera=TINY)
    for seed in range(6):
        scenario = lane_scenario(seed, traffic="none")
        env.reset(options={"scenario": scenario})
        for share in (0.3, 0.7, 1.0):
            for s in (35.0, 180.0, 320.0):
                settled = env.world.egos[0]["speed_limit"] * share
                env.reset(
                    options={"scenario": scenario, "pose": (s, lateral, np.deg2rad(heading_deg), 0.0)}
                )
                legal = min(settled, env.world.settled_speed(0))
                env.reset(
                    options={"scenario": scenario, "pose": (s, lateral, np.deg2rad(heading_deg), legal)}
                )
                offset, off_road = drive(env, 40.0)
                assert abs(offset) < 0.2, (seed, s, legal)
                assert off_road <= 0.3, (seed, s, legal)


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
