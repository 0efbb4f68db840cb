"""The car: its figures, its state, and one step of its motion, at the rear axle.

The physics stand in `dynamics_core`; here they are moved from the centre of mass to the rear axle, and
run on one car, on a batch, or on a record of the world's ego array.
"""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.agent import MAX_ACCELERATION, MAX_DECELERATION, MAX_STEERING_ANGLE
from drive.core.kernels import kernel
from drive.core.portable_math import sincos, wrap_angle
from drive.core.portable_math_arrays import atan2_array, sincos_array
from drive.sim.actors.dynamics_core import advance_state

SUBSTEP = 0.01  # physics step [s]
_WHEELBASE = 1.1561957064 + 1.4227170936


class VehicleParams(NamedTuple):
    """A car's figures: CommonRoad's vehicle 2, a BMW 320i, with this simulator's limits."""

    lf: float = 1.1561957064  # centre of mass to front axle [m]
    lr: float = 1.4227170936  # centre of mass to rear axle [m]
    wheelbase: float = _WHEELBASE  # [m]
    length: float = 4.508  # [m]
    width: float = 1.61  # [m]
    height: float = 1.42  # [m]
    center_x: float = 1.4227170936  # footprint's centre ahead of the rear axle [m]
    mass: float = 1093.2952334674046  # [kg]
    yaw_inertia: float = 1791.5995300122856  # [kg m^2]
    cog_height: float = 0.61373004  # centre of mass above the ground [m]
    # lateral force per slip angle of an axle under its static load: 21.92 times that load
    front_stiffness: float = 21.92 * 1093.2952334674046 * 9.81 * 1.4227170936 / _WHEELBASE  # [N/rad]
    rear_stiffness: float = 21.92 * 1093.2952334674046 * 9.81 * 1.1561957064 / _WHEELBASE  # [N/rad]
    max_steering_angle: float = MAX_STEERING_ANGLE  # road wheel [rad]
    max_steering_rate: float = 0.4  # [rad/s]
    steering_time_constant: float = 0.1  # first-order actuator [s]
    steering_delay: float = 0.0  # pure delay in front of it, whole control steps [s]
    max_acceleration: float = MAX_ACCELERATION  # [m/s^2]
    max_deceleration: float = MAX_DECELERATION  # [m/s^2]
    max_power_per_mass: float = 11.5 * 7.319  # acceleration times speed [m^2/s^3]
    max_speed: float = 50.8  # [m/s]


@dataclass(frozen=True, eq=False)
class VehicleState:
    """One car or a batch: fields of one shape (...,). Position is of the rear axle."""

    x: NDArray[np.float64]  # [m]
    y: NDArray[np.float64]  # [m]
    yaw: NDArray[np.float64]  # [rad]
    speed: NDArray[np.float64]  # along the car's axis, negative in reverse [m/s]
    yaw_rate: NDArray[np.float64]  # [rad/s]
    slip_angle: NDArray[np.float64]  # at the centre of mass [rad]
    steering_angle: NDArray[np.float64]  # road wheel [rad]
    acceleration: NDArray[np.float64]  # mean change of speed over the last step [m/s^2]

    @classmethod
    def at(
        cls,
        x: ArrayLike = 0.0,
        y: ArrayLike = 0.0,
        yaw: ArrayLike = 0.0,
        speed: ArrayLike = 0.0,
        steering_angle: ArrayLike = 0.0,
        params: VehicleParams = VehicleParams(),  # noqa: B008 - immutable
    ) -> "VehicleState":
        """A car that rolls where its wheels point."""
        arrays = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x, y, yaw, speed, steering_angle)))
        x, y, yaw, speed, steering_angle = (a.copy() for a in arrays)
        sine, cosine = sincos_array(steering_angle)
        tangent = sine / cosine
        return cls(
            x=x,
            y=y,
            yaw=yaw,
            speed=speed,
            yaw_rate=speed * tangent / params.wheelbase,
            slip_angle=atan2_array(tangent * params.lr / params.wheelbase, 1.0),
            steering_angle=steering_angle,
            acceleration=np.zeros_like(speed),
        )


@dataclass(frozen=True, eq=False)
class VehicleInput:
    """What the actuators are asked for: fields of one shape (...,), as the state's."""

    steering_angle: NDArray[np.float64] | float  # road wheel, left positive [rad]
    acceleration: NDArray[np.float64] | float  # along the car's axis [m/s^2]


def substeps_of(dt: float) -> int:
    """How many physics steps make a control step.

    Raises:
        ValueError: dt is not a positive whole multiple of SUBSTEP.
    """
    count = round(dt / SUBSTEP) if math.isfinite(dt) else 0
    if count < 1 or abs(count * SUBSTEP - dt) > 1e-9:
        raise ValueError(
            f"dt = {dt} s is no whole multiple of the physics step of {SUBSTEP} s; "
            "take 0.01, 0.02, 0.03, ... s."
        )
    return count


