"""Other Gymnasium environments as a task of the driving session."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import Context
from drive.episode import End


def steering_alone(steering: float, acceleration: float) -> NDArray[np.float32]:
    """The action of an environment that is steered, left positive."""
    return np.array([steering], np.float32)


class ForeignTask:
    """One Gymnasium environment of another program, driven by the agents of this one.

        import gymnasium
        task = ForeignTask(
            gymnasium.make("CarRacing-v3"),
            longitudinal="agent",
            action=lambda steering, acceleration: np.array(  # it steers to the right
                [-steering, max(acceleration, 0.0), max(-acceleration, 0.0)], np.float32
            ),
        )
        session = Session(task, Seat(agent))
        session.reset(17)  # the seed

    A scenario is a seed, or whatever the environment takes as `reset(options={"scenario": ...})`. Copies are
    made by driving the same actions again, so that the environment must be repeatable.

    Args:
        env: the environment; or a function that makes one, which `branch` needs.
        longitudinal: "agent" where the action has pedals.
        action: its action for steering (left positive) and acceleration in [-1, 1], NaN where nobody says.
        observe: what agents see of its observation; by default a dict as it is, an array as `camera`.
        context: what agents may know of it.
    """

    def __init__(
        self,
        env: Any,
        *,
        longitudinal: str = "cruise",
        action: Callable[[float, float], Any] = steering_alone,
        observe: Callable[[Any], Mapping[str, Any]] | None = None,
        context: Context | None = None,
    ) -> None:
        self._make = env if callable(env) else None
        self._env = env if self._make is None else self._make()
        self.longitudinal, self._action, self._observe = longitudinal, action, observe
        self._context = context
        self._seen: Any = None
        self._reward, self._ends = 0.0, ()  # type: tuple[float, tuple[End, ...]]
        self._scenario: Any = None
        self._driven: list[tuple[float, float]] = []

    @property
    def batch(self) -> int:
        """One."""
        return 1

    @property
    def world(self) -> Any:
        """The environment's `world`, where it has one."""
        return getattr(self._env.unwrapped, "world", None)

    def load(self, w: int, scenario: Any, pose: Any = None) -> None:
        """Reset the environment.

        Raises:
            ValueError: a pose was asked for, which other environments do not know.
        """
        if pose is not None:
            raise ValueError("ForeignTask starts where its environment does; leave pose out.")
        how = {"seed": scenario} if isinstance(scenario, int) else {"options": {"scenario": scenario}}
        self._seen, _ = self._env.reset(**how)
        self._scenario, self._reward, self._ends = scenario, 0.0, ()
        self._driven.clear()

    def advance_worlds(
        self, steering: NDArray[np.float64], acceleration: NDArray[np.float64], live: NDArray[np.bool_]
    ) -> None:
        """One step of the environment."""
        if live[0]:
            driven = float(steering[0]), float(acceleration[0])
            answer = self._env.step(self._action(*driven))
            self._seen, self._reward, terminated, truncated, info = answer
            self._driven.append(driven)
            named = tuple(End.read(end) for end in info.get("end", ()))
            self._ends = named or (End.STOPPED,) * bool(terminated) + (End.TIMEOUT,) * bool(truncated)

    def outcome(self) -> tuple[NDArray[np.float64], list[tuple[End, ...]]]:
        """Its reward, and the ends that its info names; else stopped where it terminated."""
        return np.array([self._reward], np.float64), [self._ends]

    def observe(self, pictures: bool = True) -> dict[str, NDArray]:
        """What it showed last, always with its picture."""
        seen = self._seen
        if self._observe is not None:
            seen = self._observe(seen)
        elif not isinstance(seen, Mapping):
            seen = {"camera": seen}
        return {key: np.asarray(value)[None] for key, value in seen.items()}

    def context(self, w: int, *, privileged: bool = False) -> Context:
        """What was given, or what its world says."""
        if self._context is None and hasattr(self.world, "context"):
            known: Context = self.world.context(w, privileged=privileged)
            return known
        return self._context or Context()

    def snapshot(self, w: int) -> tuple[Any, tuple[tuple[float, float], ...]]:
        """The scenario and the actions since its start."""
        return self._scenario, tuple(self._driven)

    def restore(self, w: int, snapshot: tuple[Any, tuple[tuple[float, float], ...]]) -> None:
        """Drive the same actions again."""
        scenario, driven = snapshot
        self.load(0, scenario)
        for steering, acceleration in driven:
            self.advance_worlds(np.array([steering]), np.array([acceleration]), np.ones(1, np.bool_))

    def fork(self, w: int = 0) -> "ForeignTask":
        """Another environment of the same kind.

        Raises:
            TypeError: only an environment was given, no function that makes one.
        """
        if self._make is None:
            raise TypeError("ForeignTask cannot copy its environment; give a function that makes one.")
        return ForeignTask(
            self._make,
            longitudinal=self.longitudinal,
            action=self._action,
            observe=self._observe,
            context=self._context,
        )
