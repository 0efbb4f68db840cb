"""The curves of OpenDRIVE: reference lines from their pieces, piecewise cubics along a road."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.core.portable_math_arrays import atan2_array, hypot_array, sincos_array

Array = NDArray[np.float64]

# Gauss-Legendre on [0, 1], 12 nodes: the lower half, the upper one mirrors it.
_LOW_NODES = (
    0.009219682876640375, 0.04794137181476257, 0.11504866290284765,
    0.2063410228566913, 0.3160842505009099, 0.43738329574426554,
)  # fmt: skip
_NODES = np.array([*_LOW_NODES, *(1.0 - node for node in reversed(_LOW_NODES))])
_WEIGHTS = (
    0.023587668193255914, 0.05346966299765921, 0.08003916427167311,
    0.10158371336153296, 0.1167462682691774, 0.12457352290670139,
)  # fmt: skip
_TURN_PER_PANEL = 0.7  # [rad]: 12 nodes then integrate a heading to 1e-15


def _integral(values: Array) -> Array:
    """(n,) integrals over [0, 1] of what has (n, 12) values at the nodes: a sum in one fixed order."""
    total = np.zeros(len(values))
    for k, weight in enumerate(_WEIGHTS):
        total += weight * (values[:, k] + values[:, -1 - k])
    return total


class Cubics:
    """A piecewise cubic of s: a + b ds + c ds^2 + d ds^3, with ds = s - start of the record."""

    def __init__(self, records: Sequence[tuple[float, float, float, float, float]] = ()) -> None:
        ordered = sorted(records, key=lambda record: record[0])  # stable: the later of two equals wins
        table = np.array(ordered, np.float64).reshape(-1, 5)
        self.starts: Array = table[:, 0]
        self.coefficients: Array = table[:, 1:]

    def __bool__(self) -> bool:
        return len(self.starts) > 0

    def __call__(self, s: ArrayLike) -> Array:
        """Values at s, of the same shape; 0 before the first record and without records."""
        s = np.asarray(s, np.float64)
        if not len(self.starts):
            return np.zeros(s.shape)
        i = np.searchsorted(self.starts, s, side="right") - 1
        a, b, c, d = self.coefficients[np.maximum(i, 0)].T
        ds = s - self.starts[np.maximum(i, 0)]
        return np.where(i >= 0, a + ds * (b + ds * (c + ds * d)), 0.0)

    def held_from(self, s: float) -> "Cubics":
        """The same, with the first record's first value held from s on."""
        if not len(self.starts) or self.starts[0] <= s:
            return self
        table = np.column_stack([self.starts, self.coefficients])
        return Cubics([(s, float(table[0, 1]), 0.0, 0.0, 0.0), *map(tuple, table.tolist())])


class Curve(ABC):
    """One piece of a reference line in its own frame: it starts at (0, 0) along +x."""

    length: float  # [m]

    @abstractmethod
    def evaluate(self, s: Array) -> tuple[Array, Array, Array]:
        """(x, y, yaw) at arc lengths s (n,), in the piece's frame [m, m, rad]."""


@dataclass(frozen=True)
class Arc(Curve):
    """Constant curvature; a straight line where it is 0.

    The chord to s has the length s sin(k s / 2) / (k s / 2) and the direction k s / 2.
    """

    length: float
    curvature: float = 0.0  # left positive [1/m]

    def evaluate(self, s: Array) -> tuple[Array, Array, Array]:
        """See `Curve.evaluate`."""
        return _arcs(np.full(len(s), self.curvature), s)


def _arcs(curvature: Array, s: Array) -> tuple[Array, Array, Array]:
    """(x, y, yaw) at arc length s on arcs of each its curvature."""
    half = 0.5 * curvature * s
    sine, cosine = sincos_array(half)
    flat = half == 0.0
    chord = s * np.where(flat, 1.0, sine / np.where(flat, 1.0, half))
    return chord * cosine, chord * sine, 2.0 * half


@dataclass(frozen=True)
class Spiral(Curve):
    """An Euler spiral (clothoid): curvature linear in s; an arc where both ends are equal.

    yaw(s) = k0 s + (k1 - k0) s^2 / (2 L); the position is the integral of its cosine and sine, by
    Gauss-Legendre panels that each turn less than 0.7 rad.
    """

    length: float
    curvature_start: float  # [1/m]
    curvature_end: float  # [1/m]

    def _yaw(self, s: Array) -> Array:
        rate = (self.curvature_end - self.curvature_start) / self.length if self.length > 0.0 else 0.0
        return s * (self.curvature_start + 0.5 * rate * s)

    def evaluate(self, s: Array) -> tuple[Array, Array, Array]:
        """See `Curve.evaluate`."""
        knots, before = self._table
        i = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
        x, y = before[:, i] + self._integrals(knots[i], s - knots[i])
        return x, y, self._yaw(s)

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """(s, (2, n) positions there): where the panels begin."""
        turn = max(abs(self.curvature_start), abs(self.curvature_end)) * self.length
        knots = np.linspace(0.0, self.length, 2 + int(turn / _TURN_PER_PANEL))
        whole = self._integrals(knots[:-1], np.diff(knots))
        return knots, np.concatenate([np.zeros((2, 1)), np.cumsum(whole, axis=1)], axis=1)

    def _integrals(self, start: Array, length: Array) -> Array:
        """(2, n) integrals of (cos, sin) of the yaw over [start, start + length]."""
        yaw = self._yaw(start[:, None] + length[:, None] * _NODES)
        sine, cosine = sincos_array(yaw)
        return length * np.stack([_integral(cosine), _integral(sine)])


