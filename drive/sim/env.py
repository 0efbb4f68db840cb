"""`drive/Lane-v0`: one drive behind the Gymnasium interface. A batch of one; see `vector.py` for more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from drive.agent import Context
from drive.camera import CameraLike
from drive.sim.maps.road_map import RoadMap
from drive.sim.reward import COLLISION, ENDS, GOAL, LANE_DEPARTURE, OFF_ROAD, TIMEOUT
from drive.sim.scenario import Scenario
from drive.sim.task import LaneTask
from drive.sim.world import World


class LaneEnv(gymnasium.Env[dict[str, Any], NDArray[np.float32]]):
    """Follow a road with a camera.

    Args:
        map: a RoadMap, an OpenDRIVE file, or None for generated roads.
        weather: a preset; None draws a training preset at each reset.
        traffic: "none", "light", "regular" or "dense".
        camera: the front camera, if it is the only one: a `Camera`, its fields as a dict, or a TOML file.
        cameras: instead of it, cameras by name, "front" among them; `drive.camera.camera_outputs` says which
            pictures the observation then holds.
        longitudinal: "cruise" (the action is the steering alone) or "agent" (steering and acceleration).
        render_mode: "rgb_array" for `render()`.
        threads: for batches; one environment always uses one.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        map: RoadMap | str | Path | None = None,
        weather: str | None = None,
        traffic: str = "regular",
        camera: CameraLike | None = None,
        cameras: Mapping[str, CameraLike] | None = None,
        longitudinal: str = "cruise",
        render_mode: str | None = None,
        threads: int | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode {render_mode!r} is not offered; take 'rgb_array' or None.")
        self.task = LaneTask(1, map, weather, traffic, camera, cameras, longitudinal, threads)
        self.observation_space = self.task.observation_space
        self.action_space = self.task.action_space
        self.render_mode = render_mode
        self._overview: Any = None

    @property
    def world(self) -> World:
        """The simulator's truth, a batch of one."""
        return self.task.world

    @property
    def scenario(self) -> Scenario:
        """What the last reset loaded."""
        scenario = self.world.scenarios[0]
        if scenario is None:
            raise RuntimeError("LaneEnv has no scenario yet; call reset() first.")
        return scenario

    def context(self, *, privileged: bool = False) -> Context:
        """What an agent may know before it drives; with the world itself for privileged agents."""
        return self.world.context(0, privileged=privileged)

    def _observation(self) -> dict[str, Any]:
        return {key: values[0] for key, values in self.task.observe().items()}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the next drive.

        Args:
            seed: reseeds the draw of scenarios.
            options: `scenario`: a Scenario instead of a drawn one; `pose`: (s, lateral offset, heading error,
                speed) of the start on its path instead of the scenario's own.
        """
        super().reset(seed=seed)
        self.task.reset(0, self.np_random, options)
        self._overview = None
        return self._observation(), {**self.task.truth(0), "scenario": self.scenario.name}

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Drive 0.05 s; `info["reward_terms"]` and `info["end"]` say why."""
        reward, terminated, truncated, info = self.step_unseen(action)
        return self._observation(), reward, terminated, truncated, info

    def step_unseen(self, action: NDArray[np.float32]) -> tuple[float, bool, bool, dict[str, Any]]:
        """`step` without its observation, for those who do not look at every step."""
        task = self.task
        task.advance(task.shaped(action))
        rewards, terms, ends = task.score()
        end: list[bool] = ends[0].tolist()
        terminated = end[COLLISION] or end[OFF_ROAD] or end[LANE_DEPARTURE] or end[GOAL]
        info = task.truth(0)
        info["reward_terms"] = dict(zip(task.terms, terms[0].tolist(), strict=True))
        info["end"] = [name.value for name, ended in zip(ENDS, end, strict=True) if ended]
        return float(rewards[0]), terminated, end[TIMEOUT], info

    def render_view(self, lateral_m: float, yaw_rad: float) -> NDArray[np.uint8]:
        """(H, W, 3) the front camera now, from a car that stood further left, turned left."""
        return self.world.render_view(0, lateral_m, yaw_rad)

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The camera and a top-down view side by side: (H, W, 3) uint8."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs render_mode='rgb_array' at make().")
            return None
        from drive.sim.overview import Overview

        if self._overview is None:
            self._overview = Overview(self.scenario)
        return self._overview.side_by_side(self.world, 0)

    def close(self) -> None:
        """End the world's threads."""
        self.task.close()
