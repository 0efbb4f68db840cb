"""What perception hands to driving: the own lane as it is believed to be, and how surely.

The truth (`drive.sim.lane_truth`), one picture (`drive.modular.lane_detector`), the tracker
(`drive.modular.lane_tracker`) and a network's output (`drive.control.lane_vector`) all give one; every
lateral law (`drive.control.lateral`) takes one.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.control.lane_curve import LaneCurve

# Rows and columns of `LaneEstimate.covariance`, in the units of the fields of these names.
COVARIANCE_ORDER = ("lateral_offset", "heading_error", "curvature", "curvature_rate", "width")


class LineType(StrEnum):
    """What bounds a lane, in OpenDRIVE's words; of two lines the left one comes first."""

    UNKNOWN = "unknown"
    NONE = "none"
    SOLID = "solid"
    BROKEN = "broken"
    SOLID_SOLID = "solid solid"
    SOLID_BROKEN = "solid broken"
    BROKEN_SOLID = "broken solid"
    BROKEN_BROKEN = "broken broken"
    BOTTS_DOTS = "botts dots"
    GRASS = "grass"
    CURB = "curb"
    EDGE = "edge"

    @classmethod
    def _missing_(cls, value: object) -> "LineType":
        return cls.UNKNOWN


class LineColor(StrEnum):
    """The colour of a line's paint."""

    UNKNOWN = "unknown"
    WHITE = "white"
    YELLOW = "yellow"
    BLUE = "blue"
    GREEN = "green"
    RED = "red"
    ORANGE = "orange"

    @classmethod
    def _missing_(cls, value: object) -> "LineColor":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class LaneLine:
    """The line on one border of the lane."""

    probability: float  # that there is one, 0 .. 1
    reach: float  # arc length ahead of the rear axle up to which the border holds [m]
    type: LineType = LineType.UNKNOWN
    color: LineColor = LineColor.UNKNOWN


@dataclass(frozen=True, eq=False)
class LaneEstimate:
    """The own lane, seen from the car.

    The five numbers describe the lane's middle at the foot of the car's rear axle; `curve` says how it goes
    on. Offsets, angles and curvatures are positive to the left.
    """

    time: float  # of the picture that it was made from, since the reset [s]
    lateral_offset: float  # of the rear axle from the lane's middle [m]
    heading_error: float  # car's yaw minus the lane's [rad]
    curvature: float  # [1/m]
    curvature_rate: float  # along the lane [1/m^2]
    width: float  # [m]
    covariance: NDArray[np.float64]  # (5, 5) of these five, in COVARIANCE_ORDER
    left: LaneLine
    right: LaneLine
    curve: LaneCurve  # middle and width along the lane

    def __post_init__(self) -> None:
        size = len(COVARIANCE_ORDER)
        if self.covariance.shape != (size, size):
            raise ValueError(
                f"LaneEstimate.covariance is {self.covariance.shape}; give ({size}, {size}) in the order "
                f"{', '.join(COVARIANCE_ORDER)}."
            )

    @property
    def reach(self) -> float:
        """Arc length ahead of the rear axle up to which at least one border holds [m]."""
        return max(self.left.reach, self.right.reach)

    @property
    def values(self) -> NDArray[np.float64]:
        """(5,) the numbers that `covariance` is of."""
        return np.array([getattr(self, name) for name in COVARIANCE_ORDER])

    def border(self, side: int, s: ArrayLike | None = None) -> NDArray[np.float64]:
        """Points of the left (side = +1) or right (side = -1) border in the vehicle frame.

        Args:
            side: +1 or -1.
            s: (...,) along the lane's middle, from the car's foot [m]; None: the curve's stations up to where
                this border holds.

        Returns:
            (..., 2) x, y [m].
        """
        if s is None:
            s = self.curve.ahead
            s = s[s <= (self.left if side > 0 else self.right).reach]
        return self.curve.border(side, s)

    def mirrored(self) -> "LaneEstimate":
        """The lane as a mirror along the car's axis shows it: left becomes right."""
        sign = np.array([-1.0, -1.0, -1.0, -1.0, 1.0])
        c, flip = self.curve, np.array([1.0, -1.0, -1.0])
        return LaneEstimate(
            time=self.time,
            lateral_offset=-self.lateral_offset,
            heading_error=-self.heading_error,
            curvature=-self.curvature,
            curvature_rate=-self.curvature_rate,
            width=self.width,
            covariance=self.covariance * sign * sign[:, None],
            left=self.right,
            right=self.left,
            curve=LaneCurve(c.points * flip, c.width, c.spacing, c.foot, c.pose * flip),
        )
