"""The series behind `drive.core.portable_math`, and its functions for whole arrays, without compiled code.

Additions, products, divisions and roundings alone, in the same order as in the kernels: arrays get the same
bits as scalars, on every machine.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

PI = math.pi
HALF_PI = 0.5 * math.pi
TWO_OVER_PI = 2.0 / math.pi
# pi / 2 in three parts whose first two have trailing zeros, so that k * part is exact for k < 2**20.
PIO2_A = 1.5707963109016418
PIO2_B = 1.5893254712295857e-08
PIO2_C = 6.123233995736766e-17 + (math.pi / 2 - PIO2_A - PIO2_B)
# The arctangents of 0, 1/4, 1/2, 3/4 and 1.
ATANS = (0.0, 0.24497866312686414, 0.4636476090008061, 0.6435011087932844, 0.7853981633974483)


def sin_reduced(x):  # type: ignore[no-untyped-def] # numbers in kernels, arrays here
    """Sine for |x| <= pi / 4."""
    q = x * x
    p = 1.0 / 355687428096000.0
    p = p * q - 1.0 / 1307674368000.0
    p = p * q + 1.0 / 6227020800.0
    p = p * q - 1.0 / 39916800.0
    p = p * q + 1.0 / 362880.0
    p = p * q - 1.0 / 5040.0
    p = p * q + 1.0 / 120.0
    p = p * q - 1.0 / 6.0
    return x + x * (q * p)


def cos_reduced(x):  # type: ignore[no-untyped-def]
    """Cosine for |x| <= pi / 4."""
    q = x * x
    p = 1.0 / 20922789888000.0
    p = p * q - 1.0 / 87178291200.0
    p = p * q + 1.0 / 479001600.0
    p = p * q - 1.0 / 3628800.0
    p = p * q + 1.0 / 40320.0
    p = p * q - 1.0 / 720.0
    p = p * q + 1.0 / 24.0
    return 1.0 - 0.5 * q + q * q * p


def atan_reduced(t):  # type: ignore[no-untyped-def]
    """Arctangent for |t| <= 1 / 8."""
    q = t * t
    p = 1.0 / 17.0
    p = 1.0 / 15.0 - q * p
    p = 1.0 / 13.0 - q * p
    p = 1.0 / 11.0 - q * p
    p = 1.0 / 9.0 - q * p
    p = 1.0 / 7.0 - q * p
    p = 1.0 / 5.0 - q * p
    p = 1.0 / 3.0 - q * p
    return t - t * (q * p)


def sincos_array(x: ArrayLike) -> tuple[Array, Array]:
    """Sine and cosine of angles [rad], of the same shape."""
    x = np.asarray(x, np.float64)
    k = np.floor(x * TWO_OVER_PI + 0.5)
    r = ((x - k * PIO2_A) - k * PIO2_B) - k * PIO2_C
    s, c = sin_reduced(r), cos_reduced(r)
    quadrant = k.astype(np.int64) & 3
    swapped, sine_down, cosine_down = quadrant & 1 == 1, quadrant >= 2, (quadrant + 1) & 2 == 2
    sine, cosine = np.where(swapped, c, s), np.where(swapped, s, c)
    return np.where(sine_down, -sine, sine), np.where(cosine_down, -cosine, cosine)


def atan2_array(y: ArrayLike, x: ArrayLike) -> Array:
    """Angles of vectors (x, y) [rad], in (-pi, pi]; 0 for the zero vector."""
    y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
    upright = x == 0.0
    slope = y / np.where(upright, 1.0, x)
    a = np.abs(slope)
    inverted = a > 1.0
    a = np.where(inverted, 1.0 / np.where(inverted, a, 1.0), a)
    k = (a * 4.0 + 0.5).astype(np.int64)
    c = 0.25 * k
    r = np.array(ATANS)[k] + atan_reduced((a - c) / (1.0 + a * c))
    r = np.where(inverted, HALF_PI - r, r)
    r = np.where(slope < 0.0, -r, r)
    r = np.where(x < 0.0, np.where(y >= 0.0, r + PI, r - PI), r)
    return np.where(upright, np.where(y == 0.0, 0.0, np.where(y > 0.0, HALF_PI, -HALF_PI)), r)


def hypot_array(x: ArrayLike, y: ArrayLike) -> Array:
    """Lengths of vectors (x, y)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.asarray(np.sqrt(x * x + y * y))
