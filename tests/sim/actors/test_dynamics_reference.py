"""The car against the reference implementation of the CommonRoad vehicle models."""

import math

import numpy as np
import pytest
from vehiclemodels.parameters_vehicle2 import parameters_vehicle2
from vehiclemodels.utils.vehicle_dynamics_ks_cog import vehicle_dynamics_ks_cog
from vehiclemodels.vehicle_dynamics_st import vehicle_dynamics_st

from drive.sim.actors.dynamics import VehicleInput, VehicleParams, VehicleState, step
from drive.sim.actors.dynamics_core import derivatives, runge_kutta

PARAMS = VehicleParams()
REFERENCE = parameters_vehicle2()
H = 0.01


def reference_step(model, x, inputs):
    def f(state):
        return np.array(model(list(state), list(inputs), REFERENCE))

    k1 = f(x)
    k2 = f(x + 0.5 * H * k1)
    k3 = f(x + 0.5 * H * k2)
    k4 = f(x + H * k3)
    return x + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def test_the_figures_are_those_of_vehicle_2():
    assert (PARAMS.lf, PARAMS.lr, PARAMS.mass) == (REFERENCE.a, REFERENCE.b, REFERENCE.m)
    assert (PARAMS.yaw_inertia, PARAMS.cog_height) == (REFERENCE.I_z, REFERENCE.h_s)
    assert (PARAMS.length, PARAMS.width) == (REFERENCE.l, REFERENCE.w)
    assert PARAMS.wheelbase == pytest.approx(REFERENCE.a + REFERENCE.b, abs=1e-12)
    assert PARAMS.max_steering_rate == REFERENCE.steering.v_max
    load_front = REFERENCE.m * 9.81 * REFERENCE.b / (REFERENCE.a + REFERENCE.b)
    assert PARAMS.front_stiffness == pytest.approx(-REFERENCE.tire.p_ky1 * load_front, rel=1e-12)


@pytest.mark.parametrize("velocity", [4.0, 4.5, 8.0, 15.0, 30.0])
@pytest.mark.parametrize("inputs", [(0.0, 0.0), (0.3, 1.5), (-0.35, -7.5)])
def test_derivatives_above_the_blend_are_those_of_the_single_track(velocity, inputs):
    state = (3.0, -2.0, 0.11, velocity, 0.7, 0.2, -0.03)
    want = vehicle_dynamics_st(list(state), list(inputs), REFERENCE)
    assert derivatives(state, *inputs, PARAMS) == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("velocity", [-3.0, 0.0, 0.05, 1.0, 2.0])
@pytest.mark.parametrize("inputs", [(0.0, 0.0), (0.3, 1.5), (-0.35, -7.5)])
def test_derivatives_below_the_blend_are_kinematic(velocity, inputs):
    state = (3.0, -2.0, 0.4, velocity, 0.7, 0.0, 0.0)
    want = vehicle_dynamics_ks_cog(list(state[:5]), list(inputs), REFERENCE)
    assert derivatives(state, *inputs, PARAMS)[:5] == pytest.approx(want, abs=1e-9)


def test_between_them_the_derivatives_pass_smoothly_from_one_to_the_other():
    def slope(velocity):
        return np.array(derivatives((0.0, 0.0, 0.2, velocity, 0.3, 0.5, 0.08), 0.1, 0.5, PARAMS))

    velocities = np.linspace(2.0, 4.0, 201)
    slopes = np.array([slope(v) for v in velocities])[:, [0, 1, 4]]
    assert np.abs(np.diff(slopes, axis=0)).max() < 0.02


def run(velocity, inputs, model, count=300):
    """Our trajectory and the reference's, (count, n)."""
    tangent = math.tan(0.05)
    slip = math.atan(tangent * PARAMS.lr / PARAMS.wheelbase)
    yaw_rate = velocity * math.cos(slip) * tangent / PARAMS.wheelbase
    ours = (1.0, 2.0, 0.05, velocity, -0.4, yaw_rate, slip)
    reference = np.array(ours[: 7 if model is vehicle_dynamics_st else 5])
    got, want = [], []
    for i in range(count):
        steering_rate = inputs[0] * math.cos(0.03 * i)
        ours = runge_kutta(ours, steering_rate, inputs[1], PARAMS, H)
        reference = reference_step(model, reference, (steering_rate, inputs[1]))
        got.append(ours[: len(reference)])
        want.append(reference)
    return np.array(got), np.array(want)


@pytest.mark.parametrize(
    ("velocity", "inputs"), [(5.0, (0.1, 0.0)), (12.0, (-0.08, 1.0)), (25.0, (0.03, -2.0))]
)
def test_three_seconds_above_the_blend_follow_the_single_track(velocity, inputs):
    got, want = run(velocity, inputs, vehicle_dynamics_st)
    assert np.abs(got - want).max() < 1e-9


@pytest.mark.parametrize(
    ("velocity", "inputs"), [(-2.0, (0.2, 0.3)), (0.0, (0.3, 0.0)), (0.1, (-0.3, 0.5)), (1.9, (0.3, -0.6))]
)
def test_three_seconds_below_the_blend_are_kinematic(velocity, inputs):
    got, want = run(velocity, inputs, vehicle_dynamics_ks_cog)
    assert np.abs(got - want).max() < 1e-9


@pytest.mark.parametrize(
    ("speed", "acceleration", "model"),
    [
        (10.0, 1.0, vehicle_dynamics_st),
        (18.0, -4.0, vehicle_dynamics_st),
        (0.5, 0.4, vehicle_dynamics_ks_cog),
    ],
)
def test_the_whole_car_is_the_reference_behind_its_actuator(speed, acceleration, model):
    """Reference point moved from the centre of mass to the rear axle, steering behind lag and rate limit."""
    command = 0.12
    state = VehicleState.at(x=5.0, y=-3.0, yaw=0.3, speed=speed)
    x = np.array(
        [5.0 + PARAMS.lr * math.cos(0.3), -3.0 + PARAMS.lr * math.sin(0.3), 0.0, speed, 0.3, 0.0, 0.0]
    )
    x = x[: 7 if model is vehicle_dynamics_st else 5]
    for _ in range(40):
        state = step(state, VehicleInput(command, acceleration), PARAMS, 0.05)
        for _ in range(5):
            rate = (command - x[2]) * (1.0 - math.exp(-H / PARAMS.steering_time_constant)) / H
            x = reference_step(model, x, (min(max(rate, -0.4), 0.4), acceleration))
        slip = x[6] if len(x) == 7 else math.atan(math.tan(x[2]) * PARAMS.lr / PARAMS.wheelbase)
        want = (
            x[0] - PARAMS.lr * math.cos(x[4]),
            x[1] - PARAMS.lr * math.sin(x[4]),
            x[4],
            x[3] * math.cos(slip),
            x[2],
        )
        got = (state.x, state.y, state.yaw, state.speed, state.steering_angle)
        assert np.array(got) == pytest.approx(np.array(want), abs=1e-9)
