"""The lane task over a batch of worlds: observations, rewards, ends. Both Gymnasium faces share it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from drive.agent import Context
from drive.camera import CameraLike, camera_outputs, read_camera
from drive.core.errors import UserError
from drive.core.kernels import entry
from drive.core.seeds import RESERVED_SEEDS
from drive.episode import End
from drive.sim.maps.road_map import RoadMap
from drive.sim.observation import observation_space
from drive.sim.reward import ENDS, accept, observe, score, tell
from drive.sim.scenario import Scenario, lane_scenario, load_map
from drive.sim.world import Snapshot, World

# All arguments come from here, always of the same types.
_accept, _score, _observe, _tell = entry(accept), entry(score), entry(observe), entry(tell)


@dataclass(frozen=True, eq=False)
class TaskSnapshot:
    """Everything that moves in one world of a task."""

    world: Snapshot
    last: NDArray[np.float64]  # what the next step's reward compares with


class LaneTask:
    """Follow one lane to the goal: B worlds, their observations, rewards and ends.

    The reward of a step is `0.05 * progress * lane * (0.5 + 0.5 * comfort)` of terms in [0, 1], so that a
    flawless drive collects about one a second; a crash, leaving the road or the lane costs 10, once.
    """

    terms = ("progress", "lane", "comfort")

    def __init__(
        self,
        batch: int,
        map: RoadMap | str | Path | None = None,
        weather: str | None = None,
        traffic: str = "regular",
        camera: CameraLike | None = None,
        cameras: Mapping[str, CameraLike] | None = None,
        longitudinal: str = "cruise",
        threads: int | None = None,
    ) -> None:
        if longitudinal not in ("cruise", "agent"):
            raise UserError(f"Unknown longitudinal {longitudinal!r}; take 'cruise' or 'agent'.")
        if camera is not None and cameras is not None:
            raise UserError("camera and cameras are both given; name all cameras, 'front' too, in cameras.")
        asked = cameras if cameras is not None else {"front": camera if camera is not None else {}}
        read = {name: read_camera(one) for name, one in asked.items()}
        self.outputs = camera_outputs(read)
        self.camera = read["front"]
        self.world = World(batch, read, threads=threads)
        self.road_map = map if isinstance(map, RoadMap) or map is None else load_map(str(map))
        self.weather, self.traffic, self.longitudinal = weather, traffic, longitudinal
        self.observation_space = observation_space(read)
        self._columns = 1 if longitudinal == "cruise" else 2
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (self._columns,), np.float32)
        self._steering = np.zeros(batch)
        self._acceleration = np.full(batch, np.nan)
        self._last = np.zeros((batch, 2))
        self._starts, self._goals = np.zeros(batch), np.full(batch, np.inf)
        self._limits = np.full(batch, np.inf)
        self._all = np.ones(batch, np.bool_)

    @property
    def batch(self) -> int:
        """B, the number of worlds."""
        return self.world.batch

    def fork(self, w: int = 0) -> "LaneTask":
        """Another task of the same kind, of one world with the cameras of world w, with nothing loaded."""
        return LaneTask(
            1,
            self.road_map,
            self.weather,
            self.traffic,
            cameras=self.world.context(w).cameras,
            longitudinal=self.longitudinal,
            threads=1,
        )

    def draw_scenario(self, rng: np.random.Generator) -> Scenario:
        """A scenario on a training seed."""
        return lane_scenario(
            int(rng.integers(RESERVED_SEEDS)),
            weather_name=self.weather,
            traffic=self.traffic,
            road_map=self.road_map,
        )

    def reset(self, w: int, rng: np.random.Generator, options: dict[str, Any] | None) -> None:
        """Load the next scenario into world w (`options`: `scenario`, `pose`)."""
        options = options or {}
        unknown = set(options) - {"scenario", "pose"}
        if unknown:
            raise UserError(f"Unknown reset option {sorted(unknown)[0]!r}; known: scenario, pose.")
        self.load(w, options.get("scenario") or self.draw_scenario(rng), options.get("pose"))

    def load(self, w: int, scenario: Scenario, pose: tuple[float, float, float, float] | None = None) -> None:
        """Put world w at the start of a scenario, or at another pose on its path (see `World.load`)."""
        self.world.load(w, scenario, pose)
        self._steering[w], self._acceleration[w] = 0.0, np.nan
        self._starts[w], self._goals[w] = scenario.start_s, scenario.goal_s
        self._limits[w] = scenario.time_limit
        self._last[w] = self.world.egos[w]["steering_angle"], self.world.egos[w]["acceleration"]

    def close(self) -> None:
        """End the world's threads."""
        self.world.close()

    def shaped(self, action: Any) -> NDArray[np.float32]:
        """An action of the environment's as (B, k).

        Raises:
            ValueError: it is of another size than the action space.
        """
        found, columns = np.asarray(action, np.float32), self._columns
        if found.size != self.world.batch * columns:
            takes = f"{columns} each for {self.world.batch} cars" if self.world.batch > 1 else f"{columns}"
            raise ValueError(
                f"The action has the shape {found.shape}; this environment takes {takes}: the steering, with "
                "longitudinal='agent' the acceleration, too."
            )
        return found.reshape(self.world.batch, columns)

    def advance(self, actions: NDArray[np.float32], live: NDArray[np.bool_] | None = None) -> None:
        """Drive one step with (B, 1) or (B, 2) actions; values are clipped to [-1, 1].

        Args:
            actions: those of worlds that stand still are not looked at.
            live: (B,) worlds to move; by default all.

        Raises:
            ValueError: an action is NaN or infinite; nothing has moved.
        """
        live = self._all if live is None else live
        numbers = np.ascontiguousarray(actions, np.float32).reshape(self.world.batch, -1)
        if not _accept(numbers, np.ascontiguousarray(live, np.bool_), self._steering, self._acceleration):
            raise ValueError(f"Action {actions.tolist()} is not finite; give numbers in [-1, 1].")
        self.world.advance(self._steering, self._acceleration, live)

    def advance_worlds(
        self, steering: NDArray[np.float64], acceleration: NDArray[np.float64], live: NDArray[np.bool_]
    ) -> None:
        """Drive the live worlds one step.

        Args:
            steering: (B,) in [-1, 1], left positive.
            acceleration: (B,) in [-1, 1]; NaN: the car keeps speed and distance by itself.
            live: (B,) worlds to move.
        """
        self.world.advance(steering, acceleration, live)

    def outcome(self) -> tuple[NDArray[np.float64], list[tuple[End, ...]]]:
        """(B,) rewards of the last step, and for each world the reasons to end; call it once a step."""
        rewards, _, ends = self.score()
        return rewards, [tuple(ENDS[k] for k in np.flatnonzero(row)) for row in ends]

    def score(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """(B,) rewards, (B, 3) their `terms` and (B, 5) `ENDS` of the last step; call it once a step."""
        batch = self.world.batch
        rewards, terms = np.empty(batch), np.empty((batch, 3))
        ends = np.empty((batch, len(ENDS)), np.bool_)
        _score(self.world.egos, self._goals, self._limits, self._last, rewards, terms, ends)
        return rewards, terms, ends

    def observe(self, pictures: bool = True) -> dict[str, NDArray]:
        """The observations of all worlds, (B, ...) by key; without pictures where nobody looks."""
        return {**self.begin_pictures()(), **self.scalars()} if pictures else self.scalars()

    def begin_pictures(self) -> Callable[[], dict[str, NDArray]]:
        """Let other threads begin to draw; the function returned gives the pictures of the observation.

        Those are fresh arrays of (B, ...); nothing may move or be loaded in between.
        """
        finish = self.world.begin_pictures()

        def pictures() -> dict[str, NDArray]:
            drawn = finish()
            return {one.key: getattr(drawn[one.camera], one.output) for one in self.outputs}

        return pictures

    def scalars(self) -> dict[str, NDArray]:
        """The observation without its picture: fresh (B, ...) arrays."""
        batch = self.world.batch
        speed, yaw_rate, limit = (np.empty((batch, 1), np.float32) for _ in range(3))
        command, lead = np.empty(batch, np.int64), np.empty((batch, 2), np.float32)
        paths = self.world.paths
        _observe(self.world.egos, paths.data, paths.begin, paths.end, speed, yaw_rate, limit, command, lead)
        return {"speed": speed, "yaw_rate": yaw_rate, "speed_limit": limit, "command": command, "lead": lead}

    def truths(self) -> dict[str, NDArray]:
        """What `info` says, fresh arrays of (B,); never part of the observation."""
        numbers, flags = self._told()
        return _named(numbers, flags)

    def truth(self, w: int) -> dict[str, Any]:
        """`truths` of one world, as plain numbers."""
        numbers, flags = self._told()
        return _named(numbers[:, w].tolist(), flags[:, w].tolist())

    def _told(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        numbers, flags = np.empty((4, self.world.batch)), np.empty((2, self.world.batch), np.bool_)
        _tell(self.world.egos, self._starts, self._goals, numbers, flags)
        return numbers, flags

    def context(self, w: int, *, privileged: bool = False) -> Context:
        """What the agent of world w may know before it drives."""
        return self.world.context(w, privileged=privileged)

    def snapshot(self, w: int) -> TaskSnapshot:
        """Copy everything that moves in world w."""
        return TaskSnapshot(self.world.snapshot(w), self._last[w].copy())

    def restore(self, w: int, snapshot: TaskSnapshot) -> None:
        """Bring world w back to a snapshot taken under the same scenario."""
        self.world.restore(w, snapshot.world)
        self._last[w] = snapshot.last


def _named(numbers: Any, flags: Any) -> dict[str, Any]:
    """What `tell` fills in, by the names in `info`."""
    return {
        "lateral_offset_m": numbers[0],
        "heading_error_rad": numbers[1],
        "speed_mps": numbers[2],
        "off_road": flags[0],
        "collision": flags[1],
        "route_completion": numbers[3],
    }
