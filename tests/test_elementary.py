import math

import numpy as np
import pytest

from drive import elementary


@pytest.mark.parametrize("name", ["sin", "cos", "atan", "exp"])
def test_elementary_functions_agree_with_libm(name):
    ours, theirs = getattr(elementary, name), getattr(math, name)
    span = 30.0 if name == "exp" else 1000.0
    for x in np.concatenate([np.linspace(-span, span, 20_001), np.linspace(-4, 4, 4001)]):
        scale = theirs(x) if name == "exp" else 1.0
        assert abs(ours(x) - theirs(x)) <= 1e-15 * max(scale, 1.0), x


def test_atan2_agrees_with_libm_in_every_quadrant_and_on_the_axes():
    values = [-3.0, -1.0, -1e-9, 0.0, 1e-9, 0.4, 1.0, 7.0]
    for y in values:
        for x in values:
            assert abs(elementary.atan2(y, x) - math.atan2(y, x)) < 1e-15


def test_wrapped_angles_are_half_open():
    assert elementary.wrap_angle(math.pi) == -math.pi
    assert elementary.wrap_angle(-math.pi) == -math.pi
    assert abs(elementary.wrap_angle(7.0) - (7.0 - 2 * math.pi)) < 1e-15
