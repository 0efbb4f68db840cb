"""Comfort against motions whose derivatives are known."""

import numpy as np
import pytest

from drive.scoring.comfort import comfort_nuplan_formula, comfort_time_share_formula, ride, window_samples
from tests.scoring.episodes import episode

T = 0.05 * np.arange(101)


def test_windows_are_odd_and_of_the_named_length() -> None:
    assert window_samples(0.8, 0.05) == 17
    assert window_samples(1.5, 0.05) == 31
    assert window_samples(1.5, 0.1) == 17  # 16 steps of 0.1 s: 15 is odd already, but spans 1.4 s only


def test_derivatives_of_polynomials_are_exact() -> None:
    felt = ride(episode(100, acceleration=1.0 + 0.5 * T, yaw_rate=0.1 * T, speed=10.0))
    assert felt is not None
    assert felt.longitudinal_acceleration == pytest.approx(1.0 + 0.5 * T)
    assert felt.longitudinal_jerk == pytest.approx(np.full(101, 0.5))
    assert felt.yaw_acceleration == pytest.approx(np.full(101, 0.1))
    assert felt.lateral_acceleration == pytest.approx(T)
    assert felt.jerk == pytest.approx(np.full(101, np.hypot(0.5, 1.0)))


@pytest.mark.parametrize(
    ("changes", "comfortable"),
    [
        ({"acceleration": 2.39}, True),
        ({"acceleration": 2.41}, False),
        ({"acceleration": -4.04}, True),
        ({"acceleration": -4.06}, False),
        ({"yaw_rate": 0.488}, True),  # 4.88 m/s^2 at 10 m/s
        ({"yaw_rate": 0.49}, False),
        ({"yaw_rate": 0.94, "speed": 1.0}, True),
        ({"yaw_rate": 0.96, "speed": 1.0}, False),
        ({"acceleration": 4.1 * (T - 2.5).clip(-0.5, 0.5)}, True),  # jerk 4.1 m/s^3 for 1 s
        ({"acceleration": 4.4 * (T - 2.5).clip(-0.8, 0.53)}, False),  # 4.4 m/s^3
    ],
)
def test_bounds(changes: dict, comfortable: bool) -> None:
    assert comfort_nuplan_formula(episode(100, **changes)).value == comfortable


def test_share_of_time() -> None:
    acceleration = np.where(T < 2.5, 0.0, 30.0)
    share = comfort_time_share_formula(episode(100, acceleration=acceleration)).value
    assert 0.3 < share < 0.5  # the filter's 1.5 s window smears the edge


def test_a_failed_drive_is_not_comfortable() -> None:
    calm = {"failure": "act raised ValueError: no at step 100"}
    assert comfort_nuplan_formula(episode(100, **calm)).value == 0.0
    assert comfort_time_share_formula(episode(100, **calm)).value == 0.0


def test_too_short_to_measure() -> None:
    assert not comfort_nuplan_formula(episode(29)).valid
    assert comfort_nuplan_formula(episode(30)).valid
