"""What the measured borders say of the lines: whether there is one, of which kind and colour, how far.

A kerb has no gaps either and passes for a solid line; of double lines the nearer one is seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drive.control.lane_estimate import LaneLine, LineColor, LineType
from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.modular.arc_chain import ArcChain
from drive.modular.evidence import DARK
from drive.modular.fit import PAINT_SEEN, STATION
from drive.modular.ground_evidence import GroundEvidence

BEGIN, END = 3.0, 18.0  # ahead of the rear axle, between which paint is looked at [m]
SURE_SHARE = 0.25  # mean evidence that is a line for certain: a broken one is painted for a third and less
SOLID_SHARE, MAX_HOLE = 0.7, 2.0  # least share of stations with paint, longest stretch without of a solid [m]
BROKEN_SHARES = (0.2, 0.75)  # of stations with paint
MIN_YELLOW, MAX_WHITE = 0.13, 0.09  # yellower than the road, relative to the paint's own brightness
MIN_CELLS = 3  # of paint in the picture that show a colour


class _Ground(NamedTuple):
    """A picture of the ground from above, and where it lies."""

    above: NDArray[np.uint8]  # (R, C, 3)
    x_max: float  # [m]
    y_max: float  # [m]
    cell: float  # [m]
    pose: NDArray[np.float64]  # (3,) x, y [m], yaw [rad] of the car


class _Reading(NamedTuple):
    """What one border shows."""

    evidence: float  # of paint, mean over the stations
    share: float  # of stations with paint
    hole: float  # longest stretch without [m]
    reach: float  # how far ahead of the car the border was last seen [m]
    yellowness: float  # (red + green) / 2 - blue, relative to the brightness, mean of the paint's cells
    cells: int  # of paint in the picture


@kernel
def _yellowness(ground: _Ground, x: float, y: float) -> tuple[float, bool]:
    """How yellow a point of the ground is, and whether the picture shows it."""
    s, c = sincos(ground.pose[2])
    dx, dy = x - ground.pose[0], y - ground.pose[1]
    row = int(np.floor((ground.x_max - c * dx - s * dy) / ground.cell))
    column = int(np.floor((ground.y_max + s * dx - c * dy) / ground.cell))
    rows, columns, _ = ground.above.shape
    if not (0 <= row < rows and 0 <= column < columns):
        return 0.0, False
    red, green, blue = ground.above[row, column]
    value = 0.5 * (float(red) + float(green))
    return (value - blue) / (value + DARK), value > 0.0


@kernel
def _read_line(
    found: NDArray[np.float64],
    line: NDArray[np.float64],
    foot: float,
    side: int,
    distance: float,
    ground: _Ground,
) -> _Reading:
    """Read one border: side 0 right, 1 left, `distance` to the left of the stations in `line` [m]."""
    first = int(foot / STATION)
    begin, end = first + int(BEGIN / STATION), min(first + int(END / STATION), len(found))
    total, yellow = 0.0, 0.0
    painted, cells, hole, longest, last = 0, 0, 0, 0, 0
    for i in range(first, len(found)):
        offset, evidence = found[i, side]
        if evidence > 0.0 or found[i, side + 2, 1] > 0.0:
            last = i - first
        if not begin <= i < end:
            continue
        total += evidence
        hole += 1
        if evidence > PAINT_SEEN:
            painted, hole = painted + 1, 0
            s, c = sincos(line[i, 2])
            d = distance + offset
            tint, seen = _yellowness(ground, line[i, 0] - s * d, line[i, 1] + c * d)
            if seen:
                yellow, cells = yellow + tint, cells + 1
        longest = max(longest, hole)
    count = float(max(end - begin, 1))
    return _Reading(
        total / count, painted / count, longest * STATION, last * STATION, yellow / max(cells, 1), cells
    )


def _line(reading: _Reading, road_yellowness: float) -> LaneLine:
    kind, color = LineType.UNKNOWN, LineColor.UNKNOWN
    if reading.share >= SOLID_SHARE and reading.hole <= MAX_HOLE:
        kind = LineType.SOLID
    elif BROKEN_SHARES[0] <= reading.share <= BROKEN_SHARES[1] and reading.hole > MAX_HOLE:
        kind = LineType.BROKEN
    yellower = reading.yellowness - road_yellowness
    if reading.cells >= MIN_CELLS and yellower > MIN_YELLOW:
        color = LineColor.YELLOW
    elif reading.cells >= MIN_CELLS and yellower < MAX_WHITE:
        color = LineColor.WHITE
    return LaneLine(min(reading.evidence / SURE_SHARE, 1.0), reading.reach, kind, color)


def lines_of(
    found: NDArray[np.float64], chain: ArcChain, evidence: GroundEvidence, pose: NDArray[np.float64]
) -> tuple[LaneLine, LaneLine]:
    """The left and the right line.

    Args:
        found: (stations, 4, 2) offset [m] and evidence (`fit.measure_borders`).
        chain: the lane that was measured.
        evidence: of the picture.
        pose: (3,) of the car in the chain's frame.
    """
    region, half, road = evidence.birdseye.region, 0.5 * chain.width, evidence.road_yellowness
    ground = _Ground(evidence.above, region.x_max, region.y_max, region.cell, pose)
    left, right = (
        _read_line(found, chain.line, chain.foot, side, distance, ground)
        for side, distance in ((1, half), (0, -half))
    )
    return _line(left, road), _line(right, road)
