"""Fits the lane, both borders together, to a map of evidence.

The lane is a chain of arcs: its middle starts at an anchor (x, y, yaw) and bends with one curvature per
segment of SEGMENT metres; its borders are the parallels half a width to both sides. Arc length runs along
the lane, not along the car's axis, so that a corner that turns out of view is as good as a straight.

Two searches: `search_lane` is global ahead (a beam search over curvatures), `measure_borders` is local and
exact (offsets of both borders from a lane that is nearly right, as normal equations for a Kalman filter).
"""

import numpy as np
from numpy.typing import NDArray

from drive.elementary import sincos
from drive.kernels import kernel
from drive.modular.local_map import CELL, CELLS, MARK, OFF, SEEN

Array = NDArray[np.float64]
Grid = NDArray[np.float32]

CURVES = 5  # the state's curvatures come after shift, turn, width and two margins
SEGMENT = 1.5  # [m]
STATION = 0.5  # evidence is read every so many metres along the lane
STATIONS = 3  # in a segment
BEAMS = 20
OPTIONS = 13
HOPELESS = 5.0  # a beam this far behind the best one is dropped
MAX_CURVATURE = 0.22  # [1/m]

EDGE_REACH = 0.4  # the ground is compared this far inside and outside of a border [m]
SURE_GAIN = 3.0  # cells count in full once they were seen this surely, inverse
ROAD_GAIN = 0.15  # of asphalt in the lane's middle
EDGE_GAIN = 0.35  # a road edge speaks softer than paint
INSIDE_MARK, INSIDE_OFF = 0.32, 0.6  # costs of paint and of grass inside the lane
BEND_COST, MOST_BEND = 40.0, 2.5  # per 1/m of change of curvature along the lane; at most
SURPRISE_COST, MOST_SURPRISE = 0.5, 3.0  # per squared deviation of a curvature from its prediction; at most
LONELY, FAR_OFF = 0.3, 0.3  # a road's end less smooth is left out; one that far off counts less [m]
EDGE_TRUST = 0.3  # of the road's end against paint
RAGGED = 0.15  # offsets that jump this much from station to station are hardly trusted [m]
PAINT_SEEN, EDGE_SEEN = 0.25, 0.25  # less is taken for nothing
SCAN = 24  # steps to each side when a border is measured
SCAN_STEP = 0.05  # [m]


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
def _station_score(
    grid: Grid, x: float, y: float, s: float, c: float, half: float, right: float, left: float
) -> float:
    """Evidence for a lane whose middle passes (x, y) in the direction (c, s): at most 2 and a bit."""
    inv = 1.0 / CELL
    row, column = int(np.floor(x * inv)) & (CELLS - 1), int(np.floor(y * inv)) & (CELLS - 1)
    mark, off = grid[row, column, MARK], grid[row, column, OFF]
    score = ROAD_GAIN * grid[row, column, SEEN] * (1.0 - off)
    for side in (-1.0, 1.0):
        nx, ny = -s * side * inv, c * side * inv
        u, v = x * inv, y * inv
        d = 0.5 * half
        row, column = int(np.floor(u + nx * d)) & (CELLS - 1), int(np.floor(v + ny * d)) & (CELLS - 1)
        mark += grid[row, column, MARK]
        off += grid[row, column, OFF]
        row, column = int(np.floor(u + nx * half)) & (CELLS - 1), int(np.floor(v + ny * half)) & (CELLS - 1)
        border = grid[row, column, MARK]
        end = half + (left if side > 0.0 else right)
        d = end + EDGE_REACH
        row, column = int(np.floor(u + nx * d)) & (CELLS - 1), int(np.floor(v + ny * d)) & (CELLS - 1)
        step = grid[row, column, OFF]
        if step > 0.1:
            sure = grid[row, column, SEEN]
            d = end - EDGE_REACH
            row, column = int(np.floor(u + nx * d)) & (CELLS - 1), int(np.floor(v + ny * d)) & (CELLS - 1)
            step = max(step - grid[row, column, OFF], 0.0)
            border += EDGE_GAIN * step * min(SURE_GAIN * min(sure, grid[row, column, SEEN]), 1.0)
        score += min(border, 1.0)
    return score - INSIDE_MARK * mark - INSIDE_OFF * off


@kernel
def _bend_cost(change: float) -> float:
    """A lane seldom changes its curvature, but where it does (a corner), by any amount."""
    return min(BEND_COST * abs(change), MOST_BEND)


@kernel
def score_lane(
    grid: Grid, anchor: Array, width: float, margin: Array, curvature: Array, segments: int
) -> float:
    """Evidence for a whole lane, and the cost of its bends: comparable with `search_lane`'s score."""
    x, y, yaw = anchor[0], anchor[1], anchor[2]
    total = 0.0
    for j in range(segments):
        if j > 0:
            total -= _bend_cost(curvature[j] - curvature[j - 1])
        for _ in range(STATIONS):
            s, c = sincos(yaw + 0.5 * STATION * curvature[j])
            x += STATION * c
            y += STATION * s
            yaw += STATION * curvature[j]
            s, c = sincos(yaw)
            total += _station_score(grid, x, y, s, c, 0.5 * width, margin[0], margin[1])
    return total


