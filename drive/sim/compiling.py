"""What compiles the simulator's kernels: one half a world that moves unseen, one a picture of nothing."""

from typing import Any

import numpy as np

from drive.camera import Camera
from drive.sim.arrays import ACTOR
from drive.sim.expert import Expert
from drive.sim.ragged_arrays import RaggedArrays
from drive.sim.sensors.records import Actors, Pictures, Shots
from drive.sim.sensors.renderer import Renderer
from drive.sim.sensors.store import SceneStore
from drive.sim.task import LaneTask

SIDE_PX = 96  # of the small camera


def small_camera() -> Camera:
    """A camera whose pictures take no time."""
    return Camera(width_px=SIDE_PX, height_px=SIDE_PX)


def drive_unseen(scenario: Any) -> None:
    """Load a scenario and drive one step without a picture: maps, scenery and physics, no renderer."""
    task = LaneTask(1, camera=small_camera())
    task.reset(0, np.random.default_rng(0), {"scenario": scenario})
    steering = Expert.steering_at(task.world, 0, 0.0, 0.0)
    task.advance(np.array([[steering]], np.float32))
    task.score()
    task.scalars()


def draw_nothing() -> None:
    """Draw the frames of no cars at all: the renderer alone, compiled for what a world hands it."""
    worlds, actors = np.zeros(0, np.int64), RaggedArrays(ACTOR, 1)
    shots, moving = Shots(worlds, np.zeros((0, 4)), worlds), Actors(actors.data, actors.begin, actors.end)
    out = Pictures.empty(("rgb",), 0, SIDE_PX, SIDE_PX)
    Renderer(small_camera(), SceneStore(1)).render(shots, moving, out)
