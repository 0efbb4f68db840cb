"""Agents in the car: the one that may drive, and shadows that act on every frame and are not heard."""

import math
from collections import deque
from collections.abc import Callable

from drive.agent import DT, Agent, Context, Control, Observation
from drive.core.errors import UserError

MEMORY_STEPS = round(5.0 / DT)  # over which disagreement is a mean


class GuardedAgent:
    """One agent that sees every frame; what it answers last, and how far it is from what was driven.

    An agent that fails (an exception, a steering that is not in [-1, 1]) is silent for the rest of the drive.
    """

    def __init__(self, name: str, agent: Agent) -> None:
        self.name, self._agent = name, agent
        self.control: Control | None = None
        self.failure: str | None = None
        self._differences: deque[float] = deque(maxlen=MEMORY_STEPS)

    def reset(self, context: Callable[[bool], Context]) -> None:
        """Begin a drive.

        Args:
            context: called with whether the agent is privileged.

        Raises:
            UserError: the agent cannot drive with this camera.
        """
        self.control = self.failure = None
        self._differences.clear()
        self._try(
            "reset", lambda: self._agent.reset(context(bool(getattr(self._agent, "privileged", False))))
        )

    def look(self, observation: Observation) -> None:
        """Let it act on a frame."""
        self.control = None
        if self.failure is None and self.ready:
            self._try("act", lambda: self._take(self._agent.act(observation)))

    def compare(self, steering: float) -> None:
        """Note what was driven on the frame that it saw."""
        if self.control is not None:
            self._differences.append(abs(self.control.steering - steering))

    @property
    def ready(self) -> bool:
        """Whether it can answer; an agent without a word on it always can."""
        return bool(getattr(self._agent, "ready", True))

    @property
    def disagreement(self) -> float | None:
        """Mean distance of its steering from what was driven, over the last 5 s."""
        return sum(self._differences) / len(self._differences) if self._differences else None

    def _take(self, control: Control) -> None:
        if not isinstance(control, Control):
            raise TypeError(f"act returned a {type(control).__name__}, not a Control")
        for value in (control.steering, control.acceleration):
            if value is not None and not (math.isfinite(value) and -1.0 <= value <= 1.0):
                raise ValueError(f"{value:g} is not in [-1, 1]")
        self.control = control

    def _try(self, verb: str, task: Callable[[], None]) -> None:
        try:
            task()
        except UserError:
            raise
        except Exception as problem:
            said = " ".join(str(problem).split())[:200]
            self.failure = f"{self.name} failed: {verb} raised {type(problem).__name__}: {said}"
