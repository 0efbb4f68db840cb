"""Lateral laws: from a lane estimate to the steering angle that keeps the car in the lane's middle."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from drive.control.lane_curve import LaneCurve
from drive.control.lane_estimate import LaneEstimate
from drive.control.pursuit import lookahead_distance, pure_pursuit
from drive.control.stanley import stanley

LATENCY = 0.1  # from the picture until the wheels have turned [s]


@dataclass(frozen=True, slots=True)
class CarMotion:
    """How the car moves while it is being steered."""

    speed: float  # [m/s]
    steering_angle: float  # of the road wheels as it was asked for last, left positive [rad]
    wheelbase: float  # [m]


class LateralLaw(Protocol):
    """A function from the lane and the car's motion to a steering angle."""

    def __call__(self, lane: LaneEstimate, car: CarMotion) -> float:
        """Steering angle of the road wheels [rad, left positive]."""
        ...


def after_latency(curve: LaneCurve, car: CarMotion) -> LaneCurve:
    """The lane as it will lie before the car when the wheels have turned."""
    distance = car.speed * LATENCY
    return curve.moved(distance, float(distance * np.tan(car.steering_angle) / car.wheelbase))


def pursuit_target(lane: LaneEstimate, car: CarMotion) -> tuple[float, float]:
    """The point that `steer_by_pursuit` leads the rear axle to: x, y in the vehicle frame [m].

    The rear axle runs inside of the car's middle by curvature (wheelbase / 2)^2 / 2, so that much further
    inside lies the point.
    """
    curve = after_latency(lane.curve, car)
    ahead = 1.5 + lookahead_distance(car.speed, 0.55, 1.5, 10.5)
    inside = 0.5 * float(curve.curvature(ahead)) * (0.5 * car.wheelbase) ** 2
    x, y = curve.position(ahead, inside).tolist()
    return x, y


def steer_by_pursuit(lane: LaneEstimate, car: CarMotion) -> float:
    """Pure pursuit of a point on the lane's middle (`pure_pursuit`) [rad, left positive]."""
    return float(pure_pursuit(*pursuit_target(lane, car), car.wheelbase))


def steer_by_stanley(lane: LaneEstimate, car: CarMotion) -> float:
    """The Stanley law on the lane at the front axle (`stanley`) [rad, left positive].

    In a bend the front axle runs outside of the car's middle by 3/8 curvature wheelbase^2.
    """
    curve = after_latency(lane.curve, car)
    x, y, yaw = curve.poses(car.wheelbase).tolist()
    offset = np.sin(yaw) * (x - car.wheelbase) - np.cos(yaw) * y
    outside = 0.375 * float(curve.curvature(car.wheelbase)) * car.wheelbase**2
    return float(stanley(float(offset) + outside, -yaw, car.speed, gain=2.0))


LATERAL_LAWS: dict[str, LateralLaw] = {"pursuit": steer_by_pursuit, "stanley": steer_by_stanley}
