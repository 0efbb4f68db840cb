import math
from dataclasses import fields

import numpy as np
import pytest

from drive.sim.actors.dynamics import (
    VehicleInput,
    VehicleParams,
    VehicleState,
    advance_vehicle,
    delay_steps_of,
    delayed,
    step,
)
from drive.sim.arrays import EGO

PARAMS = VehicleParams()
DT = 0.05


def drive(state, steering, acceleration, seconds, params=PARAMS):
    for _ in range(round(seconds / DT)):
        state = step(state, VehicleInput(steering, acceleration), params, DT)
    return state


def test_two_seconds_at_20_m_per_s_are_40_m():
    state = drive(VehicleState.at(speed=20.0), 0.0, 0.0, 2.0)
    assert state.x == pytest.approx(40.0, abs=1e-9)
    assert (state.y, state.yaw, state.yaw_rate) == (0.0, 0.0, 0.0)


def test_left_is_positive_everywhere():
    """Steering to the left turns the yaw, the yaw rate and the car to the left."""
    for speed in (1.5, 3.0, 12.0):
        state = drive(VehicleState.at(speed=speed), 0.1, 0.0, 1.0)
        assert state.steering_angle > 0.0
        assert state.yaw_rate > 0.0
        assert state.yaw > 0.0
        assert state.y > 0.0


@pytest.mark.parametrize("steering", [0.1, -0.3, 0.6])
def test_slow_arcs_have_the_radius_of_the_geometry(steering):
    """The rear axle's circle has the radius wheelbase / tan(steering angle)."""
    state = VehicleState.at(speed=1.5, steering_angle=steering)
    radius = PARAMS.wheelbase / math.tan(steering)
    for _ in range(200):
        state = step(state, VehicleInput(steering, 0.0), PARAMS, DT)
        assert np.hypot(state.x, state.y - radius) == pytest.approx(abs(radius), abs=1e-6)


@pytest.mark.parametrize("speed", [8.0, 15.0, 25.0])
@pytest.mark.parametrize("soft_end", ["front", "rear", "neither"])
def test_steady_yaw_rate_is_that_of_the_understeer_gradient(speed, soft_end):
    """yaw_rate = v steering / (wheelbase + K v^2), K = m (lr / C_front - lf / C_rear) / wheelbase."""
    params = PARAMS
    if soft_end == "front":
        params = params._replace(front_stiffness=0.8 * params.front_stiffness)
    elif soft_end == "rear":
        params = params._replace(rear_stiffness=0.93 * params.rear_stiffness)
    gradient = params.mass * (
        params.lr / params.front_stiffness - params.lf / params.rear_stiffness
    ) / params.wheelbase  # fmt: skip
    state = drive(VehicleState.at(speed=speed), 0.02, 0.0, 8.0, params)
    velocity = state.speed / np.cos(state.slip_angle)
    want = velocity * 0.02 / (params.wheelbase + gradient * velocity**2)
    assert state.yaw_rate == pytest.approx(want, rel=1e-6)


def test_braking_stops_the_car_and_never_reverses_it():
    state = VehicleState.at(speed=10.0, steering_angle=0.05)
    distance = 0.0
    for _ in range(60):
        before = state
        state = step(state, VehicleInput(0.05, -8.0), PARAMS, DT)
        assert state.speed >= 0.0
        distance += float(np.hypot(state.x - before.x, state.y - before.y))
    assert state.speed == 0.0
    assert state.yaw_rate == 0.0
    assert distance == pytest.approx(10.0**2 / 16.0, abs=0.05)
    rest = step(state, VehicleInput(0.0, -8.0), PARAMS, DT)
    assert (rest.x, rest.y, rest.yaw) == (state.x, state.y, state.yaw)
    assert rest.steering_angle < state.steering_angle, "the wheels of a standing car turn"
    assert step(rest, VehicleInput(0.0, 3.0), PARAMS, DT).speed > 0.0


def test_a_reversing_car_goes_backwards_along_its_arc_and_can_stop():
    state = VehicleState.at(speed=-2.0, steering_angle=0.3)
    radius = PARAMS.wheelbase / math.tan(0.3)
    state = drive(state, 0.3, 0.0, 1.0)
    assert state.x < -1.5
    assert state.yaw < 0.0
    assert np.hypot(state.x, state.y - radius) == pytest.approx(radius, abs=1e-6)
    state = step(state, VehicleInput(0.3, 3.0), PARAMS, DT)
    assert -2.0 < state.speed < 0.0
    assert drive(state, 0.3, 0.0, 1.0).speed == pytest.approx(state.speed, abs=1e-9)


def test_limits_hold_whatever_is_asked_for():
    state = VehicleState.at(speed=10.0)
    after = step(state, VehicleInput(5.0, 50.0), PARAMS, DT)
    assert after.steering_angle == pytest.approx(PARAMS.max_steering_rate * DT)
    assert after.acceleration == pytest.approx(PARAMS.max_acceleration, abs=0.01)
    after = step(state, VehicleInput(-5.0, -50.0), PARAMS, DT)
    assert after.steering_angle == pytest.approx(-PARAMS.max_steering_rate * DT)
    assert after.acceleration == pytest.approx(-PARAMS.max_deceleration, abs=0.01)
    assert drive(VehicleState.at(speed=1.0), 5.0, 0.0, 5.0).steering_angle == pytest.approx(0.6, abs=1e-9)
    assert drive(VehicleState.at(speed=50.5), 0.0, 3.0, 2.0).speed <= PARAMS.max_speed + 1e-9


