"""The single-track car as scalar kernels, at its centre of mass.

Above 4 m/s: linear tyres with load transfer, `vehicle_dynamics_st` of Althoff, Wuersching, CommonRoad:
Vehicle Models, 2020, sec. 7. Below 2 m/s: the kinematic single track of the same report, sec. 5, where
yaw rate and slip angle follow from the steering angle. Between them the two right-hand sides are blended.

A state is the tuple (x, y, steering_angle, velocity, yaw, yaw_rate, slip_angle); x, y and the velocity
(along the direction of motion) are of the centre of mass.
"""

import math
from typing import Any

from drive.core.kernels import kernel
from drive.core.portable_math import atan, exp, sincos

BLEND_FROM = 2.0  # kinematic below [m/s]
BLEND_TO = 4.0  # linear tyres above [m/s]
GRAVITY = 9.81  # [m/s^2]
_RELAXATION = 0.02  # time in which the blended state returns to the kinematic one [s]

State = tuple[float, float, float, float, float, float, float]


@kernel
def tyre_share(velocity: float) -> float:
    """Weight of the linear tyres: 0 below BLEND_FROM, 1 above BLEND_TO, smooth between."""
    u = (velocity - BLEND_FROM) / (BLEND_TO - BLEND_FROM)
    if u <= 0.0:
        return 0.0
    if u >= 1.0:
        return 1.0
    return u * u * (3.0 - 2.0 * u)


@kernel
def kinematic_motion(steering_angle: float, velocity: float, params: Any) -> tuple[float, float]:
    """(yaw_rate, slip_angle) of a car whose wheels roll where they point.

    tan(slip_angle) = tan(steering_angle) lr / wheelbase
    yaw_rate = velocity cos(slip_angle) tan(steering_angle) / wheelbase
    """
    sine, cosine = sincos(steering_angle)
    tangent = sine / cosine
    q = tangent * params.lr / params.wheelbase
    return velocity * tangent / (params.wheelbase * math.sqrt(1.0 + q * q)), atan(q)


@kernel
def derivatives(state: State, steering_rate: float, acceleration: float, params: Any) -> State:
    """Right-hand side of the single-track model; inputs are within their limits already."""
    _, _, steering_angle, v, yaw, yaw_rate, slip_angle = state
    share = tyre_share(v)
    x_dot, y_dot, yaw_dot, yaw_rate_dot, slip_dot = 0.0, 0.0, 0.0, 0.0, 0.0
    if share < 1.0:
        sine, cosine = sincos(steering_angle)
        tangent = sine / cosine
        q = tangent * params.lr / params.wheelbase
        cos_slip = 1.0 / math.sqrt(1.0 + q * q)
        sin_slip = q * cos_slip
        sin_yaw, cos_yaw = sincos(yaw)
        rolling = 1.0 - share
        yaw_dot = v * cos_slip * tangent / params.wheelbase
        x_dot = rolling * v * (cos_yaw * cos_slip - sin_yaw * sin_slip)
        y_dot = rolling * v * (sin_yaw * cos_slip + cos_yaw * sin_slip)
        if share > 0.0:
            # follow the kinematic values, and return to them
            tangent_dot = steering_rate / (cosine * cosine)
            kinematic_slip_dot = tangent_dot * params.lr / params.wheelbase * cos_slip * cos_slip
            kinematic_yaw_rate_dot = (
                acceleration * cos_slip * tangent
                - v * sin_slip * kinematic_slip_dot * tangent
                + v * cos_slip * tangent_dot
            ) / params.wheelbase
            yaw_rate_dot = rolling * (kinematic_yaw_rate_dot + (yaw_dot - yaw_rate) / _RELAXATION)
            slip_dot = rolling * (kinematic_slip_dot + (atan(q) - slip_angle) / _RELAXATION)
        yaw_dot *= rolling
    if share > 0.0:
        lf, lr = params.lf, params.lr
        # axle stiffnesses under the load that the acceleration moves from front to rear [N/rad]
        front = params.front_stiffness * (1.0 - acceleration * params.cog_height / (GRAVITY * lr))
        rear = params.rear_stiffness * (1.0 + acceleration * params.cog_height / (GRAVITY * lf))
        momentum = params.mass * v
        sin_course, cos_course = sincos(yaw + slip_angle)
        x_dot += share * v * cos_course
        y_dot += share * v * sin_course
        yaw_dot += share * yaw_rate
        yaw_rate_dot += share / params.yaw_inertia * (
            (lr * rear - lf * front) * slip_angle
            + lf * front * steering_angle
            - (lf * lf * front + lr * lr * rear) / v * yaw_rate
        )  # fmt: skip
        slip_dot += share * (
            ((lr * rear - lf * front) / (momentum * v) - 1.0) * yaw_rate
            + (front * steering_angle - (rear + front) * slip_angle) / momentum
        )
    return x_dot, y_dot, steering_rate, acceleration, yaw_dot, yaw_rate_dot, slip_dot


