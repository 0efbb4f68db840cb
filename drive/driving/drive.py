"""One world's drive in a session: who takes part, what is seen, how far it is."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from drive.agent import Agent, AgentFailure, Context, Control, Observation, acceleration_fraction
from drive.control.speed import cruise_acceleration
from drive.core.errors import UserError, described, one_line
from drive.driving.parts import Disturbance, Gate, Heartbeat, Step, Task
from drive.episode import End


class Observer:
    """Keeps or shows something of a drive; each method may be left out."""

    def looks(self, drive: "Drive") -> bool:
        """Whether it needs the picture of the frame that comes next (number `drive.step`)."""
        return False

    def begin(self, drive: "Drive") -> None:
        """The car stands at the start; `drive.observation` is what it sees."""

    def decided(self, drive: "Drive", step: "Step") -> None:
        """What will be driven is known, and nothing has moved yet."""

    def moved(self, drive: "Drive", step: "Step") -> None:
        """The step is done: `drive.observation` is seen after it, `drive.ends` says if it was the last."""


@dataclass(frozen=True)
class Seat:
    """Who takes part in the drive of one world."""

    driver: Agent
    name: str = "agent"  # of the driver
    shadows: Mapping[str, Agent] = field(default_factory=dict)  # one with `ready = False` is not asked
    gates: Sequence[Gate] = ()
    disturbances: Sequence[Disturbance] = ()
    observers: Sequence[Observer] = ()


class Drive:
    """One world's drive: who takes part, what is seen, how far it is."""

    def __init__(self, task: Task, w: int, seat: Seat, heartbeat: Heartbeat | None) -> None:
        self.task, self.w, self.seat, self._heartbeat = task, w, seat, heartbeat
        self.scenario: Any = None
        self.pose: Any = None
        self.step = 0  # control steps driven since the start
        self.ends: tuple[End, ...] = ()
        self.failure: str | None = None  # how the driver itself failed
        self.shadow_failures: dict[str, str] = {}
        self.observation: Observation = {}
        self.seen: Observation = {}  # the same, disturbed
        self.controls: list[tuple[float, float]] = []  # what was driven: steering, acceleration

    @property
    def world(self) -> Any:
        """The truth about all worlds of the task; this drive's is number `w`."""
        return self.task.world

    @property
    def ego(self) -> Any:
        """The truth about the car, an EGO record."""
        return self.task.world.egos[self.w]

    def context(self, *, privileged: bool = False) -> Context:
        """What an agent of this drive may know."""
        return self.task.context(self.w, privileged=privileged)

    def end(self, reason: End) -> None:
        """Let the drive end with this step; observers and drivers may call it."""
        if reason not in self.ends:
            self.ends = (*self.ends, reason)

    def looks(self) -> bool:
        """Whether anybody needs the next picture; an agent that never does says `looks = False`."""
        seat = self.seat
        return (
            bool(seat.disturbances)
            or getattr(seat.driver, "looks", True)
            or any(getattr(shadow, "looks", True) for shadow in seat.shadows.values())
            or any(observer.looks(self) for observer in seat.observers)
        )

    def see(self, observations: Mapping[str, NDArray]) -> None:
        """Take this world's part of what is observed."""
        self.observation = cast(Observation, {key: values[self.w] for key, values in observations.items()})
        self.seen = self.observation
        for disturbance in self.seat.disturbances:
            self.seen = disturbance(self.seen)

    def reset_agents(self) -> None:
        """Begin with driver, shadows and gates.

        Raises:
            UserError: an agent cannot drive here at all.
        """
        self.failure, self.shadow_failures = self._reset(self.seat.driver, self.seat.name), {}
        if self.failure is not None:
            self.end(End.AGENT_FAILURE)
            return
        for name, shadow in self.seat.shadows.items():
            if failure := self._reset(shadow, name):
                self.shadow_failures[name] = failure
        for gate in self.seat.gates:
            gate.reset(self.context(privileged=True))

    def _reset(self, agent: Agent, name: str) -> str | None:
        self._beat("reset", name)
        try:
            with np.errstate():
                agent.reset(self.context(privileged=bool(getattr(agent, "privileged", False))))
        except UserError:  # what was asked for cannot work, such as a policy made for another camera
            raise
        except (Exception, SystemExit) as problem:
            return f"reset raised {described(problem)}"
        return None

    def decide(self) -> Step | None:
        """Ask driver, shadows and gates; None: the driver failed, which ends the drive."""
        started = perf_counter()
        control = self._ask(self.seat.driver, self.seat.name)
        seconds = perf_counter() - started
        if isinstance(control, str):
            self.failure = control
            self.end(End.AGENT_FAILURE)
            return None
        shadows: dict[str, Control | None] = {}
        for name, shadow in self.seat.shadows.items():
            silent = name in self.shadow_failures or not getattr(shadow, "ready", True)
            answer = None if silent else self._ask(shadow, name)
            if isinstance(answer, str):
                self.shadow_failures[name], answer = answer, None
            shadows[name] = answer
        step = Step(self.step, self.observation, control, shadows, seconds)
        for gate in self.seat.gates:
            control = gate(control, self.seen)
        step.steering = float(np.float32(control.steering))  # as an environment's action carries it
        if self.task.longitudinal == "agent":
            wanted = speed_law(self.seen) if control.acceleration is None else control.acceleration
            step.acceleration = float(np.float32(wanted))
        for observer in self.seat.observers:
            observer.decided(self, step)
        return step

    def show(self, name: str) -> None:
        """Let the driver (named "") or a shadow act on what is seen, unheard; its failure counts."""
        answer = None if name in self.shadow_failures else self._ask(self.agents()[name], name)
        if isinstance(answer, str):
            if name:
                self.shadow_failures[name] = answer
            elif self.failure is None:
                self.failure = answer
                self.end(End.AGENT_FAILURE)

    def _ask(self, agent: Agent, name: str) -> Control | str:
        """What an agent answers, or how it failed."""
        self._beat("act", name)
        try:
            if type(agent).__module__.startswith("drive."):
                return checked(agent.act(self.seen))
            with np.errstate():  # what others set and write ends here
                return checked(agent.act(cast(Observation, {k: copy(v) for k, v in self.seen.items()})))
        except AgentFailure as problem:
            return f"{one_line(problem)} at step {self.step}"
        except (Exception, SystemExit) as problem:
            return f"act raised {described(problem)} at step {self.step}"

    def _beat(self, verb: str, name: str) -> None:
        if self._heartbeat is not None:
            self._heartbeat(f"{verb} of {name} at step {self.step}")

    def agents(self) -> dict[str, Agent]:
        """The driver under the empty name, and the shadows."""
        return {"": self.seat.driver, **self.seat.shadows}


