"""How fast to drive: what curves and limits allow, how to reach it, and the cruise that obeys both."""

import math

import numpy as np
from numpy.typing import NDArray

from drive.control.following import TIME_HEADWAY, acc_acceleration
from drive.core.kernels import kernel

MAX_LATERAL_ACCELERATION = 2.2  # in curves [m/s^2]
DECELERATION = 2.0  # with which a lower speed ahead is met [m/s^2]
GAIN = 2.0  # of the speed law [1/s]
PREVIEW_TIME = 0.8  # by which a lower speed ahead is met early: the speed law lags by 1 / GAIN [s]
MAX_ACCELERATION = 1.8  # of the speed law [m/s^2]
MAX_BRAKING = 4.0  # of the speed law [m/s^2]
MAX_JERK = 4.0  # with which it begins to speed up [m/s^3]
FREE_GAP = 150.0  # a lead further away than this is ignored [m]


@kernel
def target_speed(
    points: NDArray[np.void],
    begin: int,
    end: int,
    s: float,
    speed: float,
    limit: float,
    max_lateral_acceleration: float = MAX_LATERAL_ACCELERATION,
    deceleration: float = DECELERATION,
    step: float = 0.5,
) -> float:
    """The speed allowed now, so that every curve and limit ahead is met without harsh braking [m/s].

        min over samples ahead of sqrt(v^2 + 2 deceleration distance),  v = min(curve speed, limit there)

    The distance is shortened by speed * PREVIEW_TIME, the way that the speed law needs to respond. Every
    second sample counts, up to where no further one can matter.

    Args:
        points: flat records with the fields `curvature` and `caution` [1/m] and `speed_limit` [m/s].
        begin: first sample of the path.
        end: one past its last sample.
        s: where the car is along the path [m].
        speed: of the car [m/s].
        limit: never to exceed [m/s].
        max_lateral_acceleration: [m/s^2].
        deceleration: [m/s^2], positive.
        step: distance between samples [m].
    """
    first = min(max(math.floor(s / step), 0), end - begin - 1)
    first -= first % 2  # every second sample, always the same ones
    start = s + speed * PREVIEW_TIME
    best = limit * limit
    for i in range(first, end - begin, 2):
        budget = 2.0 * deceleration * max(i * step - start, 0.0)
        if budget >= best:
            break
        p = points[begin + i]
        bend = max(abs(p.curvature), p.caution)
        if bend * (best - budget) > max_lateral_acceleration:
            best = max_lateral_acceleration / bend + budget
        if p.speed_limit * p.speed_limit + budget < best:
            best = p.speed_limit * p.speed_limit + budget
    return math.sqrt(best)


@kernel
def speed_control(speed: float, target: float) -> float:
    """Acceleration that brings the speed to its target, first order with GAIN, within comfort [m/s^2]."""
    return min(max(GAIN * (target - speed), -MAX_BRAKING), MAX_ACCELERATION)


@kernel
def cruise_acceleration(
    speed: float,
    target: float,
    gap: float,
    relative_speed: float,
    acceleration: float = MAX_ACCELERATION,
    time_headway: float = TIME_HEADWAY,
    lead_acceleration: float = 0.0,
    dt: float = 0.05,
) -> float:
    """Acceleration that keeps the target speed and the distance: the smaller of speed law and ACC.

    Args:
        speed: own [m/s].
        target: what road and limit allow [m/s].
        gap: to the vehicle ahead, bumper to bumper [m]; from FREE_GAP on it is ignored.
        relative_speed: the lead's speed minus ours [m/s].
        acceleration: own, now [m/s^2]: speeding up begins with at most MAX_JERK.
        time_headway: [s].
        lead_acceleration: [m/s^2], 0 when unknown.
        dt: time until the next call [s].
    """
    wanted = min(speed_control(speed, target), max(acceleration, 0.0) + MAX_JERK * dt)
    if gap < FREE_GAP:
        # above its desired speed IDM brakes hard; slowing down for the road is the speed law's part
        free = max(target, speed)
        wanted = min(
            wanted, acc_acceleration(speed, free, gap, relative_speed, lead_acceleration, time_headway)
        )
    return wanted


@kernel
def cruise(
    points: NDArray[np.void],
    begin: int,
    end: int,
    s: float,
    speed: float,
    acceleration: float,
    limit: float,
    gap: float,
    relative_speed: float,
) -> float:
    """Acceleration of a car that keeps to its path's curves and limits and to the vehicle ahead [m/s^2].

    `target_speed` on the path, then `cruise_acceleration`; arguments as there.
    """
    target = target_speed(points, begin, end, s, speed, limit)
    return cruise_acceleration(speed, target, gap, relative_speed, acceleration)
