"""Sine, cosine, arctangent and exponential from additions and products alone.

libm differs in the last bits between processors and systems; these give the same bits everywhere
(IEEE 754 basic operations only), so that states and frames can be hashed. Taylor series on reduced
arguments (`elementary_arrays.py`); absolute error below 3e-16 for |x| < 1e5 (relative for `exp`).
"""

import math

from drive.core.kernels import kernel
from drive.core.portable_math_arrays import (
    ATANS,
    HALF_PI,
    PI,
    PIO2_A,
    PIO2_B,
    PIO2_C,
    TWO_OVER_PI,
    atan_reduced,
    cos_reduced,
    sin_reduced,
)

TWO_PI = 2.0 * PI
_LN2_HIGH = 0.6931471803691238
_LN2_LOW = 1.9082149292705877e-10

_sin_reduced = kernel(sin_reduced)
_cos_reduced = kernel(cos_reduced)
_atan_reduced = kernel(atan_reduced)


@kernel
def sincos(x: float) -> tuple[float, float]:
    """Sine and cosine of x [rad]."""
    k = math.floor(x * TWO_OVER_PI + 0.5)
    r = ((x - k * PIO2_A) - k * PIO2_B) - k * PIO2_C
    s = _sin_reduced(r)
    c = _cos_reduced(r)
    quadrant = int(k) & 3
    if quadrant == 0:
        return s, c
    if quadrant == 1:
        return c, -s
    if quadrant == 2:
        return -s, -c
    return -c, s


@kernel
def sin(x: float) -> float:
    """Sine of x [rad]."""
    return sincos(x)[0]


@kernel
def cos(x: float) -> float:
    """Cosine of x [rad]."""
    return sincos(x)[1]


@kernel
def atan(x: float) -> float:
    """Arctangent [rad], in (-pi/2, pi/2)."""
    a = abs(x)
    inverted = a > 1.0
    if inverted:
        a = 1.0 / a
    k = int(a * 4.0 + 0.5)
    c = 0.25 * k
    r = ATANS[k] + _atan_reduced((a - c) / (1.0 + a * c))
    if inverted:
        r = HALF_PI - r
    return -r if x < 0.0 else r


@kernel
def atan2(y: float, x: float) -> float:
    """Angle of the vector (x, y) [rad], in (-pi, pi]; 0 for the zero vector."""
    if x == 0.0:
        if y == 0.0:
            return 0.0
        return HALF_PI if y > 0.0 else -HALF_PI
    r = atan(y / x)
    if x < 0.0:
        return r + PI if y >= 0.0 else r - PI
    return r


@kernel
def exp(x: float) -> float:
    """Exponential of x; 0 below -708, its value at 709 above that."""
    if x < -708.0:
        return 0.0
    x = min(x, 709.0)
    k = math.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    return math.ldexp(1.0 + (r + r * r * p), int(k))


@kernel
def wrap_angle(x: float) -> float:
    """The same angle in [-pi, pi)."""
    wrapped = x - TWO_PI * math.floor((x + PI) / TWO_PI)
    return wrapped if wrapped < PI else wrapped - TWO_PI