@dataclass(frozen=True)
class ParametricCubic(Curve):
    """(u(p), v(p)), two cubics of a parameter p, taken by arc length.

    The parameter of an arc length is found from a table of Gauss-Legendre integrals of the speed
    |(u', v')| and Newton steps. With `p_end` the whole of [0, p_end] is spread over `length`, so that the
    piece ends where its next one starts; without it p runs on until the arc length is used up.
    """

    length: float
    u: tuple[float, float, float, float]
    v: tuple[float, float, float, float]
    p_end: float | None = 1.0

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """(p, s): arc lengths at evenly spaced parameters."""
        end = self.p_end if self.p_end is not None else self.length
        knots = np.linspace(0.0, end, 8 + int(self.length))
        for _ in range(60):
            step = np.diff(knots)
            integrals = step * _integral(self._speed(knots[:-1, None] + step[:, None] * _NODES))
            s = np.concatenate([[0.0], np.cumsum(integrals)])
            if self.p_end is not None or s[-1] >= self.length:
                break
            knots = knots * 1.1 * self.length / max(s[-1], 0.5 * self.length)
        return knots, s

    def _derivatives(self, p: Array) -> tuple[Array, Array]:
        (_, bu, cu, du), (_, bv, cv, dv) = self.u, self.v
        return bu + p * (2.0 * cu + p * 3.0 * du), bv + p * (2.0 * cv + p * 3.0 * dv)

    def _speed(self, p: Array) -> Array:
        return hypot_array(*self._derivatives(p))

    @property
    def true_length(self) -> float:
        """Arc length of the curve over its whole parameter range [m]."""
        return float(self._table[1][-1])

    def parameter(self, s: Array) -> Array:
        """The parameters of arc lengths s (n,)."""
        knots, table = self._table
        if self.p_end is not None and self.length > 0.0:
            s = s * (table[-1] / self.length)
        i = np.clip(np.searchsorted(table, s, side="right") - 1, 0, len(knots) - 2)
        p = knots[i] + (s - table[i]) * (knots[i + 1] - knots[i]) / np.maximum(table[i + 1] - table[i], 1e-12)
        for _ in range(3):
            along = (p - knots[i])[:, None]
            arc = table[i] + (p - knots[i]) * _integral(self._speed(knots[i][:, None] + along * _NODES))
            p = p - (arc - s) / np.maximum(self._speed(p), 1e-9)
        return p

    def evaluate(self, s: Array) -> tuple[Array, Array, Array]:
        """See `Curve.evaluate`."""
        p = self.parameter(s)
        (au, bu, cu, du), (av, bv, cv, dv) = self.u, self.v
        x, y = au + p * (bu + p * (cu + p * du)), av + p * (bv + p * (cv + p * dv))
        slope_x, slope_y = self._derivatives(p)
        return x, y, atan2_array(slope_y, slope_x)


def cubic(length: float, a: float, b: float, c: float, d: float) -> ParametricCubic:
    """The curve v(u) = a + b u + c u^2 + d u^3 of a `poly3`, taken by arc length."""
    return ParametricCubic(length, (0.0, 1.0, 0.0, 0.0), (a, b, c, d), None)


@dataclass(frozen=True)
class Piece:
    """A curve at its place along and in the plane."""

    s: float  # where it starts along the road [m]
    x: float  # [m]
    y: float
    yaw: float  # [rad]
    curve: Curve


class ReferenceLine:
    """The plan view of a road: pieces by arc length s."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = sorted(pieces, key=lambda piece: piece.s)
        self.starts = np.array([piece.s for piece in self.pieces])
        self._x, self._y, self._yaw = np.array([(p.x, p.y, p.yaw) for p in self.pieces]).T
        self._sine, self._cosine = sincos_array(self._yaw)
        # of arcs and lines, which are evaluated all at once; NaN of other curves
        self._curvature = np.array([getattr(p.curve, "curvature", np.nan) for p in self.pieces])

    @property
    def length(self) -> float:
        """[m]."""
        return self.pieces[-1].s + self.pieces[-1].curve.length

    def evaluate(self, s: ArrayLike) -> Array:
        """(3, n): x, y [m] and yaw [rad] at s (n,); beyond the ends the outer pieces go on."""
        s = np.atleast_1d(np.asarray(s, np.float64))
        which = np.maximum(np.searchsorted(self.starts, s, side="right") - 1, 0)
        within = s - self.starts[which]
        curvature = self._curvature[which]
        bent = np.isnan(curvature)
        u, v, yaw = _arcs(np.where(bent, 0.0, curvature), within)
        for i in set(which[bent].tolist()):
            chosen = which == i
            u[chosen], v[chosen], yaw[chosen] = self.pieces[i].curve.evaluate(within[chosen])
        sine, cosine = self._sine[which], self._cosine[which]
        x = self._x[which] + cosine * u - sine * v
        y = self._y[which] + sine * u + cosine * v
        return np.stack([x, y, self._yaw[which] + yaw])
