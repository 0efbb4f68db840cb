"""A lane estimate as a vector of numbers: what a network's output named `lane` holds.

The order is LANE_VECTOR; standard deviations stand alone, so that correlations are not kept.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.agent import AgentFailure
from drive.control.lane_curve import clothoid
from drive.control.lane_estimate import LaneEstimate, LaneLine

LANE_VECTOR = (
    "lateral_offset",  # of the rear axle from the lane's middle, left positive [m]
    "heading_error",  # car's yaw minus the lane's [rad]
    "curvature",  # at the car's foot, left positive [1/m]
    "curvature_rate",  # [1/m^2]
    "width",  # [m]
    "lateral_offset_std",  # standard deviations, positive [m]
    "heading_error_std",  # [rad]
    "curvature_std",  # [1/m]
    "curvature_rate_std",  # [1/m^2]
    "width_std",  # [m]
    "left_probability",  # that there is a line, 0 .. 1
    "right_probability",
    "left_reach",  # arc length ahead up to which the border holds, at least 0 [m]
    "right_reach",
)
_VALUES, _STDS = slice(0, 5), slice(5, 10)
MIN_REACH, MAX_REACH = 10.0, 200.0  # of the curve that is drawn from the numbers [m]


def lane_from_vector(vector: ArrayLike, time: float = 0.0) -> LaneEstimate:
    """The lane that a vector describes: a clothoid from the car's foot on.

    Args:
        vector: (14,) or (1, 14) in the order of LANE_VECTOR.
        time: of the picture, since the reset [s].

    Raises:
        AgentFailure: the vector has another size, is not finite, or describes no lane.
    """
    v = np.asarray(vector, np.float64).reshape(-1)
    if len(v) != len(LANE_VECTOR):
        raise AgentFailure(f"the lane vector has {len(v)} numbers, not {len(LANE_VECTOR)},")
    named = dict(zip(LANE_VECTOR, v.tolist(), strict=True))
    for name, value in named.items():
        low = 0.0 if name.endswith(("_std", "_probability", "_reach")) or name == "width" else -math.inf
        high = 1.0 if name.endswith("_probability") else math.inf
        if not (math.isfinite(value) and low <= value <= high):
            raise AgentFailure(f"{name} of the lane vector is {value:g},")
    left, right = (
        LaneLine(named[f"{side}_probability"], named[f"{side}_reach"]) for side in ("left", "right")
    )
    reach = min(max(left.reach, right.reach, MIN_REACH), MAX_REACH)
    offset, heading, curvature, rate, width = v[_VALUES].tolist()
    curve = clothoid(offset, heading, curvature, rate, width, reach)
    covariance = np.diag(v[_STDS] ** 2)
    return LaneEstimate(time, offset, heading, curvature, rate, width, covariance, left, right, curve)


def lane_to_vector(lane: LaneEstimate) -> NDArray[np.float32]:
    """(14,) float32 in the order of LANE_VECTOR: the label that such a network learns."""
    stds = np.sqrt(np.diag(lane.covariance))
    lines = (lane.left.probability, lane.right.probability, lane.left.reach, lane.right.reach)
    return np.concatenate([lane.values, stds, lines]).astype(np.float32)
