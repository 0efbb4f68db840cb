"""Disturbances of the steering that show a learner how to come back.

Steering noise that lasts, with the clean label kept, is what cures the drift of plain imitation (Codevilla et
al., End-to-end Driving via Conditional Imitation Learning, 2018; Laskey et al., DART, 2017). Its size is set
where it matters: in the heading that a push would turn the car by, so that slow and fast drives are disturbed
alike, and in the offset that the driver is made to aim at, which does not depend on how firmly the driver
steers back.
"""

from dataclasses import dataclass
from math import radians, sqrt

import numpy as np

from drive.agent import DT, MAX_STEERING_ANGLE
from drive.core.portable_math import atan, exp


@dataclass(frozen=True)
class NoiseSettings:
    """How strongly and how often the steering is disturbed."""

    strength: float = 1.0  # factor on everything; 0: none
    share: float = 0.4  # of the time that an impulse lasts
    impulse_deg: tuple[float, float] = (5.0, 20.0)  # heading that an impulse alone would turn the car by
    impulse_s: tuple[float, float] = (0.5, 1.4)  # how long an impulse lasts [s]
    wander_deg: float = 1.2  # per second: standard deviation of the yaw rate that always disturbs
    wander_s: float = 0.5  # its correlation time [s]
    reach: float = 1.0  # largest lateral offset that noise drives towards [m]
    margin: float = 0.2  # how far the car's side may be pushed over its lane's border [m]
    aim_share: float = 0.6  # of the time that the driver aims beside the lane's middle
    aim_s: tuple[float, float] = (2.0, 5.0)  # how long it does [s]
    aim_rate: float = 0.8  # how fast the aim moves [m/s]
    foresight_s: float = 0.7  # how far ahead the car must still be within these [s]
    largest: float = 0.25  # of the steering range: what the wheels, which turn slowly, can take back in time
    corner: float = 0.4  # steering from which on a corner is too tight for more than little noise
    undo_s: float = 0.6  # how long the wheels take to undo a turn
    max_heading: float = radians(8.0)  # heading error that noise drives towards [rad]


class SteeringNoise:
    """One drive's disturbances: triangular impulses for part of the time, on an ever-present wander.

    An impulse turns the car by an angle if nobody steers against it:

        yaw_rate(t) = 2 angle / duration * (1 - |2 t / duration - 1|)
        steering = atan(yaw_rate * wheelbase / speed) / maximum steering angle

    Noise that pushes outwards is cut where the lane ends soon.
    """

    def __init__(
        self, rng: np.random.Generator, settings: NoiseSettings, *, wheelbase: float, car_width: float
    ) -> None:
        self._rng = rng
        self._settings = settings
        self._wheelbase = wheelbase
        self._half_width = 0.5 * car_width
        self._wander = 0.0  # [rad/s]
        self._angle = 0.0  # of the present impulse [rad]
        self._duration = 0.0  # [s]
        self._elapsed = 0.0  # [s]
        self._heading = 0.0  # of the car against its path, a step ago [rad]
        self._aim = 0.0  # [m]
        self._aim_fraction = 0.0  # where the aim moves to, as a fraction of the room on its side
        self._aim_left = 0.0  # how long it stays the same [s]

    def __call__(self, ego: np.void, label: float) -> float:
        """The disturbance for the next step, as a fraction of the steering range.

        Args:
            ego: the car's EGO record.
            label: what the driver steers, in [-1, 1].
        """
        settings, rng = self._settings, self._rng
        keep = exp(-DT / settings.wander_s)
        # Three uniform numbers add up to one of variance 1, almost normal, with the same bits everywhere.
        spread = radians(settings.wander_deg) * sqrt(1.0 - keep * keep)
        self._wander = keep * self._wander + spread * rng.uniform(-1.0, 1.0, 3).sum()
        if self._elapsed >= self._duration:
            self._draw_next()
        self._elapsed += DT
        shape = 1.0 - abs(2.0 * self._elapsed / self._duration - 1.0)
        yaw_rate = self._wander + 2.0 * self._angle / self._duration * max(shape, 0.0)
        yaw_rate *= settings.strength
        room = self._room(ego, 1.0 if yaw_rate > 0.0 else -1.0)
        self._heading = float(ego["heading_error"])
        if not room:
            self._angle = 0.0
            return 0.0
        steering = atan(yaw_rate * self._wheelbase / max(float(ego["speed"]), 3.0)) / MAX_STEERING_ANGLE
        largest = settings.largest * max(1.0 - abs(label) / settings.corner, 0.3)
        return min(max(steering, -largest), largest)

    def aim(self, ego: np.void, label: float) -> float:
        """How far left of the lane's middle the driver is to aim in this step [m]; call once a step.

        Args:
            ego: the car's EGO record.
            label: what the driver would steer towards the middle, in [-1, 1].
        """
        settings, rng = self._settings, self._rng
        self._aim_left -= DT
        if self._aim_left <= 0.0:
            self._aim_left = rng.uniform(*settings.aim_s)
            fraction, chance = rng.uniform(-1.0, 1.0), rng.uniform()
            self._aim_fraction = fraction if chance < settings.aim_share else 0.0
        border = float(ego["left_border"] if self._aim_fraction > 0.0 else ego["right_border"])
        room = max(min(settings.reach, border - self._half_width + 0.5 * settings.margin), 0.0)
        straightness = max(1.0 - abs(label) / settings.corner, 0.0)
        target = settings.strength * self._aim_fraction * room * straightness
        step = settings.aim_rate * DT
        self._aim += min(max(target - self._aim, -step), step)
        return self._aim

    def _draw_next(self) -> None:
        """An impulse or a pause; pauses are as long as the share of the time asks for."""
        settings, rng = self._settings, self._rng
        self._elapsed = 0.0
        self._duration = rng.uniform(*settings.impulse_s)
        size, side, chance = rng.uniform(*settings.impulse_deg), rng.choice((-1.0, 1.0)), rng.uniform()
        self._angle = radians(size) * side if chance < settings.share else 0.0

    def _room(self, ego: np.void, side: float) -> bool:
        """Whether the car may still be pushed to that side (+1 left, -1 right)."""
        settings = self._settings
        offset, heading = float(ego["lateral_offset"]), float(ego["heading_error"])
        turning = (heading - self._heading) / DT  # against the path [rad/s]
        soon = offset + settings.foresight_s * float(ego["speed"]) * (
            heading + 0.5 * settings.foresight_s * turning
        )
        border = float(ego["left_border"] if side > 0.0 else ego["right_border"])
        limit = min(settings.reach, border - self._half_width + settings.margin)
        turned = heading + settings.undo_s * turning
        return side * offset < limit and side * soon < limit and side * turned < settings.max_heading
