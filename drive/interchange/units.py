"""What other programs' numbers mean here: signs, fractions, speeds."""

from math import degrees, radians

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.agent import MAX_STEERING_ANGLE

MPH = 0.44704  # one mile an hour [m/s], exact by definition
OUR_FULL_LOCK_DEG = degrees(MAX_STEERING_ANGLE)
UDACITY_FULL_LOCK_DEG = 25.0  # the simulator's road wheels at steering 1


def steering_from_right(fraction: ArrayLike, full_lock_deg: float) -> NDArray[np.float64]:
    """Steering of ours from a fraction that is positive to the right.

        steering = -fraction * full_lock / 0.6 rad

    Args:
        fraction: of `full_lock_deg`, in [-1, 1], right positive; any shape.
        full_lock_deg: road-wheel angle of that program at 1.

    Returns:
        Fraction of 0.6 rad, left positive, same shape; beyond [-1, 1] where their wheels turn further.
    """
    return 0.0 - np.asarray(fraction, np.float64) * (radians(full_lock_deg) / MAX_STEERING_ANGLE)


def steering_to_right(steering: ArrayLike, full_lock_deg: float) -> NDArray[np.float64]:
    """The inverse of `steering_from_right`."""
    return 0.0 - np.asarray(steering, np.float64) * (MAX_STEERING_ANGLE / radians(full_lock_deg))


def pedals_from_acceleration(acceleration: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Throttle and brake, each in [0, 1], from one signed fraction; their difference gives it back."""
    signed = np.asarray(acceleration, np.float64)
    return np.maximum(signed, 0.0), np.maximum(0.0 - signed, 0.0)
