import math

import numpy as np
import pytest

from drive.control.following import acc_acceleration, constant_acceleration_heuristic, idm_acceleration


def equilibrium_gap(speed, desired, headway=1.5, min_gap=2.0):
    return (min_gap + speed * headway) / math.sqrt(1.0 - (speed / desired) ** 4)


@pytest.mark.parametrize("speed", [0.0, 5.0, 10.0, 18.0])
@pytest.mark.parametrize("law", [idm_acceleration, acc_acceleration])
def test_at_the_equilibrium_gap_nobody_accelerates(law, speed):
    gap = equilibrium_gap(speed, 20.0)
    assert law(speed, 20.0, gap, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert law(speed, 20.0, 1.02 * gap, 0.0) > 0.0
    assert law(speed, 20.0, 0.98 * gap, 0.0) < 0.0


def test_a_free_road_gives_the_textbook_acceleration():
    assert idm_acceleration(0.0, 20.0, 1e9, 0.0) == pytest.approx(1.5)
    assert idm_acceleration(10.0, 20.0, 1e9, 0.0) == pytest.approx(1.5 * (1.0 - 0.5**4))
    assert idm_acceleration(20.0, 20.0, 1e9, 0.0) == pytest.approx(0.0, abs=1e-9)


def test_the_heuristic_is_the_deceleration_that_just_avoids_a_crash():
    # a standing lead: v^2 / (2 gap)
    assert constant_acceleration_heuristic(10.0, 25.0, -10.0, 0.0, 1.5) == pytest.approx(-2.0)
    # a steady lead: (v - v_lead)^2 / (2 gap)
    assert constant_acceleration_heuristic(10.0, 25.0, -4.0, 0.0, 1.5) == pytest.approx(-16.0 / 50.0)
    # a lead that brakes to a stop: both stopping distances, v^2 / (2 (gap + v_lead^2 / (2 b)))
    want = -(10.0**2) / (2.0 * (5.0 + 10.0**2 / 8.0))
    assert constant_acceleration_heuristic(10.0, 5.0, 0.0, -4.0, 1.5) == pytest.approx(want)
    assert constant_acceleration_heuristic(0.0, 2.0, 0.0, 0.0, 1.5) == 0.0


def test_a_cut_in_at_equal_speed_is_met_calmly_by_acc_and_harshly_by_idm():
    assert idm_acceleration(15.0, 20.0, 8.0, 0.0) < -10.0
    assert -2.5 < acc_acceleration(15.0, 20.0, 8.0, 0.0) < -0.5


def test_every_state_gives_a_finite_bounded_acceleration():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        speed, gap = rng.uniform(0.0, 40.0), rng.choice([0.0, rng.uniform(0.0, 200.0)])
        lead = rng.uniform(-10.0, 40.0)
        got = acc_acceleration(speed, rng.uniform(1.0, 40.0), gap, lead - speed, rng.uniform(-8.0, 3.0))
        assert -8.0 <= got <= 1.5


def simulate(speed, gap, lead_speeds, desired=15.0, dt=0.05, cut_in=None):
    """Gaps and own speeds behind a lead whose speed is given step by step; cut_in: {step: new gap}."""
    gaps, speeds = [], []
    for k in range(len(lead_speeds) - 1):
        lead, after = lead_speeds[k], lead_speeds[k + 1]
        if cut_in and k in cut_in:
            gap = cut_in[k]
        wanted = acc_acceleration(speed, desired, gap, lead - speed, (after - lead) / dt)
        new = max(speed + wanted * dt, 0.0)
        gap += 0.5 * (lead + after - speed - new) * dt
        speed = new
        gaps.append(gap)
        speeds.append(speed)
    return np.array(gaps), np.array(speeds)


STEPS = 1200
MANOEUVRES = {
    "approaches a stopped car at 15 m/s from 100 m": (15.0, 100.0, np.zeros(STEPS), None),
    "approaches a stopped car at 15 m/s from 45 m": (15.0, 45.0, np.zeros(STEPS), None),
    "the lead brakes from 15 m/s to a stop at 6 m/s^2": (
        15.0,
        equilibrium_gap(15.0, 20.0),
        np.maximum(15.0 - 6.0 * np.maximum(np.arange(STEPS) * 0.05 - 5.0, 0.0), 0.0),
        None,
    ),
    "a slower car cuts in 12 m ahead": (15.0, 80.0, np.full(STEPS, 11.0), {40: 12.0}),
    "creeps up behind a waiting car": (0.0, 30.0, np.zeros(STEPS), None),
}


@pytest.mark.parametrize("name", MANOEUVRES)
def test_manoeuvre(name):
    speed, gap, lead, cut_in = MANOEUVRES[name]
    gaps, speeds = simulate(speed, gap, lead, cut_in=cut_in)
    assert gaps.min() > 0.5, "no contact"
    assert speeds.min() >= 0.0
    assert np.diff(speeds).min() / 0.05 >= -8.0 - 1e-9
    if lead[-1] == 0.0:
        assert speeds[-1] < 0.05
        assert 0.5 < gaps[-1] < 3.5, "stops close behind"
    else:
        assert gaps[-1] == pytest.approx(equilibrium_gap(11.0, 15.0), rel=0.02)
