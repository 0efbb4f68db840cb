"""One trial: a map is refused in one clear line, or read, drawn and driven for 20 steps."""

from pathlib import Path

import numpy as np

from drive.camera import Camera
from drive.commands.map import summarize
from drive.core.errors import UserError
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.topdown import draw_map

TINY = Camera(width_px=16, height_px=8)
STEPS = 20


def try_map(path: Path, seed: int = 0, width_px: int = 64) -> str:
    """What became of a map: "drove", or "refused: " and why.

    Raises:
        AssertionError: a refusal that is not one line about the file, or a drive that is no drive.
        Exception: whatever the program raises besides.
    """
    try:
        road_map = read_opendrive(path)
        summarize(road_map)
        draw_map(road_map, width_px, width_px)
        env = LaneEnv(map=road_map, camera=TINY)
        env.reset(seed=seed)
    except UserError as error:
        line = str(error)
        assert "\n" not in line and line.endswith(".") and (";" in line or "," in line), line
        assert path.stem in line, line
        return f"refused: {line}"
    for _ in range(STEPS):
        action = np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)], np.float32)
        observation, _, terminated, truncated, info = env.step(action)
        assert np.isfinite(observation["speed"]).all() and np.isfinite(info["lateral_offset_m"])
        if terminated or truncated:
            break
    return "drove"
