"""`drive/Lane-v0` as a `VecEnv` of Stable-Baselines3, which this program does not need itself.

    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecMonitor

    env = VecMonitor(make_sb3_env(8, traffic="none", camera=Camera(width_px=96, height_px=48)))
    model = PPO("MultiInputPolicy", env, n_steps=128, batch_size=256, verbose=1)
    model.learn(200_000)

All drives move in one world, on all cores; no processes are started.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.episode import End
from drive.sim.vector import LaneVectorEnv

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

Step = tuple[dict[str, Any], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]


class Drives:
    """A batch of drives, each of which starts anew in the step that ends it, as Stable-Baselines3 expects."""

    def __init__(self, num_envs: int, **options: Any) -> None:
        """As `LaneVectorEnv`."""
        self.env = LaneVectorEnv(num_envs, **options)

    def reset(self, seeds: Sequence[int | None]) -> dict[str, Any]:
        """Start all drives; seeds that are all None go on with the draws of before."""
        wanted = None if all(seed is None for seed in seeds) else list(seeds)
        return self.env.reset(seed=wanted)[0]

    def step(self, actions: NDArray[np.float32]) -> Step:
        """Drive 0.05 s.

        Returns:
            Observations, of new drives where one ended; rewards; which ended; an info each. That of an ended
            drive has `terminal_observation`, `TimeLimit.truncated`, `end` (why), and `is_success`.
        """
        seen, rewards, terminated, truncated, info = self.env.step(actions)
        ended = terminated | truncated
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False} for _ in ended]
        for w in np.flatnonzero(ended):
            infos[w] = {
                "TimeLimit.truncated": bool(truncated[w] and not terminated[w]),
                "terminal_observation": {key: values[w].copy() for key, values in seen.items()},
                "end": info["end"][w],
                "is_success": info["end"][w] == (End.GOAL.value,),
            }
        if ended.any():
            seen = self.env.restart_ended()
        return seen, rewards.astype(np.float32), ended, infos


def make_sb3_env(num_envs: int, **options: Any) -> "VecEnv":
    """Drives for Stable-Baselines3.

    Args:
        num_envs: how many at once.
        options: as for `drive/Lane-v0`: `map`, `weather`, `traffic`, `camera`, `longitudinal`, ...

    Raises:
        UserError: Stable-Baselines3 is not installed.
    """
    try:
        from stable_baselines3.common.vec_env import VecEnv
    except ImportError as error:
        raise UserError(
            "make_sb3_env needs Stable-Baselines3, which is not installed: pip install stable-baselines3"
        ) from error

    class LaneVecEnv(VecEnv):  # type: ignore[misc, unused-ignore]
        """`Drives` behind the methods of a `VecEnv`; all its drives share their attributes."""

        def __init__(self) -> None:
            self.drives = Drives(num_envs, **options)
            lane = self.drives.env
            super().__init__(num_envs, lane.single_observation_space, lane.single_action_space)
            self._actions: Any = None

        def reset(self) -> dict[str, Any]:
            seen = self.drives.reset(self._seeds)
            self._reset_seeds()
            self._reset_options()
            return seen

        def step_async(self, actions: NDArray[np.float32]) -> None:
            self._actions = actions

        def step_wait(self) -> Step:
            return self.drives.step(self._actions)

        def close(self) -> None:
            self.drives.env.close()

        def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
            return self.drives.env.render() or [None] * num_envs

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [getattr(self.drives.env, attr_name)] * len(list(self._get_indices(indices)))

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            setattr(self.drives.env, attr_name, value)

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
            raise NotImplementedError(f"{method_name}: the drives are one batch, without methods of each.")

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * len(list(self._get_indices(indices)))

    return LaneVecEnv()
