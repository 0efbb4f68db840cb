"""What is kept of each step of the page's drive, and the rule that ends one that stays off the road."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, acceleration_fraction, state_of
from drive.driving.demonstrations import DriveSettings, draw_view
from drive.driving.drive import Drive, Observer
from drive.driving.parts import Step
from drive.episode import End
from drive.sim.expert import Expert
from drive.sim.reward import OFF_ROAD_DISTANCE
from drive.web.serve.guarded_agent import GuardedAgent
from drive.web.serve.wheel import Wheel

OFF_ROAD_STEPS = round(2.0 / DT)  # a car that is off the road for longer has left it
ENDS = (End.COLLISION, End.OFF_ROAD, End.GOAL, End.TIMEOUT)  # of several, the first counts
VIEWS = DriveSettings()  # how far the second picture's car is shifted and turned, as `drive record` does


@dataclass(frozen=True)
class Done:
    """One step that was driven: what was seen before it, and what was done."""

    step: int  # of the drive, before it
    camera: NDArray[np.uint8]  # (H, W, 3) seen before it
    view: NDArray[np.uint8] | None  # the same instant from a shifted car
    row: dict[str, Any]  # the dataset's numbers, plain
    steering: float
    acceleration: float
    expert: float  # the expert's steering
    end: str | None  # why the drive ended with this step


class StepLog(Observer):
    """Keeps what a recording by hand needs of the newest step.

    The label of a frame (`action`) is what the person did, or the expert's answer where an agent drove.

    Args:
        expert: whose answers stand beside what was driven.
        wheel: the driver.
        agents: all that act on each frame.
        views_seed: of the second pictures' poses; None: there are none.
    """

    def __init__(
        self, expert: Expert, wheel: Wheel, agents: Sequence[GuardedAgent], views_seed: int | None
    ) -> None:
        self._expert, self._wheel, self._agents, self._views_seed = expert, wheel, agents, views_seed
        self._row: dict[str, Any] = {}
        self._view: NDArray[np.uint8] | None = None
        self.off_road_steps = 0
        self.done: Done | None = None

    def begin(self, drive: Drive) -> None:
        """The expert takes hold of the world."""
        self._expert.reset(drive.context(privileged=True))

    def decided(self, drive: Drive, step: Step) -> None:
        """Note what is seen, where the car is and what the expert would do."""
        ego, label = drive.ego, self._expert.steering_at(drive.world, drive.w, 0.0, 0.0)
        self._row = {
            "observation.state": list(state_of(step.observation)),
            "observation.command": int(step.observation["command"]),
            "privileged.lateral_offset_m": float(ego["lateral_offset"]),
            "privileged.heading_error_rad": float(ego["heading_error"]),
            "expert.action": [label, acceleration_fraction(drive.world.cruise_acceleration(drive.w))],
            "intervention": int(self._wheel.intervention),
        }
        self._view = None
        if self._views_seed is not None:
            self._view = self._look_aside(drive, step.index, self._views_seed)

    def _look_aside(self, drive: Drive, index: int, seed: int) -> NDArray[np.uint8]:
        """A second picture from a shifted and turned car, with the expert's steering there."""
        lateral, yaw = draw_view(np.random.default_rng([seed, index, 4099]), drive.ego, VIEWS)
        self._row["view.lateral_m"], self._row["view.yaw_rad"] = lateral, yaw
        self._row["view.action"] = self._expert.steering_at(drive.world, drive.w, lateral, yaw)
        view: NDArray[np.uint8] = drive.world.render_view(drive.w, lateral, yaw)
        return view

    def moved(self, drive: Drive, step: Step) -> None:
        """Add what was driven; end the drive if the car has been off the road for too long."""
        ego, row = drive.ego, self._row
        steering, acceleration = step.steering, acceleration_fraction(float(ego["acceleration_command"]))
        row["executed.action"] = [steering, acceleration]
        row["next.reward"] = step.reward
        row["action"] = list(row["executed.action" if self._wheel.intervention else "expert.action"])
        for agent in self._agents:
            agent.compare(steering)
        self.off_road_steps = self.off_road_steps + 1 if ego["off_road"] > OFF_ROAD_DISTANCE else 0
        if self.off_road_steps > OFF_ROAD_STEPS:
            drive.end(End.OFF_ROAD)
        end = next((end.value for end in ENDS if end in drive.ends), None)
        camera, expert = step.observation["camera"], row["expert.action"][0]
        self.done = Done(step.index, camera, self._view, row, steering, acceleration, expert, end)