def test_the_steering_actuator_is_a_first_order_lag():
    state = drive(VehicleState.at(speed=10.0), 0.02, 0.0, 0.1)
    assert state.steering_angle == pytest.approx(0.02 * (1.0 - math.exp(-1.0)), rel=1e-9)


@pytest.mark.parametrize("acceleration", [1.0, -1.0, -6.0])
def test_the_blend_is_crossed_without_a_jolt(acceleration):
    """Through 2 to 4 m/s in a curve, yaw rate over speed stays near the curvature of the wheels."""
    state = VehicleState.at(speed=1.0 if acceleration > 0.0 else 6.0, steering_angle=0.2)
    previous = None
    for _ in range(500):
        state = step(state, VehicleInput(0.2, acceleration), PARAMS, 0.01)
        if state.speed > 6.0 or state.speed < 0.5:
            break
        bend = float(state.yaw_rate / state.speed)
        assert bend == pytest.approx(math.tan(0.2) / PARAMS.wheelbase, rel=0.08)
        if previous is not None:
            assert abs(bend - previous) < 0.003
        previous = bend


def test_rk4_is_stable_at_every_speed():
    rng = np.random.default_rng(1)
    speeds = np.linspace(0.0, 40.0, 400)
    state = VehicleState.at(speed=speeds)
    for _ in range(100):
        state = step(state, VehicleInput(rng.uniform(-0.03, 0.03, 400), 0.0), PARAMS, DT)
    assert np.all(np.abs(state.yaw_rate) < 1.0)
    assert np.all(np.abs(state.slip_angle) < 0.3)


def test_a_batch_is_its_cars_one_by_one_to_the_bit():
    rng = np.random.default_rng(0)
    shape = (3, 4)
    batch = VehicleState.at(
        rng.normal(size=shape), rng.normal(size=shape), rng.uniform(-3, 3, shape), rng.uniform(0, 25, shape)
    )
    steering, acceleration = rng.uniform(-0.1, 0.1, shape), rng.uniform(-3.0, 3.0, shape)
    after = step(
        step(batch, VehicleInput(steering, acceleration), PARAMS, DT), VehicleInput(0.0, 0.0), PARAMS, DT
    )
    for index in np.ndindex(shape):
        one = VehicleState(**{f.name: getattr(batch, f.name)[index] for f in fields(batch)})
        one = step(one, VehicleInput(steering[index], acceleration[index]), PARAMS, DT)
        one = step(one, VehicleInput(0.0, 0.0), PARAMS, DT)
        for f in fields(batch):
            assert getattr(one, f.name) == getattr(after, f.name)[index], f.name


def test_the_step_leaves_its_input_alone_and_wraps_the_yaw():
    state = VehicleState.at(yaw=3.1, speed=10.0)
    copies = {f.name: np.copy(getattr(state, f.name)) for f in fields(state)}
    after = drive(state, 0.1, 0.0, 1.0)
    assert -math.pi <= after.yaw < 0.0
    assert all(np.array_equal(copies[f.name], getattr(state, f.name)) for f in fields(state))


def test_the_ego_record_moves_as_the_pure_function():
    egos = np.zeros(2, EGO)
    egos["speed"], egos["yaw"], egos["x"] = 9.0, 1.0, 4.0
    state = VehicleState.at(x=4.0, yaw=1.0, speed=9.0)
    for k in range(50):
        steering, acceleration = 0.1 * math.sin(0.2 * k), math.cos(0.1 * k)
        advance_vehicle(egos, 1, steering, acceleration, PARAMS, DT, 5)
        state = step(state, VehicleInput(steering, acceleration), PARAMS, DT)
    for f in fields(state):
        assert egos[1][f.name] == getattr(state, f.name), f.name
    assert egos[1]["steering_command"] == 0.1 * math.sin(0.2 * 49)
    assert egos[0]["x"] == 4.0


@pytest.mark.parametrize("dt", [0.015, 0.0, -0.05, math.nan])
def test_a_time_step_that_does_not_divide_is_refused_with_both_numbers(dt):
    with pytest.raises(ValueError, match=rf"dt = {dt} s .* 0\.01 s"):
        step(VehicleState.at(), VehicleInput(0.0, 0.0), PARAMS, dt)


def test_a_pure_delay_gives_each_command_some_steps_later():
    assert delay_steps_of(PARAMS._replace(steering_delay=0.15), 0.05) == 3
    with pytest.raises(ValueError, match=r"0\.12 s .* 0\.05 s"):
        delay_steps_of(PARAMS._replace(steering_delay=0.12), 0.05)
    recent = np.zeros((2, 3))
    assert [delayed(recent, 1, k, float(k + 1)) for k in range(6)] == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
    assert not recent[0].any()
    assert delayed(np.zeros((2, 0)), 1, 7, 0.3) == 0.3
