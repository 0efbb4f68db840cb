"""A lane as a chain of arcs that stands on the ground, how surely it is known, and how that changes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.modular.fit import CURVES, MAX_CURVATURE, SEGMENT, STATION, STATIONS, trace

Array = NDArray[np.float64]

SEGMENTS = 18
SIZE = CURVES + SEGMENTS
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
START_STD = (0.3, 0.06, 0.2, 0.5, 0.5)  # of shift [m], turn [rad], width and margins [m] at the start
START_CURVATURE_STD = 0.02  # [1/m]
DRIFT = (0.012, 0.003, 0.01, 0.012, 0.012)  # noise a step of shift [m], turn [rad], width and margins [m]
CURVATURE_DRIFT = 0.001  # noise a step [1/m]
CURVATURE_WALK = 0.01  # from one segment to the next [1/m]
FADING = 0.8  # curvature of a segment beyond the last known one, as a share of that one
MAX_LATERAL_ACCELERATION = 4.5  # nobody takes a bend faster [m/s^2]
SLOWING = 3.0  # nor slows down more for one ahead [m/s^2]

_NOISE = np.concatenate([np.square(DRIFT), np.full(SEGMENTS, CURVATURE_DRIFT**2)])
_USUAL_INFORMATION = np.array(
    [0.0, 0.0, USUAL_WIDTH_INFORMATION, *[USUAL_MARGIN_INFORMATION] * 2, *[STRAIGHT_INFORMATION] * SEGMENTS]
)


def _shift_of_stations() -> Array:
    """(stations, SIZE) how each number of the state shifts the lane's middle, chords as arc length."""
    s = np.arange(SEGMENTS * STATIONS + 1) * STATION
    start = np.arange(SEGMENTS) * SEGMENT
    reach = np.clip(s[:, None] - start, 0.0, SEGMENT)
    h = np.zeros((len(s), SIZE))
    h[:, 0] = 1.0
    h[:, 1] = s
    h[:, CURVES:] = reach * (s[:, None] - start - 0.5 * reach)
    return h


def _advance_of_segments() -> Array:
    """(SIZE, SIZE) how the state moves on by a segment; `ArcChain._advanced` fills in what the shift does."""
    move = np.zeros((SIZE, SIZE))
    move[1, 1] = 1.0
    move[1, CURVES] = SEGMENT
    move[range(2, CURVES), range(2, CURVES)] = 1.0
    move[range(CURVES, SIZE - 1), range(CURVES + 1, SIZE)] = 1.0
    move[-1, -1] = 1.0
    return move


_SHIFTS, _ADVANCE = _shift_of_stations(), _advance_of_segments()


def _with_more(matrix: Array, more: Array) -> Array:
    """A copy of a (SIZE, SIZE) matrix with (SIZE,) added to its diagonal."""
    copy = matrix.copy()
    copy.reshape(-1)[:: SIZE + 1] += more
    return copy


@kernel
def _deviations(h: Array, covariance: Array, out: Array) -> None:
    """Fill out (stations,) with the square root of h covariance h' of each row.

    A station knows nothing of curvatures beyond it.
    """
    for i in range(len(h)):
        count = CURVES + (i + STATIONS - 1) // STATIONS
        total = 0.0
        for j in range(count):
            if h[i, j] != 0.0:
                for k in range(count):
                    total += h[i, j] * covariance[j, k] * h[i, k]
        out[i] = np.sqrt(total)


