"""The privileged driver: knows the path, shows what good driving looks like."""

import math

from drive.agent import Context, Control, Observation, acceleration_fraction
from drive.core.kernels import entry, kernel
from drive.core.portable_math import atan, sincos, wrap_angle
from drive.sim.maps.path import project, sample

PREVIEW_TIME = 0.15  # covers the steering actuator's lag [s]
# An offset decays over max(RETURN_DISTANCE, 1 m + RETURN_TIME * speed). Shorter ones would, with the
# steering's lag and limited rate, begin to swing.
RETURN_TIME = 0.4  # [s]
RETURN_DISTANCE = 4.0  # [m]


@kernel
def _course_angle(curvature, speed, params) -> float:
    """Angle from the car's axis to its footprint centre's course on a circle, left positive [rad].

    The centre is `center_x` ahead of the rear axle; the rear axle itself slides outwards by the slip of
    linear tyres, its share of the lateral force by its stiffness.
    """
    lever = min(max(params.center_x * curvature, -0.9), 0.9)
    slip = params.mass * params.lf / (params.wheelbase * params.rear_stiffness) * curvature * speed * speed
    return atan(lever / math.sqrt(1.0 - lever * lever)) - slip


@kernel
def path_steering(points, begin, end, x, y, yaw, speed, s_guess, params) -> float:
    """Steering angle [rad] that brings the footprint's centre back to its path and keeps it there.

    Feedforward from the path's curvature a moment ahead; feedback of the centre's offset d and its course
    error, critically damped over a distance l:  curvature = -(d / l^2 + 2 course_error / l).
    """
    sine, cosine = sincos(yaw)
    s, d = project(points, begin, end, x + params.center_x * cosine, y + params.center_x * sine, s_guess)
    here = sample(points, begin, end, s)
    ahead = sample(points, begin, end, s + PREVIEW_TIME * speed)
    course_error = wrap_angle(yaw - here[3]) + _course_angle(here[4], speed, params)
    length = max(RETURN_DISTANCE, 1.0 + RETURN_TIME * speed)
    lever = min(abs(params.center_x * ahead[4]), 0.9)
    curvature = ahead[4] / math.sqrt(1.0 - lever * lever)
    d = min(max(d, -2.0), 2.0)
    curvature -= d / (length * length) + 2.0 * course_error / length
    understeer = params.lr / params.front_stiffness - params.lf / params.rear_stiffness
    angle = atan(params.wheelbase * curvature)
    angle += params.mass / params.wheelbase * understeer * speed * speed * curvature
    return min(max(angle, -params.max_steering_angle), params.max_steering_angle)


_path_steering = entry(path_steering)


class Expert:
    """Drives on the reference path with the truth, at the speed that curves, limit and lead allow."""

    privileged = True
    looks = False

    def reset(self, context: Context) -> None:
        """Take hold of the world that the context carries."""
        if context.world is None:
            raise ValueError("Expert needs context.world; it is privileged.")
        self._world, self._index = context.world, context.world_index

    def act(self, observation: Observation) -> Control:
        """Steer from the true pose; the observation is not used."""
        acceleration = acceleration_fraction(self._world.cruise_acceleration(self._index))
        return Control(self.steering_at(self._world, self._index, 0.0, 0.0), acceleration)

    @staticmethod
    def steering_at(world, w: int, lateral_m: float, yaw_rad: float) -> float:
        """The steering in [-1, 1] for ego w if it stood `lateral_m` further left, turned by `yaw_rad`."""
        ego = world.egos[w]
        x, y, _, yaw = world.shifted_pose(w, lateral_m, yaw_rad)
        path, paths, params = int(ego["path"]), world.paths, world.params
        angle = _path_steering(
            paths.data, paths.begin[path], paths.end[path], float(x), float(y), float(yaw), ego["speed"],
            ego["center_s"], params,
        )  # fmt: skip
        return float(angle / params.max_steering_angle)
