import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .roads import arc, lane, straight


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(6.0, 300.0),
    left=st.booleans(),
    share=st.floats(0.02, 0.98),
    d=st.floats(-2.0, 2.0, allow_subnormal=False),
)
def test_positions_on_an_arc(radius, left, share, d):
    side = 1.0 if left else -1.0
    angle = min(1.5, 200.0 / radius)
    item = lane(0, arc(radius, side * angle, 0.3))
    true = np.array([math.sin(share * angle), side * (1.0 - math.cos(share * angle))]) * radius
    normal = np.array([-side * math.sin(share * angle), math.cos(share * angle)])
    np.testing.assert_allclose(item.position(share * item.length, d)[:2], true + d * normal, atol=0.01)


def test_signs_are_left_positive_in_driving_direction():
    east, west = lane(0, straight(20.0)), lane(1, straight(20.0, (20.0, 3.5), math.pi))
    np.testing.assert_allclose(east.position(4.0, 2.0), [4.0, 2.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(west.position(5.0, -1.0), [15.0, 4.5, 0.0], atol=1e-12)
    assert west.heading_at(3.0) == pytest.approx(math.pi)


def test_shapes_are_kept():
    item = lane(0, straight(20.0))
    assert item.position(np.zeros((4, 3)), 0.5).shape == (4, 3, 3)
