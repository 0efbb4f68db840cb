"""The line a generated road follows: straights, arcs and clothoids, traced exactly."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos

MIN_CORNER_RADIUS = 6.0  # of the innermost driven lane's centre [m]
MIN_OPEN_RADIUS = 25.0  # away from corners [m]
CORNER_ANGLES = (math.radians(60.0), math.radians(110.0))
MAX_SHARPNESS = 0.035  # change of curvature along the innermost driven lane [1/m^2] ...
ABRUPT_SHARPNESS = (0.1, 0.2)  # ... and in corners that begin almost at once
CLEARANCE = 30.0  # between the edges of parts of the road that are not neighbours [m]
STATION_STEP = 0.5  # largest distance between samples, on the outermost edge too [m]
_ROOM_STEP = 1.0  # between stations that are compared with each other [m]
_TRIES = 12
# Gauss-Legendre, three points on [0, 1].
_NODES = (0.5 - math.sqrt(0.15), 0.5, 0.5 + math.sqrt(0.15))
_WEIGHTS = (5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0)


@dataclass(frozen=True)
class LineStyle:
    """How much and how tightly a road bends."""

    straight: tuple[float, float]  # lengths between bends [m]
    radius: tuple[float, float]  # of open bends [m]
    angle: tuple[float, float]  # of open bends [rad]
    linked: float  # chance that a bend follows the last one without a straight
    corners: int  # tight corners on the whole road
    abrupt: float = 0.5  # chance that a corner begins almost at once, as the plain arcs of street maps do
    corner_radius: tuple[float, float] = (MIN_CORNER_RADIUS, 14.0)  # [m]


@dataclass(frozen=True)
class CrossSection:
    """The lateral extent that bends must respect, left positive [m]."""

    driven_left: float  # centre of the leftmost driven lane
    driven_right: float  # centre of the rightmost driven lane
    edge_left: float  # outermost surface
    edge_right: float


@dataclass(frozen=True, eq=False)
class ReferenceLine:
    """A road's reference line at its stations, with everything an offset curve needs."""

    s: NDArray[np.float64]  # (n,) arc length [m]
    x: NDArray[np.float64]  # [m]
    y: NDArray[np.float64]
    yaw: NDArray[np.float64]  # [rad], continuous
    cos: NDArray[np.float64]  # of the yaw
    sin: NDArray[np.float64]
    curvature: NDArray[np.float64]  # [1/m]

    def offset(self, t: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) the parallel curve t to the left [m]."""
        return np.stack([self.x - t * self.sin, self.y + t * self.cos], axis=-1)

    def offset_s(self, t: float) -> NDArray[np.float64]:
        """(n,) arc length of the parallel curve: ds_t = (1 - t curvature) ds [m]."""
        return self.s - t * (self.yaw - self.yaw[0])

    def offset_curvature(self, t: float) -> NDArray[np.float64]:
        """(n,) curvature of the parallel curve [1/m]."""
        return self.curvature / (1.0 - t * self.curvature)

    def shifted(self, t: float) -> "ReferenceLine":
        """The parallel curve t to the left as a line of its own [m]."""
        x, y = np.ascontiguousarray(self.offset(t).T)
        return ReferenceLine(self.offset_s(t), x, y, self.yaw, self.cos, self.sin, self.offset_curvature(t))

    def mirrored(self) -> "ReferenceLine":
        """The line with left and right exchanged, mirrored at the x axis."""
        return ReferenceLine(self.s, self.x, -self.y, -self.yaw, self.cos, -self.sin, -self.curvature)

    def room(self) -> tuple[float, float]:
        """How far a parallel curve may lie to the left and to the right before it meets itself or another.

        The radius of the smallest circle that touches the line on that side and has a part of it inside:
        the curve on the other side of a narrow loop counts as well as the bend itself [m].
        """
        at = np.searchsorted(self.s, np.arange(0.0, self.s[-1], _ROOM_STEP))
        dx, dy = self.x[at, None] - self.x[at], self.y[at, None] - self.y[at]
        aside = dy * self.cos[at] - dx * self.sin[at]  # of each station from each other's tangent
        turn = 2.0 * aside / np.maximum(dx * dx + dy * dy, 1e-12)  # of the circle through both, 1 / radius
        return 1.0 / max(float(turn.max()), 1e-4), 1.0 / max(float(-turn.min()), 1e-4)


@kernel
def _trace(
    rows: NDArray[np.float64], counts: NDArray[np.int64], yaw: float, out: NDArray[np.float64]
) -> None:
    """Integrate pieces (length, curvature at start and end, master offset) into stations.

    A piece gives the curvature of its master, the parallel curve `offset` to the left of the reference
    line, linear in the master's arc length; so bounds that hold there hold on all curves outside it.
    """
    x = 0.0
    y = 0.0
    s = 0.0
    n = 0
    for i in range(rows.shape[0]):
        length = rows[i, 0]
        k0 = rows[i, 1]
        slope = (rows[i, 2] - k0) / length
        offset = rows[i, 3]
        start_s = s
        start_yaw = yaw
        h = length / counts[i]
        last = counts[i] + 1 if i == rows.shape[0] - 1 else counts[i]
        for j in range(last):
            u = h * j
            k = k0 + slope * u
            turned = k0 * u + 0.5 * slope * u * u
            sine, cosine = sincos(start_yaw + turned)
            out[n, 0] = start_s + u + offset * turned
            out[n, 1] = x
            out[n, 2] = y
            out[n, 3] = start_yaw + turned
            out[n, 4] = cosine
            out[n, 5] = sine
            out[n, 6] = k / (1.0 + k * offset)
            n += 1
            if j == counts[i]:
                break
            for g in range(3):
                v = u + h * _NODES[g]
                sine, cosine = sincos(start_yaw + k0 * v + 0.5 * slope * v * v)
                w = h * _WEIGHTS[g] * (1.0 + (k0 + slope * v) * offset)
                x += w * cosine
                y += w * sine
        yaw = start_yaw + k0 * length + 0.5 * slope * length * length
        s = start_s + length + offset * (yaw - start_yaw)


def trace(
    pieces: list[tuple[float, float, float, float]], yaw: float, half_width: float = 0.0
) -> ReferenceLine:
    """Sample a chain of pieces of linear curvature from (0, 0).

    Args:
        pieces: (length [m], curvature at its start, at its end [1/m], offset of the curve these describe
            from the reference line, left positive [m]).
        yaw: at the start [rad].
        half_width: of the road, so that samples of its outer edge are close enough, too [m].
    """
    rows = np.array(pieces, np.float64)
    spread = 1.0 + np.maximum(np.abs(rows[:, 1]), np.abs(rows[:, 2])) * (half_width + np.abs(rows[:, 3]))
    counts = np.ceil(rows[:, 0] * spread / STATION_STEP).astype(np.int64)
    out = np.empty((int(counts.sum()) + 1, 7))
    _trace(rows, counts, yaw, out)
    return ReferenceLine(*np.ascontiguousarray(out.T))


def bend(
    angle: float, radius: float, sharpness: float, offset: float
) -> list[tuple[float, float, float, float]]:
    """Clothoid, arc and clothoid that turn by `angle` (left positive); short turns have no arc.

    Args:
        angle: [rad].
        radius: smallest [m].
        sharpness: change of curvature per metre [1/m^2].
        offset: of the curve described from the reference line [m].
    """
    sign = 1.0 if angle > 0.0 else -1.0
    peak = min(1.0 / radius, math.sqrt(abs(angle) * sharpness))
    ramp = peak / sharpness
    arc = (abs(angle) - peak * ramp) / peak
    pieces = [(ramp, 0.0, sign * peak, offset)]
    if arc > 1e-6:
        pieces.append((arc, sign * peak, sign * peak, offset))
    return [*pieces, (ramp, sign * peak, 0.0, offset)]


def _uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * float(rng.random())


def _radius(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Even in curvature, so that tight bends are as common as wide ones [m]."""
    return 1.0 / _uniform(rng, (1.0 / bounds[1], 1.0 / bounds[0]))


