"""Which lane a point lies on, by a grid of squares that know the lanes near them."""

from collections.abc import Iterable
from math import floor, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.sim.maps.projection import on_segment, project_to_line, refine
from drive.sim.maps.road_map import RoadMap

_BUCKET = 5.0  # side of a square of the lookup grid, and how far beyond a lane it serves [m]


@kernel
def _buckets(
    points: NDArray[np.float64],
    reach: NDArray[np.float64],
    last: NDArray[np.bool_],
    x0: float,
    y0: float,
    columns: int,
    fill: NDArray[np.int64],
    segments: NDArray[np.int64],
) -> None:
    """Count (empty `segments`) or list the segments that each bucket may need; fill[b + 1] is bucket b's."""
    listing = len(segments) > 0
    rows = (len(fill) - 1) // columns
    for i in range(len(points) - 1):
        if last[i]:
            continue
        r = max(reach[i], reach[i + 1])
        j0 = max(0, floor((min(points[i, 0], points[i + 1, 0]) - r - x0) / _BUCKET))
        j1 = min(columns - 1, floor((max(points[i, 0], points[i + 1, 0]) + r - x0) / _BUCKET))
        i0 = max(0, floor((min(points[i, 1], points[i + 1, 1]) - r - y0) / _BUCKET))
        i1 = min(rows - 1, floor((max(points[i, 1], points[i + 1, 1]) + r - y0) / _BUCKET))
        for row in range(i0, i1 + 1):
            for column in range(j0, j1 + 1):
                b = row * columns + column
                if listing:
                    segments[fill[b]] = i
                    fill[b] += 1
                else:
                    fill[b + 1] += 1


@kernel
def _nearest(
    points: NDArray[np.float64],
    width: NDArray[np.float64],
    last: NDArray[np.bool_],
    segments: NDArray[np.int64],
    begin: int,
    end: int,
    x: float,
    y: float,
) -> tuple[int, float]:
    """The segment whose lane is nearest: by the distance outside the lane, then from its centre."""
    best = -1
    share = 0.0
    least = 1e300
    closest = 1e300
    everything = begin < 0
    for k in range(0 if everything else begin, len(points) - 1 if everything else end):
        i = k if everything else segments[k]
        if last[i]:
            continue
        u, squared = on_segment(points, i, x, y)
        distance = sqrt(squared)
        outside = max(0.0, distance - 0.5 * (width[i] + u * (width[i + 1] - width[i])))
        if outside < least or (outside == least and distance < closest):
            best = i
            share = u
            least = outside
            closest = distance
    return best, share


@kernel
def _project(
    points: NDArray[np.float64],
    s: NDArray[np.float64],
    yaw: NDArray[np.float64],
    width: NDArray[np.float64],
    lane_of: NDArray[np.int64],
    begins: NDArray[np.int64],
    last: NDArray[np.bool_],
    starts: NDArray[np.int64],
    segments: NDArray[np.int64],
    x0: float,
    y0: float,
    columns: int,
    xy: NDArray[np.float64],
    lanes: NDArray[np.int64],
    along: NDArray[np.float64],
    beside: NDArray[np.float64],
) -> None:
    rows = (len(starts) - 1) // columns
    for k in range(len(xy)):
        x = xy[k, 0]
        y = xy[k, 1]
        j = floor((x - x0) / _BUCKET)
        i = floor((y - y0) / _BUCKET)
        begin = -1
        end = -1
        if 0 <= j < columns and 0 <= i < rows:
            b = i * columns + j
            if starts[b + 1] > starts[b]:
                begin = starts[b]
                end = starts[b + 1]
        segment, share = _nearest(points, width, last, segments, begin, end, x, y)
        place = lane_of[segment]
        lanes[k] = place
        along[k], beside[k] = refine(points, s, yaw, begins[place], begins[place + 1], segment, share, x, y)


