"""A toy environment with the lane environment's face: a straight road of 30 m, driven at 10 m/s."""

import subprocess
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from drive.agent import NO_LEAD_GAP, Context, Control, Observation
from drive.sim.arrays import ACTOR, EGO, PATH, PATH_STEP
from drive.sim.ragged_arrays import RaggedArrays

SPEED, DT, GOAL = 10.0, 0.05, 30.0


@dataclass(frozen=True, eq=False)
class FakeScenario:
    """What a rollout reads of a scenario."""

    name: str = "fake/0"
    seed: int = 1_000_000
    weather: str = "clear-noon"
    held_out: bool = False
    start_s: float = 0.0
    goal_s: float = GOAL
    time_limit: float = 30.0
    through_junction: bool = False
    actors: np.ndarray = field(default_factory=lambda: np.zeros(0, ACTOR))
    fail_at: int = -1  # step at which the environment itself breaks
    speed_limit: float = 0.0  # tells scenarios apart
    road_map: Any = field(default_factory=lambda: SimpleNamespace(name="fake"))

    @property
    def route(self) -> Any:
        """40 m along x."""
        points = np.zeros(81, PATH)
        points["x"] = PATH_STEP * np.arange(81)
        points["left"] = points["right"] = 1.75
        return SimpleNamespace(points=points)


class FakeWorld:
    """One ego on a plane; nothing else moves."""

    def __init__(self) -> None:
        self.egos = np.zeros(1, EGO)
        self.actors = RaggedArrays(ACTOR, 1)
        self.params = SimpleNamespace(length=4.5, width=1.6, center_x=1.4)
        self.cameras: dict[str, Any] = {"front": None}

    def state_bytes(self, w: int) -> bytes:
        return self.egos.tobytes()

    def context(self, w: int = 0, *, privileged: bool = False) -> Context:
        return Context(world=self if privileged else None)


class FakeEnv:
    """Steering turns the car; the drive ends at the goal, 3 m beside the road, or at the time limit."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.unwrapped = self

    def _observation(self) -> Observation:
        camera = np.full((4, 8, 3), int(self.world.egos["step"][0]) % 256, np.uint8)
        limit = np.array([self.scenario.speed_limit], np.float32)
        return {"camera": camera, "lead": np.array([NO_LEAD_GAP, 0.0], np.float32), "speed_limit": limit}

    def reset(self, *, options: dict[str, Any]) -> tuple[Observation, dict[str, Any]]:
        self.scenario: FakeScenario = options["scenario"]
        ego = self.world.egos
        ego[:] = np.zeros(1, EGO)
        ego["speed"], ego["collision_actor"], ego["left_border"], ego["right_border"] = SPEED, -1, 1.75, 1.75
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        ego = self.world.egos[0]
        if ego["step"] == self.scenario.fail_at:
            raise FloatingPointError("the simulator broke")
        ego["yaw"] += float(action[0]) * DT
        ego["x"] += SPEED * DT * np.cos(ego["yaw"])
        ego["y"] += SPEED * DT * np.sin(ego["yaw"])
        ego["center_s"], ego["lateral_offset"] = ego["x"], ego["y"]
        ego["progress"] = max(float(ego["progress"]), float(ego["x"]))
        ego["step"] += 1
        ended = ego["x"] >= self.scenario.goal_s or abs(ego["y"]) > 3.0
        late = ego["step"] * DT >= self.scenario.time_limit
        return self._observation(), 0.0, bool(ended), bool(late), {}


class Scripted:
    """Steers what a function of the step says."""

    def __init__(self, steering: Any = lambda step: 0.0) -> None:
        self.steering = steering

    def reset(self, context: Context) -> None:
        self.context, self.step = context, 0

    def act(self, observation: Observation) -> Any:
        answer = self.steering(self.step)
        self.step += 1
        return answer if not isinstance(answer, float) else Control(answer)


def calm() -> Scripted:
    """A factory for `module:factory`."""
    return Scripted()


class Bridge(Scripted):
    """Asks a process of its own, started when it is built, as a bridge to another language would."""

    def __init__(self) -> None:
        super().__init__()
        self.helper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def act(self, observation: Observation) -> Control:
        assert self.helper.stdin is not None and self.helper.stdout is not None
        self.helper.stdin.write(b"0.0\n")
        self.helper.stdin.flush()
        return Control(float(self.helper.stdout.readline()))


def pedalling() -> Scripted:
    """A factory of an agent that accelerates, brakes, and goes on until the road bends."""
    return Scripted(lambda step: Control(0.0, 0.5 if step < 20 else -0.3 if step < 30 else 0.2))


def broken() -> Scripted:
    """A factory that fails."""
    raise OSError("no weights here")


def no_agent() -> object:
    """A factory of something that cannot drive."""
    return object()


NUMBER = 3


def stumbling() -> Scripted:
    """A factory of an agent that loses its mind at step 5."""
    return Scripted(lambda step: float("nan") if step == 5 else 0.0)


def stillborn() -> Scripted:
    """A factory of an agent that fails before its first step."""

    class Stillborn(Scripted):
        def reset(self, context: Context) -> None:
            raise KeyError("weights")

    return Stillborn()


def interrupted() -> Scripted:
    """A factory of an agent during whose drive the user presses Ctrl-C."""

    def press(step: int) -> float:
        if step == 3:
            raise KeyboardInterrupt
        return 0.0

    return Scripted(press)
