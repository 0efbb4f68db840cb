"""The law that turns held keys into steering, asked in the browser itself."""

from math import tan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.browser.page import Opened

DT = 0.05
WHEELBASE, FULL_LOCK = 2.7, 0.6  # [m], [rad]
_RAMP = """async ([directions, speed]) => {
  const { rampSteering } = await import("/shared/steering.js");
  let steering = 0;
  return directions.map((direction) => (steering = rampSteering(steering, direction, speed, 0.05)));
}"""


@pytest.fixture
def ramp(viewed: tuple[str, Path], visit) -> Any:
    """`ramp(directions, speed)`: steering after each step; a direction is 1 left, -1 right, 0 no key."""
    opened: Opened = visit(viewed[0])
    return lambda directions, speed: np.array(opened.page.evaluate(_RAMP, [directions, speed]))


def test_keys_make_smooth_curves(ramp) -> None:
    for speed in (0.0, 3.0, 8.0, 15.0, 30.0):
        held = ramp([1] * 40, speed)
        change = np.diff(np.r_[0.0, held])
        assert np.all(change >= 0.0)
        limit = held[-1]
        assert change.max() <= limit * DT / 0.7 + 1e-9  # from straight to the limit in 0.7 s, not at once
        assert held[round(0.7 / DT) + 1] == limit
        lateral_acceleration = speed**2 * tan(limit * FULL_LOCK) / WHEELBASE
        assert lateral_acceleration <= 6.1
        np.testing.assert_allclose(ramp([-1] * 40, speed), -held)


def test_the_same_key_steers_less_at_speed_and_a_tap_is_a_nudge(ramp) -> None:
    limits = [ramp([1] * 40, speed)[-1] for speed in (0.0, 5.0, 10.0, 20.0)]
    assert limits[0] == 1.0
    assert np.all(np.diff(limits) < 0.0)
    tap = ramp([1, 0, 0, 0], 12.0)
    assert 0.0 < tap[0] < 0.02


def test_released_keys_centre_the_wheel_and_the_other_key_turns_it_faster(ramp) -> None:
    let_go = ramp([1] * 20 + [0] * 20, 8.0)
    assert np.all(np.diff(let_go[20:]) <= 0.0)
    assert let_go[20 + round(0.5 / DT)] < 0.1 * let_go[19]
    assert let_go[-1] < 0.01
    turned = ramp([1] * 20 + [-1] * 20, 8.0)
    assert turned[20] < let_go[19]
    assert -np.diff(turned)[19] > np.diff(np.r_[0.0, turned]).max()
    assert turned[-1] == -turned[19]
