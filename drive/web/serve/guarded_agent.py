"""Agents in the car of the page: whatever they do, the drive goes on."""

from collections import deque
from collections.abc import Callable

from drive.agent import DT, Agent, AgentFailure, Context, Control, Observation
from drive.core.errors import UserError, described, one_line
from drive.driving.drive import checked

MEMORY_STEPS = round(5.0 / DT)  # over which disagreement is a mean


class GuardedAgent:
    """One agent that sees every frame; what it answered last, and how far it is from what was driven.

    An agent that fails (an exception, a steering that is not in [-1, 1]) is silent for the rest of the drive,
    and `failure` says how it failed.
    """

    def __init__(self, name: str, agent: Agent) -> None:
        self.name, self.agent = name, agent
        self.control: Control | None = None
        self.failure: str | None = None
        self.under_way = False  # its drive goes on whatever its reset says: it is only taken back
        self._differences: deque[float] = deque(maxlen=MEMORY_STEPS)

    @property
    def privileged(self) -> bool:
        """Whether it is given the truth."""
        return bool(getattr(self.agent, "privileged", False))

    @property
    def ready(self) -> bool:
        """Whether it can answer; an agent that says nothing of it always can."""
        return bool(getattr(self.agent, "ready", True))

    def reset(self, context: Context) -> None:
        """Begin a drive.

        Raises:
            UserError: the agent cannot drive with this camera, and its drive is not under way.
        """
        self.control = self.failure = None
        self._differences.clear()
        self._try("reset", lambda: self.agent.reset(context))

    def act(self, observation: Observation) -> Control:
        """Let it act on a frame.

        Raises:
            AgentFailure: it failed, now or before.
        """
        self.control = None
        if self.failure is None:
            self._try("act", lambda: self._answer(observation))
        if self.control is None:
            raise AgentFailure(self.failure or "no answer")
        return self.control

    def _answer(self, observation: Observation) -> None:
        self.control = checked(self.agent.act(observation))

    def compare(self, steering: float) -> None:
        """Note what was driven on the frame that it saw."""
        if self.control is not None:
            self._differences.append(abs(self.control.steering - steering))

    @property
    def disagreement(self) -> float | None:
        """Mean distance of its steering from what was driven, over the last 5 s."""
        return sum(self._differences) / len(self._differences) if self._differences else None

    def _try(self, verb: str, call: Callable[[], None]) -> None:
        try:
            call()
        except UserError as problem:
            if verb == "reset" and not self.under_way:
                raise
            self.failure = f"{self.name} failed: {one_line(problem)}"
        except AgentFailure as problem:
            self.failure = f"{self.name} failed: {one_line(problem).rstrip(',')}"
        except (Exception, SystemExit) as problem:
            self.failure = f"{self.name} failed: {verb} raised {described(problem)}"
