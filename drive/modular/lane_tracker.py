"""Follows the lane over time: a Kalman filter on a chain of arcs that stands still while the car moves."""

import numpy as np
from numpy.typing import NDArray

from drive.modular.fit import CURVES, MAX_CURVATURE, SEGMENT, STATION, STATIONS, trace

SEGMENTS = 18
BEHIND = 3.0  # the chain begins this far behind the rear axle [m]
USUAL_WIDTH = 3.35  # [m]
USUAL_WIDTH_INFORMATION = 5.0  # a step: how strongly the width is drawn to the usual one [1/m^2]
MAX_UNUSUAL = 0.3  # further off the usual width the pull grows no more [m]
WIDEST = 4.0  # no lane is wider: what a stripe is further off is a gutter before a kerb [m]
BROKEN = 0.2  # a stripe that is seen at so many fewer stations than the other one is broken
GUTTER_RATE = 0.02  # share of what is seen of the gutter in one picture
USUAL_MARGIN = 0.25  # [m]
USUAL_MARGIN_INFORMATION = 0.03  # a step [1/m^2]
STRAIGHT_INFORMATION = 50.0  # a step: where nothing is seen the lane slowly straightens [m^2]
WIDTHS = (2.6, 4.4)  # [m]
MARGINS = (-0.2, 3.0)  # [m]
DRIFT = (0.012, 0.003, 0.01, 0.012, 0.012)  # noise a step of shift [m], turn [rad], width and margins [m]
CURVATURE_DRIFT = 0.001  # noise a step [1/m]
CURVATURE_WALK = 0.01  # from one segment to the next [1/m]
MAX_LATERAL_ACCELERATION = 4.5  # nobody takes a bend faster [m/s^2]
SLOWING = 3.0  # nor slows down more for one ahead [m/s^2]
MEASUREMENT = 0.35  # of one station's border, its correlation with its neighbours included [m]


