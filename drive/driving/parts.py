"""What a driving session is made of: its task, gates, disturbances, and one step of a drive."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drive.agent import Context, Control, Observation
from drive.episode import End

Heartbeat = Callable[[str], None]


class Task(Protocol):
    """B worlds to drive in; `drive.sim.task.LaneTask` is one, `drive.driving.foreign.ForeignTask` another."""

    longitudinal: str  # "cruise": the car keeps its speed by itself; "agent": whoever drives has the pedals

    @property
    def world(self) -> Any:
        """The truth, for observers and privileged agents; None: there is none."""
        ...

    @property
    def batch(self) -> int:
        """B."""
        ...

    def load(self, w: int, scenario: Any, pose: Any = None) -> None:
        """Put world w at the start of a scenario."""
        ...

    def advance_worlds(
        self, steering: NDArray[np.float64], acceleration: NDArray[np.float64], live: NDArray[np.bool_]
    ) -> None:
        """Drive the live worlds one step; acceleration NaN: the car's own speed law."""
        ...

    def outcome(self) -> tuple[NDArray[np.float64], list[tuple[End, ...]]]:
        """(B,) rewards of the last step, and for each world the reasons to end."""
        ...

    def observe(self, pictures: bool = True) -> Mapping[str, NDArray]:
        """(B, ...) observations by key, with pictures or without."""
        ...

    def context(self, w: int, *, privileged: bool = False) -> Context:
        """What the agent of world w may know."""
        ...

    def snapshot(self, w: int) -> Any:
        """Everything that moves in world w."""
        ...

    def restore(self, w: int, snapshot: Any) -> None:
        """Bring world w back to a snapshot."""
        ...

    def fork(self, w: int = 0) -> "Task":
        """Another task of the same kind, of one world that sees as world w does."""
        ...


class Gate(Protocol):
    """Stands between what the driver wants and what the car does: noise, a rescuer, a safety layer."""

    def reset(self, context: Context) -> None:
        """Begin a drive; `context.world` is the truth."""
        ...

    def __call__(self, control: Control, observation: Observation) -> Control:
        """What is driven instead; acceleration NaN: the car's own speed law."""
        ...

    def snapshot(self) -> Any:
        """Everything about it that changes while driving."""
        ...

    def restore(self, state: Any) -> None:
        """Take over what `snapshot` gave."""
        ...


@runtime_checkable
class Copyable(Protocol):
    """An agent that can be copied in the middle of a drive."""

    def snapshot(self) -> Any:
        """Everything about it that changes while driving."""
        ...

    def restore(self, state: Any) -> None:
        """Take over what `snapshot` gave."""
        ...


class Disturbance(Protocol):
    """Stands between what is observed and what driver and shadows see; the task knows nothing of it."""

    def reset(self, seed: int) -> None:
        """Begin a drive; everything random follows from the seed."""
        ...

    def __call__(self, observation: Observation) -> Observation:
        """What is seen instead."""
        ...

    def snapshot(self) -> Any:
        """Everything about it that changes while driving."""
        ...

    def restore(self, state: Any) -> None:
        """Take over what `snapshot` gave."""
        ...


@dataclass(slots=True)
class Step:
    """One control step of one world."""

    index: int  # steps driven before it
    observation: Observation  # seen before it, undisturbed
    control: Control  # what the driver wanted
    shadows: dict[str, Control | None]  # what the shadows wanted; None: failed or not ready
    act_seconds: float  # that the driver took to answer [s]
    steering: float = 0.0  # what was driven, [-1, 1], left positive
    acceleration: float = math.nan  # likewise; NaN: the car's own speed law
    reward: float = 0.0
