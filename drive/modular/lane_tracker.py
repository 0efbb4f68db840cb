"""Follows the lane over time: a Kalman filter on a chain of arcs that stands still while the car moves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.agent import Context
from drive.control.lane_curve import LaneCurve
from drive.control.lane_estimate import COVARIANCE_ORDER, LaneEstimate, LaneLine
from drive.core.kernels import kernel
from drive.modular.arc_chain import SEGMENTS, SIZE, ArcChain
from drive.modular.fit import CURVES, SEGMENT, STATION
from drive.modular.stages import Odometry

Array = NDArray[np.float64]

RATE_SEGMENTS = 6  # so many, from the car's foot on, give curvature and its rate
CONFIDENCE_RATE = 0.2  # share of a picture's confidence in the chain's


@kernel
def _rows(foot: float, h: Array) -> None:
    """How the chain's state changes a lane estimate's numbers: h (5, SIZE) in COVARIANCE_ORDER.

    Curvature and its rate are those of the straight line fitted to the next segments' curvatures.
    """
    h[:] = 0.0
    h[0, 0] = -1.0
    h[0, 1] = -foot
    h[1, 1] = -1.0
    h[4, 2] = 1.0
    for j in range(SEGMENTS):
        begin = j * SEGMENT
        reach = min(max(foot - begin, 0.0), SEGMENT)
        h[0, CURVES + j] = -reach * (foot - begin - 0.5 * reach)
        h[1, CURVES + j] = -reach
    first = min(max(int(foot / SEGMENT), 0), SEGMENTS - RATE_SEGMENTS)
    middle = (first + 0.5 * RATE_SEGMENTS) * SEGMENT
    square = SEGMENT * SEGMENT * RATE_SEGMENTS * (RATE_SEGMENTS * RATE_SEGMENTS - 1.0) / 12.0
    for j in range(first, first + RATE_SEGMENTS):
        slope = ((j + 0.5) * SEGMENT - middle) / square
        h[3, CURVES + j] = slope
        h[2, CURVES + j] = 1.0 / RATE_SEGMENTS + (foot - middle) * slope


@dataclass(frozen=True, eq=False)
class ChainLane(LaneEstimate):
    """A lane estimate that was read off a chain of arcs."""

    chain: ArcChain
    continues: bool  # whether it grew out of the lane that the tracker expected

    @staticmethod
    def of(
        chain: ArcChain, odometry: Odometry, left: LaneLine, right: LaneLine, *, continues: bool = True
    ) -> "ChainLane":
        """What a chain says of the lane at the car."""
        h = np.empty((len(COVARIANCE_ORDER), SIZE))
        _rows(chain.foot, h)
        curvature, rate = (h[2:4, CURVES:] @ chain.curvature).tolist()
        middle = chain.middle
        return ChainLane(
            time=odometry.time,
            lateral_offset=chain.offset - chain.aside,
            heading_error=chain.heading_error,
            curvature=curvature,
            curvature_rate=rate,
            width=chain.lane_width,
            covariance=h @ chain.covariance @ h.T,
            left=left,
            right=right,
            curve=LaneCurve(
                middle, np.full(len(middle), chain.lane_width), STATION, chain.foot, odometry.pose
            ),
            chain=chain,
            continues=continues,
        )


class LaneTracker:
    """Tracks whatever lane is seen; perception that was told what to expect answers with the chain itself."""

    def reset(self, context: Context) -> None:
        """Forget the lane."""
        self._lane: ChainLane | None = None
        self._expected: ChainLane | None = None

    def expect(self, odometry: Odometry) -> ChainLane | None:
        """The lane after the car's last move; None before anything was seen."""
        last = self._lane
        if last is not None:
            chain = last.chain.predicted(odometry.pose, odometry.speed)
            self._expected = ChainLane.of(chain, odometry, last.left, last.right)
        return self._expected

    def track(self, seen: LaneEstimate, odometry: Odometry) -> ChainLane:
        """The lane after what was seen: taken over where it grew out of the expected one, else fused."""
        expected = self._expected
        if isinstance(seen, ChainLane) and (seen.continues or expected is None):
            self._lane = seen
        else:
            chain = ArcChain.start(odometry.pose, seen.curvature) if expected is None else expected.chain
            self._lane = ChainLane.of(fused(chain, seen, odometry.pose), odometry, seen.left, seen.right)
        return self._lane


def fused(chain: ArcChain, seen: LaneEstimate, pose: Array) -> ArcChain:
    """A chain corrected by the numbers of a lane estimate, weighed by their covariance.

    Args:
        chain: located at `pose`.
        seen: the lane from the same place.
        pose: (3,) of the car in the chain's frame.
    """
    h = np.empty((len(COVARIANCE_ORDER), SIZE))
    _rows(chain.foot, h)
    curvature, rate = h[2:4, CURVES:] @ chain.curvature
    # what is seen is the lane itself, without gutters
    now = np.array([chain.offset - chain.aside, chain.heading_error, curvature, rate, chain.lane_width])
    weighed = h.T @ np.linalg.inv(seen.covariance)
    corrected = chain.corrected(weighed @ h, weighed @ (seen.values - now)).located(pose)
    sure = max(seen.left.probability, seen.right.probability)
    confidence = chain.confidence + CONFIDENCE_RATE * (sure - chain.confidence)
    return corrected._replace(confidence=confidence)
