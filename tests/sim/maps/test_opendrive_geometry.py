"""Reference lines against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import fresnel

from drive.sim.maps.opendrive_geometry import (
    Arc,
    Cubics,
    Curve,
    ParametricCubic,
    Piece,
    ReferenceLine,
    Spiral,
    cubic,
)

CURVES: list[Curve] = [
    Arc(40.0),
    Arc(40.0, 0.05),
    Arc(40.0, -1e-9),
    Spiral(60.0, 0.0, 0.02),
    Spiral(60.0, -0.03, 0.03),
    Spiral(30.0, 0.1, 0.1),
    Spiral(200.0, 0.0, 0.5),
    cubic(40.0, 0.0, 0.0, 0.01, -1e-4),
    cubic(40.0, 1.0, 2.0, 0.05, 0.0),
    ParametricCubic(10.0, (0.0, 10.0, 0.0, 0.0), (0.0, 0.0, 4.0, -2.0)),
    ParametricCubic(20.0, (0.0, 0.2, 0.04, 0.0), (0.0, 0.0, 0.01, 0.0), 20.0),
]


@pytest.mark.parametrize("curve", CURVES, ids=lambda c: f"{type(c).__name__} {c.length:g}")
def test_yaw_is_the_direction_of_the_positions(curve: Curve) -> None:
    s = np.linspace(0.0, curve.length, 4001)
    x, y, yaw = curve.evaluate(s)
    direction = np.arctan2(np.diff(y), np.diff(x))
    middle = curve.evaluate(0.5 * (s[:-1] + s[1:]))[2]
    turn = (direction - middle + np.pi) % (2.0 * np.pi) - np.pi
    assert np.abs(turn).max() < 1e-4
    assert np.all(np.isfinite(yaw))


@pytest.mark.parametrize("curve", CURVES[:9], ids=lambda c: f"{type(c).__name__} {c.length:g}")
def test_s_is_arc_length(curve: Curve) -> None:
    s = np.linspace(0.0, curve.length, 20001)
    x, y, _ = curve.evaluate(s)
    assert np.hypot(np.diff(x), np.diff(y)) == pytest.approx(np.diff(s), rel=2e-6)


def test_arc_ends_where_trigonometry_says() -> None:
    radius, angle = 20.0, np.pi / 2.0
    x, y, yaw = Arc(radius * angle, 1.0 / radius).evaluate(np.array([radius * angle]))
    assert (x[0], y[0], yaw[0]) == pytest.approx((radius, radius, angle), abs=1e-12)


def test_arc_without_curvature_is_the_line() -> None:
    x, y, yaw = Arc(7.0, 0.0).evaluate(np.array([0.0, 3.0, 7.0]))
    assert x.tolist() == [0.0, 3.0, 7.0] and not y.any() and not yaw.any()


def test_clothoid_is_the_fresnel_integral() -> None:
    length, end = 80.0, 0.04
    a = np.sqrt(np.pi * length / end)
    s = np.linspace(0.0, length, 9)
    y, x = (a * part for part in fresnel(s / a))
    got = Spiral(length, 0.0, end).evaluate(s)
    assert got[0] == pytest.approx(x, abs=1e-11)
    assert got[1] == pytest.approx(y, abs=1e-11)
    assert got[2][-1] == pytest.approx(0.5 * end * length)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-0.2, 0.2, allow_subnormal=False),
    st.floats(-0.2, 0.2, allow_subnormal=False),
    st.floats(1.0, 120.0),
)
def test_spiral_is_the_integral_of_its_heading(start: float, end: float, length: float) -> None:
    def yaw(s: float) -> float:
        return start * s + 0.5 * (end - start) / length * s * s

    got = Spiral(length, start, end).evaluate(np.array([length]))
    x = quad(lambda s: np.cos(yaw(s)), 0.0, length, limit=400, epsabs=1e-11)[0]
    y = quad(lambda s: np.sin(yaw(s)), 0.0, length, limit=400, epsabs=1e-11)[0]
    assert (got[0][0], got[1][0]) == pytest.approx((x, y), abs=1e-8)


def test_spiral_with_equal_ends_is_the_arc() -> None:
    s = np.linspace(0.0, 50.0, 11)
    assert np.array(Spiral(50.0, 0.02, 0.02).evaluate(s)) == pytest.approx(
        np.array(Arc(50.0, 0.02).evaluate(s)), abs=1e-12
    )


def test_reversed_spiral_comes_back() -> None:
    there = ReferenceLine([Piece(0.0, 3.0, -2.0, 0.4, Spiral(50.0, 0.01, 0.05))])
    x, y, yaw = there.evaluate([50.0])[:, 0]
    back = ReferenceLine([Piece(0.0, x, y, yaw + np.pi, Spiral(50.0, -0.05, -0.01))])
    assert back.evaluate([50.0])[:2, 0] == pytest.approx((3.0, -2.0), abs=1e-10)


def test_poly3_lies_on_its_polynomial() -> None:
    s = np.linspace(0.0, 40.0, 50)
    u, v, yaw = cubic(40.0, 0.5, 0.1, 0.02, -3e-4).evaluate(s)
    assert v == pytest.approx(0.5 + u * (0.1 + u * (0.02 + u * -3e-4)))
    assert np.tan(yaw) == pytest.approx(0.1 + 2 * 0.02 * u - 3 * 3e-4 * u * u)
    assert u[-1] < 40.0


def test_parameter_range_does_not_change_the_curve() -> None:
    s = np.linspace(0.0, 20.0, 21)
    normalized = ParametricCubic(20.0, (0.0, 20.0, -1.0, 0.5), (0.0, 0.0, 3.0, -1.0), 1.0)
    scaled = ParametricCubic(
        20.0, (0.0, 1.0, -1.0 / 400, 0.5 / 8000), (0.0, 0.0, 3.0 / 400, -1.0 / 8000), 20.0
    )
    assert np.array(normalized.evaluate(s)) == pytest.approx(np.array(scaled.evaluate(s)), abs=1e-9)


def test_parameter_that_is_no_arc_length_is_taken_by_arc_length() -> None:
    # p runs slowly first: halfway in p is a quarter of the way
    curve = ParametricCubic(100.0, (0.0, 0.0, 0.01, 0.0), (0.0, 0.0, 0.0, 0.0), 100.0)
    assert curve.true_length == pytest.approx(100.0)
    assert curve.evaluate(np.array([25.0, 50.0, 75.0]))[0] == pytest.approx([25.0, 50.0, 75.0], abs=1e-6)


def test_cubics_use_the_record_before_s_and_nothing_before_the_first() -> None:
    table = Cubics([(10.0, 2.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.5, 0.0, 0.0), (20.0, 0.0, 0.0, 1.0, 0.1)])
    assert table([-1.0, 0.0, 4.0, 10.0, 22.0]).tolist() == pytest.approx([0.0, 1.0, 3.0, 2.0, 4.8])
    assert Cubics()([1.0, 2.0]).tolist() == [0.0, 0.0]
    assert Cubics([(10.0, 2.0, 1.0, 0.0, 0.0)]).held_from(0.0)([0.0, 5.0, 11.0]).tolist() == [2.0, 2.0, 3.0]
