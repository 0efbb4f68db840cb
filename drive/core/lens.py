"""Lens distortion: from where an ideal pinhole shows a point to where a real lens shows it, and back.

Points are in normalised image coordinates: right and down of the optical axis, in focal lengths. The models
and the order of their coefficients are OpenCV's (`cv2.projectPoints`, `cv2.fisheye.projectPoints`).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from drive.core.portable_math_arrays import atan2_array, hypot_array, sincos_array

Array = NDArray[np.float64]
# Model -> its coefficients: Brown, Close-range camera calibration, 1971; Kannala and Brandt, A generic camera
# model, 2006 (an equidistant fisheye when all are 0).
LENSES = {
    "pinhole": (),
    "brown-conrady": ("k1", "k2", "p1", "p2", "k3"),
    "kannala-brandt": ("k1", "k2", "k3", "k4"),
}
_ITERATIONS = 60
_CLOSE = 1e-10  # [focal lengths]


def distort(lens: str, coefficients: Sequence[float], x: Array, y: Array) -> tuple[Array, Array]:
    """Where a lens shows the ray (x, y, 1).

    Args:
        lens: a key of `LENSES`.
        coefficients: as many as `LENSES[lens]` names.
        x: of any shape.
        y: of the same shape.
    """
    if lens == "brown-conrady":
        xd, yd, *_ = _brown_conrady(coefficients, x, y)
        return xd, yd
    if lens == "kannala-brandt":
        r = hypot_array(x, y)
        bent, _ = _odd_polynomial(coefficients, atan2_array(r, np.ones_like(r)))
        scale = np.where(r > 0.0, bent / np.where(r > 0.0, r, 1.0), 1.0)
        return x * scale, y * scale
    return x, y


def undistort(lens: str, coefficients: Sequence[float], xd: Array, yd: Array) -> tuple[Array, Array]:
    """The ray (x, y, 1) that a lens shows at (xd, yd): `distort` inverted by Newton's method.

    Returns:
        x and y; NaN where no ray before the camera is shown, or where the model folds over.
    """
    with np.errstate(all="ignore"):
        if lens == "brown-conrady":
            return _undistort_brown_conrady(coefficients, xd, yd)
        if lens == "kannala-brandt":
            r = hypot_array(xd, yd)
            theta = _solve(lambda t: _odd_polynomial(coefficients, t), r)
            sine, cosine = sincos_array(theta)
            scale = np.where(r > 0.0, sine / cosine / np.where(r > 0.0, r, 1.0), 1.0)
            scale = np.where(cosine > 1e-6, scale, np.nan)
            return xd * scale, yd * scale
    return xd, yd


def radius_of(lens: str, coefficients: Sequence[float], angle: float) -> float:
    """How far from the axis, in focal lengths, a lens shows what lies `angle` [rad] off it (p1 = p2 = 0)."""
    sine, cosine = sincos_array(angle)
    straight = [
        c if name.startswith("k") else 0.0 for name, c in zip(LENSES[lens], coefficients, strict=True)
    ]
    return float(distort(lens, straight, np.asarray(sine / cosine), np.zeros(()))[0])


def _odd_polynomial(coefficients: Sequence[float], theta: Array) -> tuple[Array, Array]:
    """Angle theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8) and its derivative."""
    k1, k2, k3, k4 = coefficients
    q = theta * theta
    value = theta * (1.0 + q * (k1 + q * (k2 + q * (k3 + q * k4))))
    slope = 1.0 + q * (3.0 * k1 + q * (5.0 * k2 + q * (7.0 * k3 + q * 9.0 * k4)))
    return value, slope


def _brown_conrady(
    coefficients: Sequence[float], x: Array, y: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """The distorted point and the Jacobian's xx, xy (= yx) and yy."""
    k1, k2, p1, p2, k3 = coefficients
    q = x * x + y * y
    radial = 1.0 + q * (k1 + q * (k2 + q * k3))
    slope = 2.0 * (k1 + q * (2.0 * k2 + q * 3.0 * k3))
    xd = x * radial + 2.0 * p1 * x * y + p2 * (q + 2.0 * x * x)
    yd = y * radial + p1 * (q + 2.0 * y * y) + 2.0 * p2 * x * y
    xx = radial + x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x
    xy = x * y * slope + 2.0 * p1 * x + 2.0 * p2 * y
    yy = radial + y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x
    return xd, yd, xx, xy, yy


def _undistort_brown_conrady(coefficients: Sequence[float], xd: Array, yd: Array) -> tuple[Array, Array]:
    x, y = xd, yd
    for _ in range(_ITERATIONS):
        at_x, at_y, xx, xy, yy = _brown_conrady(coefficients, x, y)
        ex, ey = xd - at_x, yd - at_y
        determinant = xx * yy - xy * xy
        x, y = x + (yy * ex - xy * ey) / determinant, y + (xx * ey - xy * ex) / determinant
    at_x, at_y, xx, xy, yy = _brown_conrady(coefficients, x, y)
    good = (abs(at_x - xd) < _CLOSE) & (abs(at_y - yd) < _CLOSE) & (xx > 0.0) & (xx * yy - xy * xy > 0.0)
    return np.where(good, x, np.nan), np.where(good, y, np.nan)


def _solve(function: Callable[[Array], tuple[Array, Array]], wanted: Array) -> Array:
    """Where a rising function (value, slope) is as wanted; NaN where Newton's method finds no such place."""
    t = wanted
    for _ in range(_ITERATIONS):
        value, slope = function(t)
        t = t + (wanted - value) / slope
    value, slope = function(t)
    return np.where((abs(value - wanted) < _CLOSE) & (slope > 0.0) & (t >= 0.0), t, np.nan)