class LaneTracker:
    """The lane's state in the odometry frame and how sure it is.

    Attributes:
        anchor: (3,) x, y, yaw of the lane's middle where the chain begins.
        width: between the stripes that border the lane [m].
        margin: (2,) from the lane's right and left border to where the road ends [m].
        curvature: (SEGMENTS,) of each SEGMENT metres [1/m].
        covariance: (CURVES + SEGMENTS,) squared: shift and turn at the anchor, width, margins, curvatures.
        confidence: 0 .. 1, how much of the borders ahead is supported by evidence.
        aside: the lane's middle from the middle between its borders, where one is a kerb; left positive [m].
        most_curvature: (SEGMENTS,) what bends the speed allows [1/m].
    """

    def __init__(self, pose: NDArray[np.float64], curvature: float = 0.0) -> None:
        yaw = pose[2]
        back = yaw - 0.5 * BEHIND * curvature
        self.anchor: NDArray[np.float64] = np.array(
            [pose[0] - BEHIND * np.cos(back), pose[1] - BEHIND * np.sin(back), yaw - BEHIND * curvature]
        )
        self.width = USUAL_WIDTH
        self.margin: NDArray[np.float64] = np.full(2, USUAL_MARGIN)
        self.curvature: NDArray[np.float64] = np.asarray(curvature * 0.8 ** np.arange(SEGMENTS), np.float64)
        self.covariance: NDArray[np.float64] = np.zeros((CURVES + SEGMENTS, CURVES + SEGMENTS))
        self.covariance[:CURVES, :CURVES] = np.diag([0.3, 0.06, 0.2, 0.5, 0.5]) ** 2
        walk = np.minimum.outer(np.arange(SEGMENTS), np.arange(SEGMENTS))
        self.covariance[CURVES:, CURVES:] = 0.02**2 + CURVATURE_WALK**2 * walk
        self.most_curvature: NDArray[np.float64] = np.full(SEGMENTS, MAX_CURVATURE)
        self.confidence = 0.5
        self.aside = 0.0
        self.foot = BEHIND  # arc length of the car's rear axle along the chain [m]
        self.offset = 0.0  # of the rear axle from the lane's middle, left positive [m]
        self.heading_error = 0.0  # car's yaw minus the lane's [rad]
        self.line: NDArray[np.float64] = np.zeros((SEGMENTS * STATIONS + 1, 3))
        self._noise = np.concatenate([np.square(DRIFT), np.full(SEGMENTS, CURVATURE_DRIFT**2)])
        self.locate(pose)

    def locate(self, pose: NDArray[np.float64]) -> None:
        """Trace the lane and find the car on it."""
        trace(self.anchor, self.curvature, self.line)
        yaw = self.line[:, 2]
        along = (pose[0] - self.line[:, 0]) * np.cos(yaw) + (pose[1] - self.line[:, 1]) * np.sin(yaw)
        window = slice(max(int(self.foot / STATION) - 6, 0), int(self.foot / STATION) + 10)
        i = window.start + int(np.argmin(np.abs(along[window])))
        self.foot = i * STATION + float(along[i])
        x, y, yaw_i = self.line[i]
        self.offset = float(-np.sin(yaw_i) * (pose[0] - x) + np.cos(yaw_i) * (pose[1] - y))
        bend = self.curvature[min(i // STATIONS, SEGMENTS - 1)] * along[i]
        self.heading_error = float((pose[2] - yaw_i - bend + np.pi) % (2.0 * np.pi) - np.pi)

    def predict(self, pose: NDArray[np.float64], speed: float) -> None:
        """The car moved to `pose`; the lane stands still, less surely than before.

        Whoever drives at `speed` [m/s] is not about to enter a bend that is too tight for it:

            |curvature(s)| <= lateral acceleration / (speed^2 - 2 deceleration s)
        """
        self.covariance[np.diag_indices(len(self.covariance))] += self._noise
        self.locate(pose)
        while self.foot > BEHIND + SEGMENT:
            self._advance()
            self.locate(pose)
        ahead = np.arange(SEGMENTS) * SEGMENT - self.foot
        square = np.maximum(speed * speed - 2.0 * SLOWING * np.maximum(ahead, 0.0), 1.0)
        most = np.minimum(MAX_LATERAL_ACCELERATION / square, MAX_CURVATURE)
        self.most_curvature = np.where(ahead < -SEGMENT, MAX_CURVATURE, most)

    def _advance(self) -> None:
        """Drop the first segment and grow one at the far end."""
        end = self.line[STATIONS]
        step = end[:2] - self.anchor[:2]
        ahead = np.array([np.cos(end[2]), np.sin(end[2])])
        size = CURVES + SEGMENTS
        move = np.zeros((size, size))
        move[0, 0] = np.cos(end[2] - self.anchor[2])
        move[0, 1] = step @ ahead
        move[0, CURVES] = 0.5 * SEGMENT * (step @ ahead)
        move[1, 1] = 1.0
        move[1, CURVES] = SEGMENT
        move[range(2, CURVES), range(2, CURVES)] = 1.0
        move[range(CURVES, size - 1), range(CURVES + 1, size)] = 1.0
        move[-1, -1] = 1.0
        self.covariance = move @ self.covariance @ move.T
        self.covariance[-1, -1] += CURVATURE_WALK**2
        self.anchor = end.copy()
        self.curvature = np.append(self.curvature[1:], 0.8 * self.curvature[-1])
        self.foot -= SEGMENT

    def deviation(self) -> NDArray[np.float64]:
        """(stations,) standard deviation of the lane's middle along the chain [m], chords as arc length."""
        s = np.arange(SEGMENTS * STATIONS + 1) * STATION
        start = np.arange(SEGMENTS) * SEGMENT
        reach = np.clip(s[:, None] - start, 0.0, SEGMENT)
        h = np.zeros((len(s), CURVES + SEGMENTS))
        h[:, 0] = 1.0
        h[:, 1] = s
        h[:, CURVES:] = reach * (s[:, None] - start - 0.5 * reach)
        variance: NDArray[np.float64] = np.einsum("ij,jk,ik->i", h, self.covariance, h)
        return np.sqrt(variance)

    def update(self, information: NDArray[np.float64], gradient: NDArray[np.float64]) -> None:
        """Correct the lane by measured borders (`fit.measure_borders`), in information form."""
        scale = 1.0 / MEASUREMENT**2
        information = information * scale
        gradient = gradient * scale
        for i, information_of_usual, excess in (
            (2, USUAL_WIDTH_INFORMATION, USUAL_WIDTH - self.width),
            (3, USUAL_MARGIN_INFORMATION, USUAL_MARGIN - self.margin[0]),
            (4, USUAL_MARGIN_INFORMATION, USUAL_MARGIN - self.margin[1]),
        ):
            if i == 2:
                information_of_usual *= min(1.0, MAX_UNUSUAL / max(abs(excess), MAX_UNUSUAL))
            information[i, i] += information_of_usual
            gradient[i] += information_of_usual * excess
        bends = np.arange(CURVES, len(gradient))
        information[bends, bends] += STRAIGHT_INFORMATION
        gradient[bends] -= STRAIGHT_INFORMATION * self.curvature
        covariance = np.linalg.inv(np.linalg.inv(self.covariance) + information)
        self.covariance[...] = 0.5 * (covariance + covariance.T)
        self._shift(self.covariance @ gradient)

    def notice_gutter(self, seen: NDArray[np.float64]) -> None:
        """Where the stripes are further apart than a lane is wide, one of them is a kerb behind a gutter.

        A kerb is never broken: where one stripe is, the lane lies along that one.

        Args:
            seen: (2,) share of the stations where the right and the left stripe were seen.
        """
        room = 0.5 * max(self.width - WIDEST, 0.0)
        more = seen[0] - seen[1]
        aside = 0.0 if abs(more) < BROKEN else room if more > 0.0 else -room
        self.aside += GUTTER_RATE * (aside - self.aside)

    def learn_margin(self, side: int, margin: float, deviation: float) -> None:
        """Take another distance to the road's right (0) or left (1) end, known to `deviation` [m]."""
        self.margin[side] = margin
        self.covariance[3 + side] = 0.0
        self.covariance[:, 3 + side] = 0.0
        self.covariance[3 + side, 3 + side] = deviation**2

    @property
    def lane_width(self) -> float:
        """Of the lane, gutters left out [m]."""
        return self.width - 2.0 * abs(self.aside)

    @property
    def middle(self) -> NDArray[np.float64]:
        """(stations, 3) x, y, yaw of the lane's middle, gutters left out."""
        yaw = self.line[:, 2]
        return self.line + self.aside * np.stack([-np.sin(yaw), np.cos(yaw), np.zeros(len(yaw))], axis=1)

    def adopt(self, lane: NDArray[np.float64]) -> None:
        """Take another lane (`fit.search_lane`); doubt grows by the change."""
        change = np.zeros(len(self.covariance))
        change[:2] = lane[:2]
        change[2] = lane[2] - self.width
        change[CURVES:] = lane[3:] - self.curvature
        self.covariance[np.diag_indices(len(change))] += change**2
        self._shift(change)

    def _shift(self, change: NDArray[np.float64]) -> None:
        yaw = self.anchor[2]
        self.anchor = self.anchor + np.array([-np.sin(yaw) * change[0], np.cos(yaw) * change[0], change[1]])
        self.width = float(np.clip(self.width + change[2], *WIDTHS))
        self.margin = np.clip(self.margin + change[3:CURVES], *MARGINS)
        self.curvature = np.clip(self.curvature + change[CURVES:], -self.most_curvature, self.most_curvature)
