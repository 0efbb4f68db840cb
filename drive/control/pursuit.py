"""Pure pursuit: steer along the circle that meets a point ahead."""

from drive.core.kernels import kernel
from drive.core.portable_math import atan


@kernel
def lookahead_distance(speed: float, time: float = 0.8, minimum: float = 4.0, maximum: float = 20.0) -> float:
    """Distance from the rear axle to the point to aim at: speed * time within bounds [m]."""
    return min(max(speed * time, minimum), maximum)


@kernel
def pure_pursuit(target_x: float, target_y: float, wheelbase: float) -> float:
    """Steering angle whose circle leads the rear axle through a point [rad, left positive].

        tan(steering_angle) = 2 wheelbase target_y / (target_x^2 + target_y^2)

    Coulter, Implementation of the Pure Pursuit Path Tracking Algorithm, CMU-RI-TR-92-01.

    Args:
        target_x: of the point in the vehicle frame, ahead of the rear axle [m].
        target_y: to the left [m].
        wheelbase: [m].
    """
    square = target_x * target_x + target_y * target_y
    return atan(2.0 * wheelbase * target_y / max(square, 1e-6))
