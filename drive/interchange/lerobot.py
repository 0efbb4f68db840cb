"""`drive/Lane-v0` in the form in which LeRobot drives environments; `env.py` hands it over."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from drive.agent import DT, OBSERVATION, state_of
from drive.camera import Camera
from drive.dataset.writer import DEFAULT_TASK
from drive.episode import End
from drive.sim.env import LaneEnv


class LeRobotEnv(gymnasium.Wrapper[dict[str, Any], NDArray[np.float32], dict[str, Any], NDArray[np.float32]]):
    """The lane task with LeRobot's keys, which it turns into the features of our datasets.

    `pixels.front` becomes `observation.images.front`, `agent_pos` `observation.state`, `command`
    `observation.command`. The action is that of a dataset: steering and acceleration. `info["is_success"]`
    says whether the drive has come to its goal.
    """

    task = task_description = DEFAULT_TASK

    def __init__(self, camera: Camera | None = None, **options: Any) -> None:
        """As `LaneEnv`, but for `longitudinal`."""
        lane = LaneEnv(camera=camera, longitudinal="agent", render_mode="rgb_array", **options)
        super().__init__(lane)
        self._lane = lane
        seen = lane.task.observation_space
        boxes = [seen[key] for key, quantity in OBSERVATION.items() if quantity.columns]
        low, high = (np.concatenate([getattr(box, end) for box in boxes]) for end in ("low", "high"))
        self.observation_space = gymnasium.spaces.Dict(
            {
                "pixels": gymnasium.spaces.Dict({"front": seen["camera"]}),
                "agent_pos": gymnasium.spaces.Box(low, high, dtype=np.float32),
                "command": gymnasium.spaces.Box(0.0, 3.0, (1,), np.float32),
            }
        )

    @property
    def _max_episode_steps(self) -> int:
        """Steps until the time limit of the drive that was loaded last."""
        return round(self._lane.scenario.time_limit / DT)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the next drive; LeRobot's options concern its own wrappers alone."""
        observation, info = self.env.reset(seed=seed)
        return _renamed(observation), info | {"is_success": False}

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Drive 0.05 s."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        info["is_success"] = info["end"] == [End.GOAL.value]
        return _renamed(observation), float(reward), terminated, truncated, info


def make_env(
    n_envs: int = 1, use_async_envs: bool = False, cfg: Any = None
) -> dict[str, dict[int, VectorEnv]]:
    """What `lerobot.envs.make_env` calls in a module.

    Args:
        n_envs: how many drives at once.
        use_async_envs: each in a process of its own.
        cfg: LeRobot's; nothing in it concerns this environment.

    Returns:
        {suite: {task number: its drives}}.
    """
    kind = AsyncVectorEnv if use_async_envs else SyncVectorEnv
    return {"drive": {0: kind([LeRobotEnv] * n_envs, autoreset_mode=AutoresetMode.SAME_STEP)}}


def _renamed(observation: dict[str, Any]) -> dict[str, Any]:
    return {
        "pixels": {"front": observation["camera"]},
        "agent_pos": np.asarray(state_of(observation), np.float32),
        "command": np.array([observation["command"]], np.float32),
    }