@kernel
def _moved(state: State, slope: State, h: float) -> State:
    return (
        state[0] + h * slope[0],
        state[1] + h * slope[1],
        state[2] + h * slope[2],
        state[3] + h * slope[3],
        state[4] + h * slope[4],
        state[5] + h * slope[5],
        state[6] + h * slope[6],
    )


@kernel
def runge_kutta(state: State, steering_rate: float, acceleration: float, params: Any, h: float) -> State:
    """One classical fourth-order Runge-Kutta step of h seconds at constant inputs."""
    k1 = derivatives(state, steering_rate, acceleration, params)
    k2 = derivatives(_moved(state, k1, 0.5 * h), steering_rate, acceleration, params)
    k3 = derivatives(_moved(state, k2, 0.5 * h), steering_rate, acceleration, params)
    k4 = derivatives(_moved(state, k3, h), steering_rate, acceleration, params)
    x, y, steering_angle, v, yaw, yaw_rate, slip_angle = state
    c = h / 6.0
    x += c * (k1[0] + 2.0 * (k2[0] + k3[0]) + k4[0])
    y += c * (k1[1] + 2.0 * (k2[1] + k3[1]) + k4[1])
    steering_angle += h * steering_rate
    v += h * acceleration
    yaw += c * (k1[4] + 2.0 * (k2[4] + k3[4]) + k4[4])
    if tyre_share(v) == 0.0:
        yaw_rate, slip_angle = kinematic_motion(steering_angle, v, params)
    else:
        yaw_rate += c * (k1[5] + 2.0 * (k2[5] + k3[5]) + k4[5])
        slip_angle += c * (k1[6] + 2.0 * (k2[6] + k3[6]) + k4[6])
    return x, y, steering_angle, v, yaw, yaw_rate, slip_angle


@kernel
def actuator_decay(params: Any, h: float) -> float:
    """Share of the steering error that is left after h seconds."""
    if params.steering_time_constant <= 0.0:
        return 0.0
    return exp(-h / params.steering_time_constant)


@kernel
def steering_rate_towards(
    steering_angle: float, command: float, decay: float, params: Any, h: float
) -> float:
    """Steering rate over the next h seconds: first-order lag, then the rate limit [rad/s]."""
    command = min(max(command, -params.max_steering_angle), params.max_steering_angle)
    rate = (command - steering_angle) * (1.0 - decay) / h
    return min(max(rate, -params.max_steering_rate), params.max_steering_rate)


@kernel
def limited_acceleration(v: float, acceleration: float, params: Any, h: float) -> float:
    """The acceleration over the next h seconds: limits, engine power, and no crossing of standstill."""
    if v > 0.0:
        limit = min(params.max_acceleration, params.max_power_per_mass / v)
        acceleration = min(max(acceleration, -params.max_deceleration), limit)
        acceleration = min(acceleration, max((params.max_speed - v) / h, 0.0))
        return max(acceleration, -v / h)
    acceleration = min(max(acceleration, -params.max_deceleration), params.max_acceleration)
    if v < 0.0:
        return min(acceleration, -v / h)
    return max(acceleration, 0.0)  # the brake holds a standing car


@kernel
def advance_state(
    state: State, steering_command: float, acceleration_command: float, params: Any, h: float, substeps: int
) -> State:
    """Several steps of h seconds with the actuators in front."""
    decay = actuator_decay(params, h)
    for _ in range(substeps):
        v = state[3]
        rate = steering_rate_towards(state[2], steering_command, decay, params, h)
        acceleration = limited_acceleration(v, acceleration_command, params, h)
        state = runge_kutta(state, rate, acceleration, params, h)
        if (v > 0.0 and state[3] < 1e-12) or (v < 0.0 and state[3] > -1e-12):
            state = (state[0], state[1], state[2], 0.0, state[4], 0.0, state[6])
    return state
