"""The Stanley law: steer by the heading error and the offset of the front axle."""

from drive.core.kernels import kernel
from drive.core.portable_math import atan, wrap_angle

SOFTENING = 1.0  # keeps the law calm at low speed [m/s]


@kernel
def stanley(front_offset: float, heading_error: float, speed: float, gain: float = 1.0) -> float:
    """Steering angle that turns the front axle back to the path [rad, left positive].

        -heading_error - atan(gain front_offset / (SOFTENING + speed))

    Hoffmann, Tomlin, Montemerlo, Thrun, Autonomous Automobile Trajectory Tracking for Off-Road Driving,
    ACC 2007, with signs to the left.

    Args:
        front_offset: of the front axle's middle from the path, left positive [m].
        heading_error: the car's yaw minus the path's [rad].
        speed: [m/s], >= 0.
        gain: [1/s].
    """
    return -wrap_angle(heading_error) - atan(gain * front_offset / (SOFTENING + speed))
