"""One drive: an agent at the wheel of an environment, recorded as an Episode."""

import hashlib
import math
import traceback
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, Agent, AgentFailure, Context, Control, Observation
from drive.core.errors import UserError
from drive.episode import Episode
from drive.sim.arrays import EGO, PATH_STEP

BLOCKED_BEFORE, BLOCKED_AFTER = 20.0, 10.0  # of an obstacle on the path, where offsets are not valid [m]

OnFrame = Callable[[int, Observation, float, dict[str, float]], None]
Heartbeat = Callable[[str], None]


class ReplayAgent:
    """Drives stored actions again."""

    def __init__(
        self, steering: NDArray[np.float64], acceleration: NDArray[np.float64] | None = None
    ) -> None:
        """Take (T,) steering and acceleration in [-1, 1]; acceleration NaN or None: left to the speed law."""
        self._steering, self._acceleration = steering, acceleration
        self._step = 0

    def reset(self, context: Context) -> None:
        """Start again at the first action."""
        self._step = 0

    def act(self, observation: Observation) -> Control:
        """The stored control of this step."""
        if self._step >= len(self._steering):
            raise AgentFailure("the stored actions ended before the drive did")
        acceleration = math.nan if self._acceleration is None else float(self._acceleration[self._step])
        given = None if math.isnan(acceleration) else acceleration
        control = Control(float(self._steering[self._step]), given)
        self._step += 1
        return control


def rollout(
    env: Any,
    agent: Agent,
    scenario: Any,
    *,
    name: str = "agent",
    shadows: Mapping[str, Agent] | None = None,
    on_frame: OnFrame | None = None,
    heartbeat: Heartbeat | None = None,
) -> Episode:
    """Let an agent drive one scenario from its start to its end.

    The car keeps its speed by itself (an environment with `longitudinal="cruise"`); the agent steers. The
    agent's own failure (an exception, a control that is not a number in [-1, 1]) ends the drive and stands
    in `Episode.failure`; an exception of the environment stands in `Episode.error`. Nothing here limits the
    time: whoever runs agents that may hang does so in a process of a `WorkerPool`.

    Args:
        env: a lane environment with `.world`.
        agent: who drives.
        scenario: what is driven.
        name: the agent's name in results.
        shadows: agents that see every frame and are not heard; their steering is kept, NaN once one failed
            (as the driver can fail; it stands in `Episode.extra["shadow_failures"]`).
        on_frame: called with (step, observation, steering, shadows' steering) before each step is driven.
        heartbeat: told what is about to happen, such as "act of net at step 12", before every reset and act
            of the agent and of each shadow.

    Returns:
        The episode, whatever happened.

    Raises:
        UserError: an agent cannot drive here at all.
    """
    drive = _Drive(env, scenario, shadows or {}, heartbeat)
    failure = error = None
    try:
        failure = _run(drive, agent, name, on_frame)
    except UserError:
        raise
    except Exception as problem:
        error = f"{type(problem).__name__}: {_one_line(problem)} at step {drive.step}"
        drive.facts["traceback"] = traceback.format_exc()
    return drive.episode(name, failure, error)


def _run(drive: "_Drive", agent: Agent, name: str, on_frame: OnFrame | None) -> str | None:
    """Drive to the end; the agent's failure, if any."""
    observation = drive.begin()
    try:
        drive.beat("reset", name)
        agent.reset(drive.context(agent))
    except UserError:  # what was asked for cannot work, such as a policy made for another camera
        raise
    except (Exception, SystemExit) as problem:
        return f"reset raised {type(problem).__name__}: {_one_line(problem)}"
    drive.reset_shadows()
    ended = False
    while not ended:
        try:
            drive.beat("act", name)
            started = perf_counter()
            control = agent.act(observation)
            seconds = perf_counter() - started
            steering, acceleration = checked_numbers(control)
        except AgentFailure as problem:
            return f"{problem} at step {drive.step}"
        except (Exception, SystemExit) as problem:
            return f"act raised {type(problem).__name__}: {_one_line(problem)} at step {drive.step}"
        others = drive.ask_shadows(observation)
        if on_frame is not None:
            on_frame(drive.step, observation, steering, others)
        observation, ended = drive.go(steering, acceleration, seconds)
    return None


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300]


def checked_numbers(control: Any) -> tuple[float, float]:
    """Steering and acceleration (NaN: none) of what an agent answered.

    Raises:
        AgentFailure: it is not a control, or out of range.
    """
    if not isinstance(control, Control):
        raise AgentFailure(f"act returned a {type(control).__name__}, not a Control,")
    steering = float(control.steering)
    if not -1.0 <= steering <= 1.0:
        raise AgentFailure(f"steering is {steering:g}, not in [-1, 1],")
    if control.acceleration is None:
        return steering, math.nan
    acceleration = float(control.acceleration)
    if not -1.0 <= acceleration <= 1.0:
        raise AgentFailure(f"acceleration is {acceleration:g}, not in [-1, 1],")
    return steering, acceleration