@kernel
def search_lane(
    grid: Grid,
    anchor: Array,
    width: float,
    margin: Array,
    curvature: Array,
    variance: Array,
    known: int,
    segments: int,
    starts: Array,
    costs: Array,
    out: Array,
) -> float:
    """The best lane by beam search over the curvature of one segment after the other.

    Args:
        grid: the map's (CELLS, CELLS, 3).
        anchor: (3,) predicted x, y, yaw of the lane's middle at its first segment.
        width: predicted [m].
        margin: (2,) from the lane's right and left border to the road's end [m].
        curvature: (n,) predicted per segment [1/m].
        variance: (n,) of it [1/m^2].
        known: the curvatures before this one were driven over or are close: they change little.
        segments: how many of them are searched; the rest of the answer keeps the prediction.
        starts: (m, 3) shifts to the left [m], turns [rad] and widenings [m] of the prediction to begin from.
        costs: (m,) of beginning there.
        out: (3 + n,) the best lane's shift, turn, width and curvatures.

    Returns:
        Its score.
    """
    n = len(curvature)
    pose = np.empty((BEAMS, 5))  # x, y, yaw, width, start
    chain = np.empty((BEAMS, n))
    score = np.empty(BEAMS)
    next_pose = np.empty((BEAMS, 5))
    next_chain = np.empty((BEAMS, n))
    next_score = np.empty(BEAMS)
    many = max(BEAMS * OPTIONS, len(starts))
    can_pose = np.empty((many, 5))
    can_k = np.empty(many)
    can_from = np.empty(many, np.int64)
    can_score = np.empty(many)
    order = np.empty(many, np.int64)
    count = 0
    for j in range(segments):
        candidates = 0
        p = curvature[j]
        for b in range(len(starts) if j == 0 else count):
            for o in range(1 if j == 0 else (OPTIONS if j >= known else 3)):
                if j == 0:
                    q = p
                    k = p
                    s, c = sincos(anchor[2])
                    x = anchor[0] - s * starts[b, 0]
                    y = anchor[1] + c * starts[b, 0]
                    yaw = anchor[2] + starts[b, 1]
                    wide = width + starts[b, 2]
                    start = float(b)
                    value = -costs[b]
                else:
                    q = chain[b, j - 1]
                    if o == 0:
                        k = p
                    elif o == 1:
                        k = p + 0.012
                    elif o == 2:
                        k = p - 0.012
                    elif o == 3:
                        k = p + 0.04
                    elif o == 4:
                        k = p - 0.04
                    elif o == 5:
                        k = q
                    elif o == 6:
                        k = q + 0.03
                    elif o == 7:
                        k = q - 0.03
                    elif o == 8:
                        k = q + 0.08
                    elif o == 9:
                        k = q - 0.08
                    elif o == 10:
                        k = 0.0
                    elif o == 11:
                        k = 0.16
                    else:
                        k = -0.16
                    k = min(max(k, -MAX_CURVATURE), MAX_CURVATURE)
                    x, y, yaw, wide, start = pose[b, 0], pose[b, 1], pose[b, 2], pose[b, 3], pose[b, 4]
                    # From one segment to the next the deviation from the prediction changes rarely: a corner
                    # that was not foreseen is one surprise where it begins and one where it ends.
                    surprise = SURPRISE_COST * (k - p - q + curvature[j - 1]) ** 2 / variance[j]
                    value = score[b] - _bend_cost(k - q) - min(surprise, MOST_SURPRISE)
                s, c = sincos(yaw)
                turn_s, turn_c = sincos(0.5 * STATION * k)
                for _ in range(STATIONS):
                    s, c = s * turn_c + c * turn_s, c * turn_c - s * turn_s
                    x += STATION * c
                    y += STATION * s
                    s, c = s * turn_c + c * turn_s, c * turn_c - s * turn_s
                    value += _station_score(grid, x, y, s, c, 0.5 * wide, margin[0], margin[1])
                yaw += SEGMENT * k
                can_pose[candidates, 0] = x
                can_pose[candidates, 1] = y
                can_pose[candidates, 2] = yaw
                can_pose[candidates, 3] = wide
                can_pose[candidates, 4] = start
                can_k[candidates] = k
                can_from[candidates] = b
                can_score[candidates] = value
                candidates += 1
        # The best ones go on; what ends nearly where a better one ends, or lies far behind, does not.
        hopeless = -1e9
        for i in range(candidates):
            hopeless = max(hopeless, can_score[i] - HOPELESS)
        kept = 0
        for i in range(candidates):
            if can_score[i] > hopeless:
                order[kept] = i
                kept += 1
        count_next = 0
        while count_next < BEAMS and kept > 0:
            best = order[0]
            for i in range(1, kept):
                if can_score[order[i]] > can_score[best]:
                    best = order[i]
            next_score[count_next] = can_score[best]
            b = can_from[best]
            for i in range(5):
                next_pose[count_next, i] = can_pose[best, i]
            for i in range(j):
                next_chain[count_next, i] = chain[b, i]
            next_chain[count_next, j] = can_k[best]
            count_next += 1
            bx, by, byaw, bw = can_pose[best, 0], can_pose[best, 1], can_pose[best, 2], can_pose[best, 3]
            left = 0
            for m in range(kept):
                i = order[m]
                if (
                    abs(can_pose[i, 0] - bx) + abs(can_pose[i, 1] - by) > 0.2
                    or abs(can_pose[i, 2] - byaw) > 0.07
                    or abs(can_pose[i, 3] - bw) > 0.12
                ):
                    order[left] = i
                    left += 1
            kept = left
        count = count_next
        pose, next_pose = next_pose, pose
        chain, next_chain = next_chain, chain
        score, next_score = next_score, score
    start = int(pose[0, 4])
    out[0], out[1], out[2] = starts[start, 0], starts[start, 1], pose[0, 3]
    for j in range(n):
        out[3 + j] = chain[0, j] if j < segments else curvature[j]
    return score[0]


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
        edge_gate: (2,) how far the road's right and left end is looked for [m].
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
            reach_out = gate[i] if paint else edge_gate[side]
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
            for a in range(CURVES + n):
                ha = h[a] * weight
                if ha == 0.0:
                    continue
                gradient[a] += ha * offset
                for b in range(CURVES + n):
                    information[a, b] += ha * h[b]
