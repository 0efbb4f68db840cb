"""The lane task over a batch of worlds: observations, rewards, ends. Both Gymnasium faces share it."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, NO_LEAD_GAP
from drive.errors import UserError
from drive.kernels import kernel
from drive.sim.maps.road_map import RoadMap
from drive.sim.scenario import Scenario, lane_scenario, load_map
from drive.sim.sensors.camera import Camera
from drive.sim.world import World

OFF_ROAD_DISTANCE = 0.3  # a footprint corner further outside than this ends the drive [m]
FAILURE_COST = 10.0
# Bounds of the observation space.
MAX_SPEED = 60.0  # [m/s]
MAX_YAW_RATE = 10.0  # [rad/s]
MIN_GAP = -50.0  # [m]
ENDS = ("collision", "off_road", "lane_left", "goal", "timeout")
COLLISION, OFF_ROAD, LANE_LEFT, GOAL, TIMEOUT = range(5)


@kernel
def tolerance(x: float, low: float, high: float, margin: float) -> float:
    """1 where x is in [low, high], falling linearly to 0 at `margin` outside."""
    outside = max(low - x, x - high, 0.0)
    return max(1.0 - outside / margin, 0.0)


@kernel
def _accept(actions, steering, acceleration) -> bool:
    """Clip actions into the arrays that the world reads; False if one is not finite."""
    for w in range(len(actions)):
        for k in range(actions.shape[1]):
            value = np.float64(actions[w, k])
            if not np.isfinite(value):
                return False
            value = min(max(value, -1.0), 1.0)
            if k == 0:
                steering[w] = value
            else:
                acceleration[w] = value
    return True


@kernel
def _score(egos, goals, limits, last, rewards, terms, ends) -> None:
    """Rewards, their terms and the reasons to end; `last` keeps (steering angle, acceleration)."""
    for w in range(len(egos)):
        ego = egos[w]
        offset = ego.lateral_offset
        ends[w, COLLISION] = ego.collision_actor >= 0
        ends[w, OFF_ROAD] = ego.off_road > OFF_ROAD_DISTANCE
        ends[w, LANE_LEFT] = offset > ego.left_border or offset < -ego.right_border
        ends[w, GOAL] = ego.center_s >= goals[w]
        ends[w, TIMEOUT] = ego.step * DT >= limits[w]
        rate = abs(ego.steering_angle - last[w, 0]) / DT
        jerk = abs(ego.acceleration - last[w, 1]) / DT
        last[w, 0] = ego.steering_angle
        last[w, 1] = ego.acceleration
        terms[w, 0] = min(max(ego.speed / max(ego.speed_limit, 1.0), 0.0), 1.0)
        terms[w, 1] = tolerance(offset, -0.1, 0.1, 1.0)
        terms[w, 2] = tolerance(jerk, 0.0, 4.0, 20.0) * tolerance(rate, 0.0, 0.3, 1.0)
        rewards[w] = DT * terms[w, 0] * terms[w, 1] * (0.5 + 0.5 * terms[w, 2])
        if ends[w, COLLISION] or ends[w, OFF_ROAD] or ends[w, LANE_LEFT]:
            rewards[w] -= FAILURE_COST


@kernel
def _observe(egos, speed, yaw_rate, speed_limit, lead) -> None:
    for w in range(len(egos)):
        ego = egos[w]
        speed[w, 0] = min(ego.speed, MAX_SPEED)
        yaw_rate[w, 0] = min(max(ego.yaw_rate, -MAX_YAW_RATE), MAX_YAW_RATE)
        speed_limit[w, 0] = min(ego.speed_limit, MAX_SPEED)
        lead[w, 0] = min(max(ego.lead_gap, MIN_GAP), NO_LEAD_GAP)
        lead[w, 1] = min(max(ego.lead_speed, -MAX_SPEED), MAX_SPEED)


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
        camera: Camera | None = None,
        longitudinal: str = "cruise",
        threads: int | None = None,
    ) -> None:
        if longitudinal not in ("cruise", "agent"):
            raise UserError(f"Unknown longitudinal {longitudinal!r}; take 'cruise' or 'agent'.")
        self.camera = camera or Camera()
        self.world = World(batch, {"front": self.camera}, threads=threads)
        self.road_map = map if isinstance(map, RoadMap) or map is None else load_map(str(map))
        self.weather, self.traffic, self.longitudinal = weather, traffic, longitudinal
        h, w = self.camera.height_px, self.camera.width_px
        box = gymnasium.spaces.Box
        self.observation_space = gymnasium.spaces.Dict(
            {
                "camera": box(0, 255, (h, w, 3), np.uint8),
                "speed": box(0.0, MAX_SPEED, (1,), np.float32),
                "yaw_rate": box(-MAX_YAW_RATE, MAX_YAW_RATE, (1,), np.float32),
                "speed_limit": box(0.0, MAX_SPEED, (1,), np.float32),
                "command": gymnasium.spaces.Discrete(4),
                "lead": box(
                    np.array([MIN_GAP, -MAX_SPEED], np.float32),
                    np.array([NO_LEAD_GAP, MAX_SPEED], np.float32),
                ),
            }
        )
        self.action_space = box(-1.0, 1.0, (1 if longitudinal == "cruise" else 2,), np.float32)
        self._steering = np.zeros(batch)
        self._acceleration = np.full(batch, np.nan)
        self._last = np.zeros((batch, 2))
        self._starts, self._goals = np.zeros(batch), np.full(batch, np.inf)
        self._limits = np.full(batch, np.inf)

    def draw_scenario(self, rng: np.random.Generator) -> Scenario:
        """A scenario on a training seed."""
        return lane_scenario(
            int(rng.integers(1_000_000)),
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
        scenario = options.get("scenario") or self.draw_scenario(rng)
        self.world.load(w, scenario, options.get("pose"))
        self._starts[w], self._goals[w] = scenario.start_s, scenario.goal_s
        self._limits[w] = scenario.time_limit
        self._last[w] = self.world.egos[w]["steering_angle"], self.world.egos[w]["acceleration"]

    def advance(self, actions: NDArray[np.float32], live: NDArray[np.bool_] | None = None) -> None:
        """Drive one step with (B, 1) or (B, 2) actions; values are clipped to [-1, 1].

        Raises:
            ValueError: an action is NaN or infinite; nothing has moved.
        """
        if not _accept(actions, self._steering, self._acceleration):
            raise ValueError(f"Action {actions.tolist()} is not finite; give numbers in [-1, 1].")
        self.world.advance(self._steering, self._acceleration, live)

    def score(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """(B,) rewards, (B, 3) their `terms` and (B, 5) `ENDS` of the last step; call it once a step."""
        batch = self.world.batch
        rewards, terms = np.empty(batch), np.empty((batch, 3))
        ends = np.empty((batch, len(ENDS)), np.bool_)
        _score(self.world.egos, self._goals, self._limits, self._last, rewards, terms, ends)
        return rewards, terms, ends

    def scalars(self) -> dict[str, NDArray]:
        """The observation without its picture: fresh (B, ...) arrays."""
        batch = self.world.batch
        speed, yaw_rate, limit = (np.empty((batch, 1), np.float32) for _ in range(3))
        lead = np.empty((batch, 2), np.float32)
        _observe(self.world.egos, speed, yaw_rate, limit, lead)
        return {
            "speed": speed,
            "yaw_rate": yaw_rate,
            "speed_limit": limit,
            "command": np.zeros(batch, np.int64),
            "lead": lead,
        }

    def truths(self) -> dict[str, NDArray]:
        """What `info` says, (B,) each; never part of the observation."""
        egos = self.world.egos
        done = (egos["progress"] - self._starts) / (self._goals - self._starts)
        return {
            "lateral_offset_m": egos["lateral_offset"].copy(),
            "heading_error_rad": egos["heading_error"].copy(),
            "speed_mps": egos["speed"].copy(),
            "off_road": egos["off_road"] > OFF_ROAD_DISTANCE,
            "collision": egos["collision_actor"] >= 0,
            "route_completion": np.minimum(np.maximum(done, 0.0), 1.0),
        }

    def truth(self, w: int) -> dict[str, Any]:
        """`truths` of one world, as plain numbers."""
        ego = self.world.egos[w]
        done = (ego["progress"] - self._starts[w]) / (self._goals[w] - self._starts[w])
        return {
            "lateral_offset_m": float(ego["lateral_offset"]),
            "heading_error_rad": float(ego["heading_error"]),
            "speed_mps": float(ego["speed"]),
            "off_road": bool(ego["off_road"] > OFF_ROAD_DISTANCE),
            "collision": bool(ego["collision_actor"] >= 0),
            "route_completion": min(max(float(done), 0.0), 1.0),
        }
