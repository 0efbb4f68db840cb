"""Keeps a drive whole, as an `Episode`."""

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT
from drive.driving.drive import Drive, Observer
from drive.driving.parts import Step
from drive.episode import Episode
from drive.sim.arrays import EGO, PATH_STEP

BLOCKED_BEFORE, BLOCKED_AFTER = 20.0, 10.0  # of an obstacle on the path, where offsets are not valid [m]
_STATES = (
    "x", "y", "yaw", "speed", "yaw_rate", "steering_angle", "acceleration", "center_s", "lateral_offset",
    "heading_error", "left_border", "right_border", "progress", "off_road", "lead_gap", "collision_actor",
    "closing_speed", "contact_x", "contact_y",
)  # fmt: skip


class EpisodeLog(Observer):
    """Keeps states, actions and shadows of a drive in our own worlds, and hashes states and frames.

    Frames are hashed undisturbed, so that the stored actions alone give the same hashes again.

    Args:
        frames: have every frame drawn and hashed; otherwise they are hashed in drives where somebody else
            looks at the first one, and `Episode.sha256_frames` is None in the others.
    """

    def __init__(self, *, frames: bool = True) -> None:
        self._always = self._hashed = frames

    def looks(self, drive: Drive) -> bool:
        """Once begun, every frame is hashed or none."""
        return self._always if drive.step == 0 else self._hashed

    def begin(self, drive: Drive) -> None:
        """Start anew with the state that the car stands in."""
        self._drive = drive
        self._egos = np.zeros(1024, EGO)
        self._other_speed: dict[int, float] = {}
        self._controls: list[tuple[float, float, float]] = []
        self._shadows: dict[str, list[float]] = {name: [] for name in drive.seat.shadows}
        self._states, self._frames = hashlib.sha256(), hashlib.sha256()
        self._hashed = "camera" in drive.observation
        self._note()

    def moved(self, drive: Drive, step: Step) -> None:
        """Add a step and the state after it."""
        self._controls.append((step.steering, step.acceleration, step.act_seconds))
        for name, control in step.shadows.items():
            self._shadows[name].append(math.nan if control is None else control.steering)
        self._note()

    def _note(self) -> None:
        n, drive = len(self._controls), self._drive
        if n == len(self._egos):
            self._egos = np.concatenate([self._egos, np.zeros(n, EGO)])
        self._egos[n] = drive.ego
        other = self._egos[n]["collision_actor"]
        if other >= 0:
            self._other_speed[n] = float(drive.world.actors[drive.w][other]["speed"])
        self._states.update(drive.world.state_bytes(drive.w))
        if self._hashed:
            self._frames.update(drive.observation["camera"].data)

    def episode(self, error: str | None = None, **facts: Any) -> Episode:
        """The drive so far.

        Args:
            error: what went wrong in the program itself, if anything.
            facts: for `Episode.extra`.
        """
        drive, scenario = self._drive, self._drive.scenario
        egos = self._egos[: len(self._controls) + 1]
        other_speed = np.full(len(egos), math.nan)
        for step, speed in self._other_speed.items():
            other_speed[step] = speed
        controls = np.array(self._controls, np.float64).reshape(-1, 3)
        params = drive.world.params
        states: dict[str, Any] = {name: egos[name].copy() for name in _STATES}
        return Episode(
            agent=drive.seat.name,
            scenario=scenario.name,
            weather=scenario.weather,
            held_out=scenario.held_out,
            dt=DT,
            route_length=scenario.goal_s - scenario.start_s,
            time_limit=scenario.time_limit,
            start_s=scenario.start_s,
            goal_s=scenario.goal_s,
            **states,
            other_speed=other_speed,
            path_blocked=path_blocked(scenario, egos["center_s"], float(params.width)),
            steering=controls[:, 0].copy(),
            acceleration_action=controls[:, 1].copy(),
            act_seconds=controls[:, 2].copy(),
            shadow_steering={name: np.array(values) for name, values in self._shadows.items()},
            failure=drive.failure,
            error=error,
            vehicle_length=float(params.length),
            vehicle_width=float(params.width),
            vehicle_center_x=float(params.center_x),
            sha256_states=self._states.hexdigest(),
            sha256_frames=self._frames.hexdigest() if self._hashed else None,
            extra={
                "seed": scenario.seed,
                "map": scenario.road_map.name,
                "through_junction": scenario.through_junction,
                "shadow_failures": drive.shadow_failures,
                **facts,
            },
        )


def path_blocked(scenario: Any, center_s: NDArray[np.float64], width: float) -> NDArray[np.bool_]:
    """Where something that never moves stands in the way, so that no car could keep to the path.

    An actor without a path of its own blocks from 20 m before it to 10 m after, if its footprint reaches
    into the strip of the ego's width along the reference path.

    Args:
        scenario: with `actors` and `route`.
        center_s: (n,) footprint centre along the path [m].
        width: of the ego [m].

    Returns:
        (n,) whether the path is blocked there.
    """
    blocked = np.zeros(len(center_s), np.bool_)
    actors, points = scenario.actors, scenario.route.points
    standing = actors[(actors["path"] < 0) & (actors["active"] != 0)]
    if len(standing) == 0:
        return blocked
    away_x = standing["x"][:, None] - points["x"][None, :]
    away_y = standing["y"][:, None] - points["y"][None, :]
    nearest = np.argmin(away_x**2 + away_y**2, axis=1)
    rows = np.arange(len(standing))
    yaw = points["yaw"][nearest]
    away_x, away_y = away_x[rows, nearest], away_y[rows, nearest]
    along = nearest * PATH_STEP + away_x * np.cos(yaw) + away_y * np.sin(yaw)
    aside = np.abs(away_y * np.cos(yaw) - away_x * np.sin(yaw))
    turned = standing["yaw"] - yaw
    half_length, half_width = 0.5 * standing["length"], 0.5 * standing["width"]
    reach_aside = half_length * np.abs(np.sin(turned)) + half_width * np.abs(np.cos(turned))
    reach_along = half_length * np.abs(np.cos(turned)) + half_width * np.abs(np.sin(turned))
    for i in np.flatnonzero(aside - reach_aside < 0.5 * width):
        first, last = along[i] - reach_along[i] - BLOCKED_BEFORE, along[i] + reach_along[i] + BLOCKED_AFTER
        blocked |= (center_s >= first) & (center_s <= last)
    return blocked
