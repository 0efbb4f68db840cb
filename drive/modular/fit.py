"""The lane's shape, and its exact fit to a map of evidence: both borders together.

The lane is a chain of arcs: its middle starts at an anchor (x, y, yaw) and bends with one curvature per
segment of SEGMENT metres; its borders are the parallels half a width to both sides. Arc length runs along
the lane, not along the car's axis, so that a corner that turns out of view is as good as a straight.

`measure_borders` is local: offsets of both borders from a lane that is nearly right, as normal equations for
a Kalman filter. `lane_search.py` finds such a lane.
"""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.modular.local_map import CELL, CELLS, MARK, OFF, SEEN

Array = NDArray[np.float64]
Grid = NDArray[np.float32]

CURVES = 5  # the state's curvatures come after shift, turn, width and two margins
SEGMENT = 1.5  # [m]
STATION = 0.5  # evidence is read every so many metres along the lane
STATIONS = 3  # in a segment
MAX_CURVATURE = 0.22  # [1/m]
EDGE_REACH = 0.4  # the ground is compared this far inside and outside of a border [m]
SURE_GAIN = 3.0  # cells count in full once they were seen this surely, inverse
LONELY, FAR_OFF = 0.3, 0.3  # a road's end less smooth is left out; one that far off counts less [m]
EDGE_TRUST = 0.3  # of the road's end against paint
RAGGED = 0.15  # offsets that jump this much from station to station are hardly trusted [m]
PAINT_SEEN, EDGE_SEEN = 0.25, 0.25  # less is taken for nothing
SCAN = 24  # steps to each side when a border is measured
SCAN_STEP = 0.05  # [m]
ENDS, END_STEP = 31, 0.1  # distances from the lane's border at which the road may end [m]


@kernel
def _read(grid: Grid, x: float, y: float, channel: int) -> float:
    row = int(np.floor(x * (1.0 / CELL))) & (CELLS - 1)
    column = int(np.floor(y * (1.0 / CELL))) & (CELLS - 1)
    return grid[row, column, channel]


@kernel
def _edge(
    grid: Grid, x: float, y: float, nx: float, ny: float, distance: float, sign: float, reach: float
) -> float:
    """How much more the ground is off the road outside of a border than inside, where both were seen."""
    outside, inside = sign * (distance + reach), sign * (distance - reach)
    beyond = _read(grid, x + nx * outside, y + ny * outside, OFF)
    here = _read(grid, x + nx * inside, y + ny * inside, OFF)
    if beyond <= here:
        return 0.0
    sure = min(
        _read(grid, x + nx * outside, y + ny * outside, SEEN),
        _read(grid, x + nx * inside, y + ny * inside, SEEN),
    )
    return (beyond - here) * min(SURE_GAIN * sure, 1.0)


@kernel
def _read_smooth(grid: Grid, x: float, y: float, channel: int) -> float:
    u = x * (1.0 / CELL) - 0.5
    v = y * (1.0 / CELL) - 0.5
    fu, fv = np.floor(u), np.floor(v)
    du, dv = u - fu, v - fv
    r0, c0 = int(fu) & (CELLS - 1), int(fv) & (CELLS - 1)
    r1, c1 = (r0 + 1) & (CELLS - 1), (c0 + 1) & (CELLS - 1)
    near = grid[r0, c0, channel] * (1.0 - dv) + grid[r0, c1, channel] * dv
    far = grid[r1, c0, channel] * (1.0 - dv) + grid[r1, c1, channel] * dv
    return near * (1.0 - du) + far * du


@kernel
def trace(anchor: Array, curvature: Array, out: Array) -> None:
    """Sample a lane's middle every STATION metres: out (n * STATIONS + 1, 3) x, y, yaw."""
    x, y, yaw = anchor[0], anchor[1], anchor[2]
    out[0, 0], out[0, 1], out[0, 2] = x, y, yaw
    i = 0
    for j in range(len(curvature)):
        for _ in range(STATIONS):
            s, c = sincos(yaw + 0.5 * STATION * curvature[j])
            x += STATION * c
            y += STATION * s
            yaw += STATION * curvature[j]
            i += 1
            out[i, 0], out[i, 1], out[i, 2] = x, y, yaw


@kernel
def _scan(
    grid: Grid,
    x: float,
    y: float,
    s: float,
    c: float,
    sign: float,
    distance: float,
    gate: float,
    paint: bool,
    profile: Array,
) -> tuple[float, float]:
    """Look across a border, near ones favoured: the highest evidence and its offset [m]."""
    steps = min(int(gate / SCAN_STEP), SCAN)
    best, where = 0.0, 0
    for o in range(-steps, steps + 1):
        d = sign * distance + o * SCAN_STEP
        if paint:
            value = _read_smooth(grid, x - s * d, y + c * d, MARK)
        else:
            far = _edge(grid, x, y, -s, c, sign * d, sign, EDGE_REACH)
            value = 0.5 * (far + _edge(grid, x, y, -s, c, sign * d, sign, 0.15)) if far > 0.0 else 0.0
        profile[o + SCAN] = value
        value *= 1.0 - 0.4 * abs(o) / SCAN
        if value > best:
            best, where = value, o
    moment, mass = 0.0, 1e-9
    for o in range(max(where - 4, -steps), min(where + 4, steps) + 1):
        mass += max(profile[o + SCAN], 0.0)
        moment += max(profile[o + SCAN], 0.0) * o
    return best, moment / mass * SCAN_STEP