def speed_law(observation: Observation) -> float:
    """The acceleration, in [-1, 1], of a driver without one of its own: by speed, limit and lead alone."""
    speed, limit = float(observation["speed"][0]), float(observation["speed_limit"][0])
    gap, relative = (float(value) for value in observation["lead"])
    return acceleration_fraction(cruise_acceleration(speed, limit, gap, relative))


def checked(control: Any) -> Control:
    """What an agent answered, as plain numbers.

    Raises:
        AgentFailure: it is not a control, or out of range.
    """
    if not isinstance(control, Control):
        raise AgentFailure(f"act returned a {type(control).__name__}, not a Control,")
    steering = _fraction("steering", control.steering)
    if control.acceleration is None:
        return Control(steering)
    return Control(steering, _fraction("acceleration", control.acceleration))


def _fraction(name: str, value: Any) -> float:
    if type(value) is float:
        number = value
    elif isinstance(value, str | bytes) or np.size(value) != 1:
        shape = f" of the shape {np.shape(value)}" if np.size(value) != 1 else ""
        raise AgentFailure(f"{name} is a {type(value).__name__}{shape}, not a number,")
    else:
        number = float(np.reshape(value, ())) if isinstance(value, np.ndarray) else float(value)
    if not -1.0 <= number <= 1.0:
        raise AgentFailure(f"{name} is {number:g}, not in [-1, 1],")
    return number