class _Drive:
    """The log of one drive."""

    def __init__(
        self, env: Any, scenario: Any, shadows: Mapping[str, Agent], heartbeat: Heartbeat | None
    ) -> None:
        self._heartbeat = heartbeat
        self.env, self.scenario, self.shadows = env, scenario, dict(shadows)
        self.step = 0
        self._egos = np.zeros(1024, EGO)
        self._other_speed: dict[int, float] = {}
        self._controls: list[tuple[float, float, float]] = []
        self._heard: dict[str, list[float]] = {shadow: [] for shadow in shadows}
        self._shadow_failures: dict[str, str] = {}
        self._states, self._frames = hashlib.sha256(), hashlib.sha256()
        self._action = np.zeros(1, np.float32)
        self.facts: dict[str, Any] = {}

    def begin(self) -> Observation:
        observation, _ = self.env.reset(options={"scenario": self.scenario})
        self._world = self.env.unwrapped.world
        self._note(observation)
        return observation

    def context(self, agent: Agent) -> Context:
        context: Context = self._world.context(0, privileged=bool(getattr(agent, "privileged", False)))
        return context

    def beat(self, what: str, name: str) -> None:
        if self._heartbeat is not None:
            self._heartbeat(f"{what} of {name} at step {self.step}")

    def reset_shadows(self) -> None:
        for name, shadow in self.shadows.items():
            try:
                self.beat("reset", name)
                shadow.reset(self.context(shadow))
            except UserError:
                raise
            except (Exception, SystemExit) as problem:
                self._shadow_failures[name] = f"reset raised {type(problem).__name__}: {_one_line(problem)}"

    def go(self, steering: float, acceleration: float, seconds: float) -> tuple[Observation, bool]:
        self._action[0] = steering
        self._controls.append((float(self._action[0]), acceleration, seconds))
        try:
            observation, _, terminated, truncated, _ = self.env.step(self._action)
        except BaseException:
            self._controls.pop()
            raise
        self.step += 1
        self._note(observation)
        return observation, bool(terminated or truncated)

    def ask_shadows(self, observation: Observation) -> dict[str, float]:
        heard = {}
        for name, shadow in self.shadows.items():
            steering = math.nan
            if name not in self._shadow_failures:
                try:
                    self.beat("act", name)
                    steering = checked_numbers(shadow.act(observation))[0]
                except (Exception, SystemExit) as problem:
                    self._shadow_failures[name] = f"{_one_line(problem)} at step {self.step}"
            self._heard[name].append(steering)
            heard[name] = steering
        return heard

    def _note(self, observation: Observation) -> None:
        if self.step == len(self._egos):
            self._egos = np.concatenate([self._egos, np.zeros(len(self._egos), EGO)])
        world = self._world
        self._egos[self.step] = world.egos[0]
        other = world.egos[0]["collision_actor"]
        if other >= 0:
            self._other_speed[self.step] = float(world.actors[0][other]["speed"])
        self._states.update(world.state_bytes(0))
        self._frames.update(observation["camera"].data)

    def episode(self, name: str, failure: str | None, error: str | None) -> Episode:
        scenario, egos = self.scenario, self._egos[: self.step + 1]
        other_speed = np.full(len(egos), math.nan)
        for step, speed in self._other_speed.items():
            other_speed[step] = speed
        controls = np.array(self._controls, np.float64).reshape(-1, 3)[: self.step]
        shape = _footprint(self.env)
        return Episode(
            agent=name,
            scenario=scenario.name,
            weather=scenario.weather,
            held_out=scenario.held_out,
            dt=DT,
            route_length=scenario.goal_s - scenario.start_s,
            time_limit=scenario.time_limit,
            start_s=scenario.start_s,
            goal_s=scenario.goal_s,
            x=egos["x"].copy(),
            y=egos["y"].copy(),
            yaw=egos["yaw"].copy(),
            speed=egos["speed"].copy(),
            yaw_rate=egos["yaw_rate"].copy(),
            steering_angle=egos["steering_angle"].copy(),
            acceleration=egos["acceleration"].copy(),
            center_s=egos["center_s"].copy(),
            lateral_offset=egos["lateral_offset"].copy(),
            heading_error=egos["heading_error"].copy(),
            left_border=egos["left_border"].copy(),
            right_border=egos["right_border"].copy(),
            progress=egos["progress"].copy(),
            off_road=egos["off_road"].copy(),
            lead_gap=egos["lead_gap"].copy(),
            collision_actor=egos["collision_actor"].copy(),
            closing_speed=egos["closing_speed"].copy(),
            contact_x=egos["contact_x"].copy(),
            contact_y=egos["contact_y"].copy(),
            other_speed=other_speed,
            path_blocked=path_blocked(scenario, egos["center_s"], shape["vehicle_width"]),
            steering=controls[:, 0].copy(),
            acceleration_action=controls[:, 1].copy(),
            act_seconds=controls[:, 2].copy(),
            shadow_steering={key: np.array(heard[: self.step]) for key, heard in self._heard.items()},
            failure=failure,
            error=error,
            sha256_states=self._states.hexdigest(),
            sha256_frames=self._frames.hexdigest(),
            extra={
                "seed": scenario.seed,
                "map": scenario.road_map.name,
                "through_junction": scenario.through_junction,
                "shadow_failures": self._shadow_failures,
                **self.facts,
            },
            **shape,
        )


def _footprint(env: Any) -> dict[str, float]:
    params = env.unwrapped.world.params
    return {
        "vehicle_length": float(params.length),
        "vehicle_width": float(params.width),
        "vehicle_center_x": float(params.center_x),
    }


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
