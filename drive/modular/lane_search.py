"""Finds the lane in a map of evidence: a beam search over the curvature of one segment after the other."""

import numpy as np

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.modular.fit import EDGE_REACH, SEGMENT, STATION, STATIONS, SURE_GAIN, Array, Grid
from drive.modular.local_map import CELL, CELLS, MARK, OFF, SEEN

BEAMS = 20
OPTIONS = 13
HOPELESS = 5.0  # a beam this far behind the best one is dropped
ROAD_GAIN = 0.15  # of asphalt in the lane's middle
EDGE_GAIN = 0.35  # a road edge speaks softer than paint
INSIDE_MARK, INSIDE_OFF = 0.32, 0.6  # costs of paint and of grass inside the lane
BEND_COST, MAX_BEND = 40.0, 2.5  # per 1/m of change of curvature along the lane; at most
SURPRISE_COST, MAX_SURPRISE = 0.5, 3.0  # per squared deviation of a curvature from its prediction; at most


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
    return min(BEND_COST * abs(change), MAX_BEND)


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
    max_curvature: Array,
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
        max_curvature: (n,) the largest curvature to either side [1/m].
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
    tried = np.empty(OPTIONS)
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
                    k = min(max(k, -max_curvature[j]), max_curvature[j])
                    tried[o] = k
                    again = False
                    for i in range(o):
                        again = again or tried[i] == k
                    if again:  # where bends are limited, many options are the same
                        continue
                    x, y, yaw, wide, start = pose[b, 0], pose[b, 1], pose[b, 2], pose[b, 3], pose[b, 4]
                    # From one segment to the next the deviation from the prediction changes rarely: a corner
                    # that was not foreseen is one surprise where it begins and one where it ends.
                    surprise = SURPRISE_COST * (k - p - q + curvature[j - 1]) ** 2 / variance[j]
                    value = score[b] - _bend_cost(k - q) - min(surprise, MAX_SURPRISE)
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
