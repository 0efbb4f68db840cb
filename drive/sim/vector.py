"""`drive/Lane-v0` as a batch: many drives behind Gymnasium's vector interface, on all cores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from drive.camera import CameraLike
from drive.core.errors import UserError
from drive.sim.maps.road_map import RoadMap
from drive.sim.reward import COLLISION, ENDS, GOAL, LANE_DEPARTURE, OFF_ROAD, TIMEOUT
from drive.sim.task import LaneTask
from drive.sim.world import World


class LaneVectorEnv(gymnasium.vector.VectorEnv):
    """B drives in one world; an ended drive is reset by the step after its last one (NEXT_STEP).

    Arguments that are not named here are those of `LaneEnv`.

    Args:
        num_envs: B.
        threads: for physics and pictures; by default all cores.
    """

    metadata = {  # noqa: RUF012 - Gymnasium's own form
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        map: RoadMap | str | Path | None = None,
        weather: str | None = None,
        traffic: str = "regular",
        camera: CameraLike | None = None,
        cameras: Mapping[str, CameraLike] | None = None,
        longitudinal: str = "cruise",
        render_mode: str | None = None,
        threads: int | None = None,
    ) -> None:
        self.task = LaneTask(num_envs, map, weather, traffic, camera, cameras, longitudinal, threads)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.single_observation_space = self.task.observation_space
        self.single_action_space = self.task.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._generators: list[np.random.Generator] = []
        self._ended = np.zeros(num_envs, np.bool_)
        self._everywhere = np.ones(num_envs, np.bool_)

    @property
    def world(self) -> World:
        """The simulator's truth."""
        return self.task.world

    def _observation(self) -> dict[str, Any]:
        return self.task.observe()

    def _info(self) -> dict[str, Any]:
        """The truths of all worlds, in Gymnasium's form: `_key` says whose value of `key` counts."""
        info: dict[str, Any] = self.task.truths()
        return {**info, **{f"_{key}": self._everywhere.copy() for key in info}}

    def _outcome(
        self, terms: NDArray[np.float64], ends: NDArray[np.bool_], driven: NDArray[np.bool_]
    ) -> dict[str, Any]:
        """What the step adds to `info`: `reward_terms` by name, and `end`, the reasons for each world."""
        named: dict[str, Any] = {name: terms[:, k].copy() for k, name in enumerate(self.task.terms)}
        named |= {f"_{name}": driven.copy() for name in self.task.terms}
        end = np.empty(self.num_envs, object)
        end.fill(())
        for w in np.flatnonzero(ends.any(axis=1)):
            end[w] = tuple(name.value for name, ended in zip(ENDS, ends[w], strict=True) if ended)
        return {"reward_terms": named, "_reward_terms": driven.copy(), "end": end, "_end": driven.copy()}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start all drives.

        Args:
            seed: of the draws of scenarios: one for each drive, or the first one's; the others count up.
            options: `scenarios`: one Scenario for each drive, instead of drawn ones.

        Raises:
            UserError: an option is unknown, or there are not as many scenarios or seeds as drives.
        """
        options = options or {}
        if unknown := sorted(set(options) - {"scenarios"}):
            raise UserError(f"Unknown reset option {unknown[0]!r}; known: scenarios.")
        scenarios = options.get("scenarios")
        for name, given in (("scenarios", scenarios), ("seed", seed if isinstance(seed, list) else None)):
            if given is not None and len(given) != self.num_envs:
                raise UserError(
                    f"reset has {len(given)} {name} for {self.num_envs} drives; give one for each."
                )
        if seed is not None or not self._generators:
            seeds = (
                seed
                if isinstance(seed, list)
                else [None if seed is None else seed + w for w in range(self.num_envs)]
            )
            self._generators = [np.random.default_rng(s) for s in seeds]
        for w in range(self.num_envs):
            one = None if scenarios is None else {"scenario": scenarios[w]}
            self.task.reset(w, self._generators[w], one)
        self._ended[:] = False
        return self._observation(), self._info()

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[dict[str, Any], NDArray, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Drive every live world 0.05 s; worlds that ended in the last step are reset instead.

        The actions of worlds that are reset are not looked at.
        """
        fresh = self._ended
        self._restart(fresh)
        driven = ~fresh
        self.task.advance(self.task.shaped(actions), driven)
        pictures = self.task.begin_pictures()  # while the other threads draw, this one keeps the books
        rewards, terms, ends = self.task.score()
        rewards[fresh] = 0.0
        terms[fresh] = 0.0
        ends[fresh] = False
        terminated = np.asarray(ends[:, [COLLISION, OFF_ROAD, LANE_DEPARTURE, GOAL]].any(axis=1))
        truncated = ends[:, TIMEOUT].copy()
        self._ended = np.asarray(terminated | truncated)
        info = {**self._info(), **self._outcome(terms, ends, driven)}
        scalars = self.task.scalars()
        return {**pictures(), **scalars}, rewards, terminated, truncated, info

    def _restart(self, ended: NDArray[np.bool_]) -> None:
        for w in np.flatnonzero(ended):
            self.task.reset(int(w), self._generators[w], None)

    def restart_ended(self) -> dict[str, Any]:
        """Reset what ended in the last step now instead of in the next one; the observation of all drives."""
        self._restart(self._ended)
        self._ended = np.zeros_like(self._ended)
        return self._observation()

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """The camera picture of every drive."""
        return tuple(self.world.render()) if self.render_mode == "rgb_array" else None

    def close_extras(self, **kwargs: Any) -> None:
        """End the world's threads."""
        self.task.close()