class ArcChain(NamedTuple):
    """The lane between the stripes that border it, in the frame of the odometry.

    Its middle starts at an anchor and bends with one curvature per segment; the state behind `covariance` is
    shift [m] and turn [rad] at the anchor, width, margins right and left [m], and the curvatures [1/m].
    """

    anchor: Array  # (3,) x, y [m], yaw [rad] of the middle where the chain begins
    width: float  # between the stripes [m]
    margin: Array  # (2,) from the right and the left stripe to where the road ends [m]
    curvature: Array  # (SEGMENTS,) of each SEGMENT metres, left positive [1/m]
    covariance: Array  # (SIZE, SIZE)
    max_curvature: Array  # (SEGMENTS,) what bends the speed allows [1/m]
    line: Array  # (stations, 3) x, y, yaw of the middle, every STATION metres
    foot: float = BEHIND  # arc length of the car's rear axle along the chain [m]
    offset: float = 0.0  # of the rear axle from the middle, left positive [m]
    heading_error: float = 0.0  # car's yaw minus the lane's [rad]
    confidence: float = 0.5  # 0 .. 1, how much of the borders ahead is supported by evidence
    aside: float = 0.0  # of the lane's middle from the stripes', where one is a kerb; left positive [m]

    @staticmethod
    def start(pose: Array, curvature: float = 0.0) -> "ArcChain":
        """A usual lane along the car's way, which bends with `curvature` [1/m] and straightens ahead."""
        yaw = pose[2]
        back = yaw - 0.5 * BEHIND * curvature
        anchor = np.array(
            [pose[0] - BEHIND * np.cos(back), pose[1] - BEHIND * np.sin(back), yaw - BEHIND * curvature]
        )
        covariance = np.zeros((SIZE, SIZE))
        covariance[:CURVES, :CURVES] = np.diag(START_STD) ** 2
        walk = np.minimum.outer(np.arange(SEGMENTS), np.arange(SEGMENTS))
        covariance[CURVES:, CURVES:] = START_CURVATURE_STD**2 + CURVATURE_WALK**2 * walk
        return ArcChain(
            anchor=anchor,
            width=USUAL_WIDTH,
            margin=np.full(2, USUAL_MARGIN),
            curvature=np.asarray(curvature * FADING ** np.arange(SEGMENTS), np.float64),
            covariance=covariance,
            max_curvature=np.full(SEGMENTS, MAX_CURVATURE),
            line=np.zeros((SEGMENTS * STATIONS + 1, 3)),
        ).located(pose)

    def located(self, pose: Array) -> "ArcChain":
        """Trace the middle and find the car on it."""
        line = np.empty_like(self.line)
        trace(self.anchor, self.curvature, line)
        near = int(self.foot / STATION)  # may lie off the line, where the car turns away from a lost lane
        first = min(max(near - 6, 0), len(line) - 1)
        stations = line[first : max(near + 10, first + 1)]
        cosines, sines = np.cos(stations[:, 2]), np.sin(stations[:, 2])
        along = (pose[0] - stations[:, 0]) * cosines + (pose[1] - stations[:, 1]) * sines
        k = int(np.abs(along).argmin())
        i, forward, cosine, sine = first + k, float(along[k]), float(cosines[k]), float(sines[k])
        (x, y, yaw), (car_x, car_y, car_yaw) = stations[k].tolist(), pose.tolist()
        bend = float(self.curvature[min(i // STATIONS, SEGMENTS - 1)]) * forward
        return self._replace(
            line=line,
            foot=i * STATION + forward,
            offset=-sine * (car_x - x) + cosine * (car_y - y),
            heading_error=(car_yaw - yaw - bend + np.pi) % (2.0 * np.pi) - np.pi,
        )

    def predicted(self, pose: Array, speed: float) -> "ArcChain":
        """The car moved to `pose`; the lane stands still, less surely than before.

        Whoever drives at `speed` [m/s] is not about to enter a bend that is too tight for it:

            |curvature(s)| <= lateral acceleration / (speed^2 - 2 deceleration s)
        """
        chain = self._replace(covariance=_with_more(self.covariance, _NOISE)).located(pose)
        while chain.foot > BEHIND + SEGMENT:
            chain = chain._advanced().located(pose)
        ahead = np.arange(SEGMENTS) * SEGMENT - chain.foot
        square = np.maximum(speed * speed - 2.0 * SLOWING * np.maximum(ahead, 0.0), 1.0)
        allowed = np.minimum(MAX_LATERAL_ACCELERATION / square, MAX_CURVATURE)
        return chain._replace(max_curvature=np.where(ahead < -SEGMENT, MAX_CURVATURE, allowed))

    def _advanced(self) -> "ArcChain":
        """Drop the first segment and grow one at the far end."""
        end = self.line[STATIONS]
        step = end[:2] - self.anchor[:2]
        ahead = np.array([np.cos(end[2]), np.sin(end[2])])
        move = _ADVANCE.copy()
        move[0, 0] = np.cos(end[2] - self.anchor[2])
        move[0, 1] = step @ ahead
        move[0, CURVES] = 0.5 * SEGMENT * (step @ ahead)
        covariance = move @ self.covariance @ move.T
        covariance[-1, -1] += CURVATURE_WALK**2
        return self._replace(
            covariance=covariance,
            anchor=end.copy(),
            curvature=np.append(self.curvature[1:], FADING * self.curvature[-1]),
            foot=self.foot - SEGMENT,
        )

    def deviation(self) -> Array:
        """(stations,) standard deviation of the middle along the chain [m]."""
        deviation = np.empty(len(_SHIFTS))
        _deviations(_SHIFTS, self.covariance, deviation)
        return deviation

    def corrected(self, information: Array, gradient: Array) -> "ArcChain":
        """The chain after measurements, in information form, and the pull to what is usual.

        Args:
            information: (SIZE, SIZE) sum of h h' / variance.
            gradient: (SIZE,) sum of h residual / variance.
        """
        unusual = USUAL_WIDTH - self.width
        pull = _USUAL_INFORMATION.copy()
        pull[2] *= min(1.0, MAX_UNUSUAL / max(abs(unusual), MAX_UNUSUAL))
        excess = np.concatenate([(0.0, 0.0, unusual), USUAL_MARGIN - self.margin, -self.curvature])
        information, gradient = _with_more(information, pull), gradient + pull * excess
        covariance = np.linalg.inv(np.linalg.inv(self.covariance) + information)
        covariance = 0.5 * (covariance + covariance.T)
        return self._replace(covariance=covariance)._changed(covariance @ gradient)

    def adopted(self, lane: Array) -> "ArcChain":
        """Another lane (`lane_search.search_lane`) in place of this one; doubt grows by the change."""
        change = np.zeros(SIZE)
        change[:2] = lane[:2]
        change[2] = lane[2] - self.width
        change[CURVES:] = lane[3:] - self.curvature
        return self._replace(covariance=_with_more(self.covariance, change**2))._changed(change)

    def _changed(self, change: Array) -> "ArcChain":
        yaw = self.anchor[2]
        step = np.array([-np.sin(yaw) * change[0], np.cos(yaw) * change[0], change[1]])
        margin, curvature = self.margin + change[3:CURVES], self.curvature + change[CURVES:]
        return self._replace(
            anchor=self.anchor + step,
            width=min(max(self.width + float(change[2]), WIDTHS[0]), WIDTHS[1]),
            margin=np.minimum(np.maximum(margin, MARGINS[0]), MARGINS[1]),
            curvature=np.minimum(np.maximum(curvature, -self.max_curvature), self.max_curvature),
        )

    def with_gutter(self, seen: tuple[float, float]) -> "ArcChain":
        """Where the stripes are further apart than a lane is wide, one of them is a kerb behind a gutter.

        A kerb is never broken: where one stripe is, the lane lies along that one.

        Args:
            seen: share of the stations where the right and the left stripe were seen.
        """
        room = 0.5 * max(self.width - WIDEST, 0.0)
        more = seen[0] - seen[1]
        aside = 0.0 if abs(more) < BROKEN else room if more > 0.0 else -room
        return self._replace(aside=self.aside + GUTTER_RATE * (aside - self.aside))

    def with_margin(self, side: int, margin: float, deviation: float) -> "ArcChain":
        """Another distance to the road's right (0) or left (1) end, known to `deviation` [m]."""
        margins, covariance = self.margin.copy(), self.covariance.copy()
        margins[side] = margin
        covariance[3 + side] = 0.0
        covariance[:, 3 + side] = 0.0
        covariance[3 + side, 3 + side] = deviation**2
        return self._replace(margin=margins, covariance=covariance)

    @property
    def lane_width(self) -> float:
        """Of the lane, gutters left out [m]."""
        return self.width - 2.0 * abs(self.aside)

    @property
    def middle(self) -> Array:
        """(stations, 3) x, y, yaw of the lane's middle, gutters left out."""
        if self.aside == 0.0:
            return self.line
        yaw, middle = self.line[:, 2], self.line.copy()
        middle[:, 0] -= self.aside * np.sin(yaw)
        middle[:, 1] += self.aside * np.cos(yaw)
        return middle