@kernel
def scan_ends(grid: Grid, line: Array, width: float, ends: Array) -> None:
    """Evidence that the road ends at a constant distance from the lane.

    Args:
        grid: the map's (CELLS, CELLS, 3).
        line: (m, 3) stations of the lane's middle (`trace`).
        width: of the lane [m].
        ends: (2, ENDS) out: mean evidence to the right and to the left, every END_STEP from the border on.
    """
    ends[:] = 0.0
    for i in range(len(line)):
        x, y = line[i, 0], line[i, 1]
        s, c = sincos(line[i, 2])
        for side in range(2):
            sign = 2.0 * side - 1.0
            for j in range(ENDS):
                distance = 0.5 * width + j * END_STEP
                ends[side, j] += _edge(grid, x, y, -s, c, distance, sign, EDGE_REACH)
    ends *= 1.0 / max(len(line), 1)


@kernel
def _smoothness(found: Array, i: int, side: int, offset: float) -> float:
    """Trust in an offset by its step from the stations before: a border is smooth, parked cars are not."""
    jump = 1.0
    for back in range(1, min(i, 3)):
        if found[i - back, side, 1] > 0.0:
            jump = min(jump, abs(found[i - back, side, 0] - offset) / back)
    return 1.0 - min(jump / RAGGED, 0.9)


@kernel
def measure_borders(
    grid: Grid,
    line: Array,
    width: float,
    margin: Array,
    gate: Array,
    edge_gate: Array,
    information: Array,
    gradient: Array,
    found: Array,
) -> None:
    """Normal equations of both borders' offsets from a lane that is nearly right.

    State: shift of the anchor to the left, turn at the anchor, widening, widening of the margins right and
    left (from the lane's border to where the road ends), change of each curvature. A turn by a at the point P
    moves the middle at Q by a * (Q - P) . t(Q) along its normal; a change of curvature in a segment turns
    what follows by its length times the change.

    Args:
        grid: the map's (CELLS, CELLS, 3).
        line: (n * STATIONS + 1, 3) the lane's middle (`trace`).
        width: [m].
        margin: (2,) right and left [m].
        gate: (n * STATIONS + 1,) how far paint is looked for to each side of a border [m].
        edge_gate: (2,) how much further the road's right and left end is looked for [m].
        information: (CURVES + n, CURVES + n) out, sum of h h' w.
        gradient: (CURVES + n,) out, sum of h w r.
        found: (n * STATIONS + 1, 4, 2) out: offset [m] and evidence of paint right and left, of the road's
            end right and left.
    """
    n = (len(line) - 1) // STATIONS
    information[:] = 0.0
    gradient[:] = 0.0
    found[:] = 0.0
    h = np.empty(CURVES + n)
    profile = np.empty(2 * SCAN + 1)
    for i in range(len(line)):
        x, y = line[i, 0], line[i, 1]
        s, c = sincos(line[i, 2])
        h[0] = 1.0
        h[1] = (x - line[0, 0]) * c + (y - line[0, 1]) * s
        reach = (i - 1) // STATIONS
        for j in range(n):
            h[CURVES + j] = 0.0
            if j <= reach:
                a = j * STATIONS
                b = min(a + STATIONS, i)
                chord = 0.5 * (
                    (2.0 * x - line[a, 0] - line[b, 0]) * c + (2.0 * y - line[a, 1] - line[b, 1]) * s
                )
                h[CURVES + j] = chord * STATION * (b - a)
        for kind in range(4):
            side = kind & 1
            sign = 2.0 * side - 1.0
            paint = kind < 2
            distance = 0.5 * width if paint else 0.5 * width + margin[side]
            reach_out = gate[i] if paint else gate[i] + edge_gate[side]
            peak, offset = _scan(grid, x, y, s, c, sign, distance, reach_out, paint, profile)
            if peak < (PAINT_SEEN if paint else EDGE_SEEN):
                continue
            smooth = _smoothness(found, i, kind, offset)
            found[i, kind, 0] = offset
            found[i, kind, 1] = peak
            if paint:
                weight = peak * peak * (0.4 + 0.6 * smooth)
            elif smooth < LONELY:
                continue  # the same speck would count again in every picture
            else:
                weight = EDGE_TRUST * peak * peak * smooth * FAR_OFF / max(abs(offset), FAR_OFF)
            h[2] = 0.5 * sign
            h[3], h[4] = 0.0, 0.0
            if not paint:
                h[3 + side] = sign
            count = CURVES + min(reach + 1, n)  # curvatures further on do not move this station
            for a in range(count):
                ha = h[a] * weight
                if ha == 0.0:
                    continue
                gradient[a] += ha * offset
                for b in range(count):
                    information[a, b] += ha * h[b]
