"""Lanes whose course is known in closed form, as estimates."""

import numpy as np

from drive.control.lane_curve import clothoid
from drive.control.lane_estimate import LaneEstimate, LaneLine, LineType


def lane(offset=0.0, heading=0.0, curvature=0.0, rate=0.0, width=3.5, reach=40.0) -> LaneEstimate:
    """The lane of these numbers, known to a few centimetres."""
    values = (offset, heading, curvature, rate, width)
    return LaneEstimate(
        0.0, *values, covariance=np.diag([0.05, 0.01, 0.002, 0.0005, 0.05]) ** 2,
        left=LaneLine(0.7, reach, LineType.BROKEN), right=LaneLine(0.9, reach, LineType.SOLID),
        curve=clothoid(*values, reach=reach),
    )  # fmt: skip