def _sharpness(radius: float, hurry: float) -> float:
    """Change of curvature per metre that is driven at jerk `hurry` [m/s^3] and 2.5 m/s^2 in the bend."""
    return min(MAX_SHARPNESS, hurry / (2.5 * radius * math.sqrt(2.5 * radius)))


def _draw_pieces(
    rng: np.random.Generator, style: LineStyle, section: CrossSection, length: float, limit: float
) -> list[tuple[float, float, float, float]]:
    """Straights and bends until the length is reached; the heading stays within +-limit [rad]."""
    corner_at = sorted(_uniform(rng, (0.12 * length, 0.8 * length)) for _ in range(style.corners))
    if limit < math.radians(75.0):
        corner_at = []
    pieces = [(_uniform(rng, (12.0, 40.0)), 0.0, 0.0, 0.0)]
    total, heading, last_sign = pieces[0][0], 0.0, 0.0
    while total < length:
        corner = bool(corner_at) and total >= corner_at[0]
        if corner:
            corner_at.pop(0)
            angle = _uniform(rng, CORNER_ANGLES)
            radius = _radius(rng, style.corner_radius)
            sharpness = _uniform(rng, (0.6, 1.0)) * MAX_SHARPNESS
            if rng.random() < style.abrupt:
                sharpness = _uniform(rng, ABRUPT_SHARPNESS)
        else:
            radius = _radius(rng, style.radius)
            angle = min(_uniform(rng, style.angle), 110.0 / radius)
            sharpness = _sharpness(radius, _uniform(rng, (0.6, 1.6)))
        sign = 1.0 if rng.random() < 0.5 else -1.0
        if sign == last_sign and rng.random() < 0.7:
            sign = -sign
        if abs(heading + sign * angle) > limit:
            sign = -1.0 if heading > 0.0 else 1.0
        if abs(heading + sign * angle) > limit:
            angle = 0.5 * angle
        inner = section.driven_left if sign > 0.0 else section.driven_right
        edge = section.edge_left if sign > 0.0 else section.edge_right
        radius = max(radius, abs(edge - inner) + 2.0)
        straight = 0.0
        if corner:
            straight = _uniform(rng, (8.0, 25.0))
        elif rng.random() >= style.linked:
            straight = _uniform(rng, style.straight)
        turn = bend(sign * angle, radius, sharpness, inner)
        if straight > 0.0:
            pieces.append((straight, 0.0, 0.0, 0.0))
        pieces += turn
        if corner:
            pieces.append((_uniform(rng, (8.0, 25.0)), 0.0, 0.0, 0.0))
        total += straight + sum(p[0] for p in turn) + (pieces[-1][0] if corner else 0.0)
        heading += sign * angle
        last_sign = sign
    return pieces


