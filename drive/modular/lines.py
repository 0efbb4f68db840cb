"""What the measured borders say of the lines: whether there is one, and how far it was seen."""

import numpy as np
from numpy.typing import NDArray

from drive.control.lane_estimate import LaneLine
from drive.core.kernels import kernel
from drive.modular.fit import STATION

NEAR = 15.0  # so far ahead of the rear axle paint is counted [m]
SURE_SHARE = 0.25  # paint at so many stations is a line for certain: a broken one has a third and less


@kernel
def _count(found: NDArray[np.float64], first: int, near: int, side: int) -> tuple[float, int]:
    """Mean evidence of paint over the next stations; how many stations ahead a border was last seen."""
    total, last = 0.0, 0
    for i in range(first, len(found)):
        if i < first + near:
            total += found[i, side, 1]
        if found[i, side, 1] > 0.0 or found[i, side + 2, 1] > 0.0:
            last = i - first
    return total / near, last


def lines_of(found: NDArray[np.float64], foot: float) -> tuple[LaneLine, LaneLine]:
    """The left and the right line.

    Args:
        found: (stations, 4, 2) offset [m] and evidence (`fit.measure_borders`).
        foot: arc length of the car's rear axle along the stations [m].
    """
    first, near = int(foot / STATION), int(NEAR / STATION)
    (left, left_end), (right, right_end) = (_count(found, first, near, side) for side in (1, 0))
    return (
        LaneLine(min(left / SURE_SHARE, 1.0), left_end * STATION),
        LaneLine(min(right / SURE_SHARE, 1.0), right_end * STATION),
    )