class LaneIndex:
    """Finds lanes by place. Build it once for a map; a lookup costs about a microsecond."""

    def __init__(self, road_map: RoadMap, lanes: Iterable[int] | None = None) -> None:
        """Index a map's lanes.

        Args:
            road_map: the map.
            lanes: indices of the lanes to find; all by default.

        Raises:
            ValueError: no lanes.
        """
        chosen = [road_map.lanes[i] for i in (range(len(road_map.lanes)) if lanes is None else lanes)]
        if not chosen:
            raise ValueError(f"{road_map.name or 'the map'} has no lanes to index.")
        self._lanes = np.array([lane.index for lane in chosen])
        self._points = np.concatenate([lane.center[:, :2] for lane in chosen])
        self._s = np.concatenate([lane.s for lane in chosen])
        self._yaw = np.concatenate([lane.headings for lane in chosen])
        self._width = np.concatenate([lane.width for lane in chosen])
        counts = [len(lane.s) for lane in chosen]
        self._lane_of = np.repeat(np.arange(len(chosen)), counts)
        self._begins = np.concatenate([[0], np.cumsum(counts)])
        self._last = np.zeros(len(self._points), np.bool_)
        self._last[self._begins[1:] - 1] = True

        reach = 0.5 * self._width + _BUCKET
        low = (self._points - reach[:, None]).min(axis=0)
        high = (self._points + reach[:, None]).max(axis=0)
        self._x0, self._y0 = float(low[0]), float(low[1])
        self._columns, rows = (((high - low) / _BUCKET).astype(int) + 1).tolist()
        fill = np.zeros(self._columns * rows + 1, np.int64)
        place = (self._points, reach, self._last, self._x0, self._y0, self._columns)
        _buckets(*place, fill, np.zeros(0, np.int64))
        self._starts = np.cumsum(fill)
        self._segments = np.zeros(int(self._starts[-1]), np.int64)
        if len(self._segments):
            _buckets(*place, self._starts.copy(), self._segments)

    def project(self, xy: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Lane index, s and d of the nearest lane for (..., 2) points.

        Nearest: the least distance outside the lane's width, then from its centre. s and d as from
        `Lane.local_coordinates`.
        """
        xy = np.asarray(xy, np.float64)
        flat = np.ascontiguousarray(xy.reshape(-1, 2))
        lanes = np.zeros(len(flat), np.int64)
        s, d = np.zeros(len(flat)), np.zeros(len(flat))
        _project(
            self._points,
            self._s,
            self._yaw,
            self._width,
            self._lane_of,
            self._begins,
            self._last,
            self._starts,
            self._segments,
            self._x0,
            self._y0,
            self._columns,
            flat,
            lanes,
            s,
            d,
        )
        shape = xy.shape[:-1]
        return self._lanes[lanes].reshape(shape), s.reshape(shape), d.reshape(shape)

    def lanes_at(self, x: float, y: float) -> list[int]:
        """Indices of all lanes whose surface holds the point, in the map's order."""
        j, i = int(np.floor((x - self._x0) / _BUCKET)), int(np.floor((y - self._y0) / _BUCKET))
        rows = (len(self._starts) - 1) // self._columns
        if not (0 <= j < self._columns and 0 <= i < rows):
            return []
        b = i * self._columns + j
        near = self._segments[self._starts[b] : self._starts[b + 1]]
        found = []
        for place in np.unique(self._lane_of[near]).tolist():
            here = slice(int(self._begins[place]), int(self._begins[place + 1]))
            points, along = self._points[here], self._s[here]
            (s,), (d,) = project_to_line(points, along, self._yaw[here], np.array([[x, y]]))
            yaw = float(np.interp(s, along, self._yaw[here]))
            base = [float(np.interp(s, along, points[:, axis])) for axis in (0, 1)]
            sine, cosine = sincos(yaw)
            before = (x - base[0]) * cosine + (y - base[1]) * sine
            if abs(d) <= 0.5 * np.interp(s, along, self._width[here]) and abs(before) < 1e-3:
                found.append(int(self._lanes[place]))
        return found