def delay_steps_of(params: VehicleParams, dt: float) -> int:
    """The steering delay in control steps.

    Raises:
        ValueError: the delay is no whole multiple of dt.
    """
    count = round(params.steering_delay / dt)
    if count < 0 or abs(count * dt - params.steering_delay) > 1e-9:
        raise ValueError(
            f"steering_delay = {params.steering_delay} s is no whole multiple of the control step of {dt} s; "
            f"take {max(count, 0) * dt:g} s."
        )
    return count


@kernel
def delayed(recent: NDArray[np.float64], i: int, step: int, command: float) -> float:
    """Put a command in and get out the one of n steps ago: a ring for a pure delay.

    Args:
        recent: (B, n) the last n commands of each car, zeros at the reset; n = 0 is no delay.
        i: which car.
        step: control steps since the reset.
        command: the newest one.
    """
    n = recent.shape[1]
    if n == 0:
        return command
    due = recent[i, step % n]
    recent[i, step % n] = command
    return due


@kernel
def advance_vehicle(
    egos: NDArray[np.void],
    i: int,
    steering_command: float,
    acceleration_command: float,
    params: VehicleParams,
    dt: float,
    substeps: int,
) -> None:
    """Move the car of EGO record i by one control step, in place.

    Writes x, y, yaw, speed, yaw_rate, slip_angle, steering_angle, acceleration and both commands. `egos`
    may also be a record array with these fields alone.
    """
    e = egos[i]
    speed = e.speed
    sine, cosine = sincos(e.yaw)
    state = (
        e.x + params.lr * cosine,
        e.y + params.lr * sine,
        e.steering_angle,
        speed / sincos(e.slip_angle)[1],
        e.yaw,
        e.yaw_rate,
        e.slip_angle,
    )
    state = advance_state(state, steering_command, acceleration_command, params, dt / substeps, substeps)
    x, y, steering_angle, velocity, yaw, yaw_rate, slip_angle = state
    sine, cosine = sincos(yaw)
    new_speed = velocity * sincos(slip_angle)[1]
    egos[i].x = x - params.lr * cosine
    egos[i].y = y - params.lr * sine
    egos[i].yaw = wrap_angle(yaw)
    egos[i].speed = new_speed
    egos[i].yaw_rate = yaw_rate
    egos[i].slip_angle = slip_angle
    egos[i].steering_angle = steering_angle
    egos[i].acceleration = (new_speed - speed) / dt
    egos[i].steering_command = steering_command
    egos[i].acceleration_command = acceleration_command


@kernel
def _advance_all(cars: NDArray[np.void], params: VehicleParams, dt: float, substeps: int) -> None:
    for i in range(len(cars)):
        advance_vehicle(cars, i, cars[i].steering_command, cars[i].acceleration_command, params, dt, substeps)


_STATE_FIELDS = tuple(field.name for field in fields(VehicleState))
_CAR = np.dtype([(name, "f8") for name in (*_STATE_FIELDS, "steering_command", "acceleration_command")])


def step(state: VehicleState, wheels: VehicleInput, params: VehicleParams, dt: float) -> VehicleState:
    """Advance one car or a batch by one time step; pure.

    Single-track model with linear tyres above 4 m/s, kinematic below 2 m/s, blended between (see
    `dynamics_core`), classical Runge-Kutta in steps of SUBSTEP. In front of it: a first-order steering
    actuator with rate and range limits, acceleration limits, and a brake that stops but never reverses.

    Args:
        state: fields of shape (...,).
        wheels: steering_angle [rad, left positive] and acceleration [m/s^2] asked for, same shape.
        params: the car.
        dt: [s], a whole multiple of SUBSTEP.

    Returns:
        The state at t + dt, same shape, yaw in [-pi, pi).

    Raises:
        ValueError: dt is not a positive whole multiple of SUBSTEP.
    """
    substeps = substeps_of(dt)
    shape = np.broadcast_shapes(
        np.shape(state.x), np.shape(wheels.steering_angle), np.shape(wheels.acceleration)
    )
    cars = np.zeros(shape, _CAR)
    for name in _STATE_FIELDS:
        cars[name] = getattr(state, name)
    cars["steering_command"] = wheels.steering_angle
    cars["acceleration_command"] = wheels.acceleration
    _advance_all(cars.reshape(-1), params, dt, substeps)
    return VehicleState(**{name: np.ascontiguousarray(cars[name]).reshape(shape) for name in _STATE_FIELDS})
