"""Who has the wheel on the page, and how the car takes the pedals: driver and gate of the session."""

import math
from contextlib import suppress

from drive.agent import DT, MAX_DECELERATION, AgentFailure, Context, Control, Observation
from drive.web.serve.guarded_agent import GuardedAgent


class Wheel:
    """The driver of the page's drive: the person, or the agent that has the wheel.

    The agent acts on every frame, whoever drives, so that the page can show what it would do. One that fails
    leaves the wheel to the person.

    Args:
        agent: the one that may drive; None: the person alone.
    """

    def __init__(self, agent: GuardedAgent | None) -> None:
        self.agent = agent
        self.person_drives = agent is None or not agent.ready
        self.steering = self.pedals = 0.0  # the person's, in [-1, 1]
        self.intervention = False  # whether the person drove the last step

    @property
    def privileged(self) -> bool:
        """Whether the agent is given the truth."""
        return self.agent is not None and self.agent.privileged

    def reset(self, context: Context) -> None:
        """Begin a drive with the agent; who has the wheel stays as it is."""
        if self.agent is not None:
            self.agent.reset(context)

    def act(self, observation: Observation) -> Control:
        """What the person or the agent wants; the step in which the agent fails is nobody's."""
        self.intervention = self.person_drives
        answer = None
        if self.agent is not None and self.agent.ready:
            with suppress(AgentFailure):
                answer = self.agent.act(observation)
        if not self.person_drives and answer is not None:
            return answer
        self.person_drives = True
        return Control(self.steering, self.pedals)


class PedalGate:
    """No reverse gear; who has no acceleration of their own is driven by the car's own speed law."""

    def reset(self, context: Context) -> None:
        """Begin a drive."""
        self._world, self._w = context.world, context.world_index

    def __call__(self, control: Control, observation: Observation) -> Control:
        """The control with an acceleration that brings the car to a stand at most; NaN: the speed law's."""
        if control.acceleration is None:
            return Control(control.steering, math.nan)
        speed = max(float(self._world.egos[self._w]["speed"]), 0.0)
        return Control(control.steering, max(control.acceleration, -speed / (DT * MAX_DECELERATION)))

    def snapshot(self) -> None:
        """Nothing about it changes while driving."""

    def restore(self, state: None) -> None:
        """Nothing to take over."""
