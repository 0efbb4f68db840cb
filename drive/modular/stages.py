"""The stages of the modular stack, and the lane that goes from one to the next.

    observation -> Perception -> LaneEstimate -> Tracking -> LaneEstimate -> LateralLaw -> steering angle

Whatever has the methods of a stage can stand in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.agent import Context, Observation
from drive.control.lane_estimate import LaneEstimate
from drive.control.lane_vector import lane_from_vector
from drive.core.portable_math import sincos


@dataclass(frozen=True, eq=False)
class Odometry:
    """How the car moved since the reset, by dead reckoning."""

    time: float  # [s]
    pose: NDArray[np.float64]  # (3,) x, y [m], yaw [rad] of the rear axle where the drive began at 0, 0, 0
    speed: float  # [m/s]
    yaw_rate: float  # left positive [rad/s]

    def moved(self, distance: float, turn: float) -> NDArray[np.float64]:
        """(3,) the pose after `distance` [m] along an arc that turns the car by `turn` [rad]."""
        s, c = sincos(self.pose[2] + 0.5 * turn)
        return self.pose + np.array([distance * c, distance * s, turn])


def first_odometry(observation: Observation) -> Odometry:
    """Where the drive begins."""
    return Odometry(0.0, np.zeros(3), float(observation["speed"][0]), float(observation["yaw_rate"][0]))


def next_odometry(last: Odometry, observation: Observation, dt: float) -> Odometry:
    """After another control step of `dt` [s]."""
    speed, yaw_rate = float(observation["speed"][0]), float(observation["yaw_rate"][0])
    pose = last.moved(0.5 * (speed + last.speed) * dt, yaw_rate * dt)
    return Odometry(last.time + dt, pose, speed, yaw_rate)


class Perception(Protocol):
    """Sees the lane."""

    def reset(self, context: Context) -> None:
        """Prepare for another drive."""
        ...

    def see(
        self, observation: Observation, odometry: Odometry, expected: LaneEstimate | None
    ) -> LaneEstimate:
        """The lane in this observation; `expected` is what the tracker foresees, if there is one."""
        ...


class Tracking(Protocol):
    """Follows the lane over time."""

    def reset(self, context: Context) -> None:
        """Forget the last drive."""
        ...

    def expect(self, odometry: Odometry) -> LaneEstimate | None:
        """The lane to be seen from where the car is now; None: anything."""
        ...

    def track(self, seen: LaneEstimate, odometry: Odometry) -> LaneEstimate:
        """The lane after what was seen."""
        ...


class Untracked:
    """No tracking: the lane is what was seen last."""

    def reset(self, context: Context) -> None:
        """Nothing to forget."""

    def expect(self, odometry: Odometry) -> None:
        """Anything."""

    def track(self, seen: LaneEstimate, odometry: Odometry) -> LaneEstimate:
        """What was seen."""
        return seen


class VectorPerception:
    """A function that gives the lane as numbers, such as a network with the output `lane`."""

    def __init__(self, function: Callable[[Observation], ArrayLike]) -> None:
        """Take the function: from an observation to numbers in the order of `LANE_VECTOR`."""
        self._function = function

    def reset(self, context: Context) -> None:
        """Nothing to forget."""

    def see(
        self, observation: Observation, odometry: Odometry, expected: LaneEstimate | None
    ) -> LaneEstimate:
        """The lane that the numbers describe."""
        return lane_from_vector(self._function(observation), odometry.time)