def _cut(line: ReferenceLine, section: CrossSection, length: float) -> ReferenceLine:
    """End the line at the first station where every driven lane has the length."""
    lengths = [line.offset_s(t) for t in (0.0, section.driven_left, section.driven_right)]
    enough = np.min(lengths, axis=0) >= length
    end = int(np.argmax(enough)) + 1 if enough.any() else len(line.s)
    fields = (line.s, line.x, line.y, line.yaw, line.cos, line.sin, line.curvature)
    return ReferenceLine(*(np.ascontiguousarray(f[:end]) for f in fields))


def keeps_apart(line: ReferenceLine, road_width: float, clearance: float = CLEARANCE) -> bool:
    """Whether parts that are not neighbours along the road keep `clearance` between their edges.

    Neighbours are parts within twice the wanted distance of middle lines: a corner of 110 degrees
    brings no others closer.
    """
    apart = clearance + road_width
    wanted = np.arange(0.0, line.s[-1], 4.0)
    at = np.searchsorted(line.s, wanted)
    x, y, s = line.x[at], line.y[at], line.s[at]
    squared = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    return not bool(np.any((squared < apart**2) & (s[None, :] - s[:, None] > 2.0 * apart)))


def draw_line(
    rng: np.random.Generator, style: LineStyle, section: CrossSection, length: float
) -> ReferenceLine:
    """A random line of at least the length on all driven lanes that keeps clear of itself.

    Draws are repeated while the road comes close to itself; the last one bends at most 55 degrees to
    either side of its first direction, so that it cannot.
    """
    yaw = _uniform(rng, (-math.pi, math.pi))
    half_width = max(section.edge_left, -section.edge_right)
    spare = 2.0 * max(abs(section.driven_left), abs(section.driven_right)) + 5.0
    for attempt in range(_TRIES):
        limit = math.radians(200.0 if attempt < _TRIES - 1 else 55.0)
        pieces = _draw_pieces(rng, style, section, length + 2.0 * spare, limit)
        pieces.append((4.0 * spare, 0.0, 0.0, 0.0))
        line = _cut(trace(pieces, yaw, half_width), section, length)
        if keeps_apart(line, 2.0 * half_width):
            break
    return line
