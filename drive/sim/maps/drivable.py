"""Where cars may be: a grid of distances outside the drivable area."""

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.maps.road_map import Lane, RoadMap

CELL = 0.2  # [m]
STEP = 0.025  # of a stored distance [m]
MAX_DISTANCE = 255 * STEP  # the largest one; also the answer beyond the grid [m]
CLOSED_GAP = 2.0  # narrower gaps between drivable lanes belong to the area [m]
_EXACT = 1.5  # up to here distances are measured to the borders themselves [m]
_MARGIN = 7.0  # of the grid around the area [m]


@dataclass(frozen=True, eq=False)
class DrivableArea:
    """Distances outside the drivable area, in steps of STEP; 0 inside.

    The area: lanes of the drivable types, each junction's connecting lanes united with their holes
    filled, gaps to CLOSED_GAP closed. Surfaces of all layers are taken together.
    """

    grid: NDArray[np.uint8]  # (rows along y, columns along x)
    x0: float  # centre of cell [0, 0] [m]
    y0: float
    cell: float = CELL  # [m]

    def distance(self, x: float, y: float) -> float:
        """How far a point is outside the area [m]."""
        return float(distance_outside(self.grid, self.x0, self.y0, self.cell, x, y))


@kernel
def distance_outside(grid: NDArray[np.uint8], x0: float, y0: float, cell: float, x: float, y: float) -> float:
    """How far a point is outside the drivable area [m], bilinear between cells; MAX_DISTANCE off the grid."""
    u = (x - x0) / cell
    v = (y - y0) / cell
    if not (0.0 <= u < grid.shape[1] - 1 and 0.0 <= v < grid.shape[0] - 1):
        return MAX_DISTANCE
    j = int(u)
    i = int(v)
    u -= j
    v -= i
    low = grid[i, j] * (1.0 - u) + grid[i, j + 1] * u
    high = grid[i + 1, j] * (1.0 - u) + grid[i + 1, j + 1] * u
    return STEP * (low * (1.0 - v) + high * v)


def drivable_area(road_map: RoadMap) -> DrivableArea:
    """Measure how far each place around the roads is outside the drivable area.

    Raises:
        ValueError: the map has no drivable lane.
    """
    lanes = [lane for lane in road_map.lanes if lane.drivable]
    if not lanes:
        raise ValueError(f"{road_map.name or 'the map'} has no drivable lane.")
    borders = {lane.index: _borders(lane) for lane in lanes}
    points = np.concatenate([b for pair in borders.values() for b in pair])
    x0, y0 = (np.floor((points.min(axis=0) - _MARGIN) / CELL) * CELL).tolist()
    columns, rows = (((points.max(axis=0) + _MARGIN - [x0, y0]) / CELL).astype(int) // 2 * 2 + 2).tolist()
    grid = np.full((rows, columns), 255, np.uint8)
    for lane in lanes:
        left, right = borders[lane.index]
        open_left, open_right = _open(road_map, lane.left_neighbour), _open(road_map, lane.right_neighbour)
        _measure(grid, x0, y0, left, right, open_left, open_right)
    for lane in lanes:
        _fill(grid, x0, y0, *borders[lane.index])
    _close_slits(grid)
    _close_gaps(grid)
    _unite_junctions(grid, x0, y0, road_map, borders)
    return DrivableArea(grid, x0, y0)


def _open(road_map: RoadMap, neighbour: int | None) -> bool:
    """Whether a border is one of the area: nothing drivable lies beyond it."""
    return neighbour is None or not road_map.lanes[neighbour].drivable


def _borders(lane: Lane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) left and right border, without functions whose last bits differ between machines."""
    center = lane.center[:, :2]
    tangent = np.gradient(center, lane.s, axis=0, edge_order=2 if len(lane.s) > 2 else 1)
    tangent /= np.sqrt((tangent * tangent).sum(axis=1))[:, None]
    half = 0.5 * lane.width[:, None] * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    return center + half, center - half


@kernel
def _segment(
    grid: NDArray[np.uint8], x0: float, y0: float, ax: float, ay: float, bx: float, by: float
) -> None:
    """Lower the distances around one segment to the distance from it."""
    j0 = max(0, int((min(ax, bx) - _EXACT - x0) / CELL))
    j1 = min(grid.shape[1] - 1, int((max(ax, bx) + _EXACT - x0) / CELL) + 1)
    i0 = max(0, int((min(ay, by) - _EXACT - y0) / CELL))
    i1 = min(grid.shape[0] - 1, int((max(ay, by) + _EXACT - y0) / CELL) + 1)
    dx = bx - ax
    dy = by - ay
    squared = dx * dx + dy * dy
    inverse = 1.0 / squared if squared > 0.0 else 0.0
    for i in range(i0, i1 + 1):
        py = y0 + i * CELL - ay
        for j in range(j0, j1 + 1):
            px = x0 + j * CELL - ax
            t = min(1.0, max(0.0, (px * dx + py * dy) * inverse))
            ex = px - t * dx
            ey = py - t * dy
            d = ex * ex + ey * ey
            if d < _EXACT * _EXACT:
                value = int(sqrt(d) / STEP + 0.5)
                if value < grid[i, j]:
                    grid[i, j] = value


@kernel
def _measure(
    grid: NDArray[np.uint8],
    x0: float,
    y0: float,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    open_left: bool,
    open_right: bool,
) -> None:
    """Lower the distances around the open borders and both ends of a lane."""
    n = len(left)
    for side in range(2):
        line = left if side == 0 else right
        if not (open_left if side == 0 else open_right):
            continue
        begin = 0
        while begin < n - 1:
            # Join steps that stay within 4 mm of one segment, to 4 m.
            end = begin + 1
            while end < n - 1 and _straight(line, begin, end + 1):
                end += 1
            _segment(grid, x0, y0, line[begin, 0], line[begin, 1], line[end, 0], line[end, 1])
            begin = end
    for i in (0, n - 1):
        _segment(grid, x0, y0, left[i, 0], left[i, 1], right[i, 0], right[i, 1])


@kernel
def _straight(line: NDArray[np.float64], begin: int, end: int) -> bool:
    dx = line[end, 0] - line[begin, 0]
    dy = line[end, 1] - line[begin, 1]
    squared = dx * dx + dy * dy
    if squared > 16.0 or squared <= 0.0:
        return False
    for i in range(begin + 1, end):
        cross = dx * (line[i, 1] - line[begin, 1]) - dy * (line[i, 0] - line[begin, 0])
        if cross * cross > 0.004 * 0.004 * squared:
            return False
    return True


@kernel
def _fill(
    grid: NDArray[np.uint8], x0: float, y0: float, left: NDArray[np.float64], right: NDArray[np.float64]
) -> None:
    """Set the cells whose centres lie between two borders to 0, row by row of each quadrilateral."""
    xs = np.empty(4)
    ys = np.empty(4)
    for k in range(len(left) - 1):
        xs[0], ys[0] = left[k, 0], left[k, 1]
        xs[1], ys[1] = left[k + 1, 0], left[k + 1, 1]
        xs[2], ys[2] = right[k + 1, 0], right[k + 1, 1]
        xs[3], ys[3] = right[k, 0], right[k, 1]
        low = min(min(ys[0], ys[1]), min(ys[2], ys[3]))
        high = max(max(ys[0], ys[1]), max(ys[2], ys[3]))
        first = max(0, floor((low - y0) / CELL))
        last = min(grid.shape[0] - 1, floor((high - y0) / CELL) + 1)
        for i in range(first, last + 1):
            y = y0 + i * CELL
            begin = 1e300
            end = -1e300
            for a in range(4):
                b = (a + 1) & 3
                if min(ys[a], ys[b]) <= y <= max(ys[a], ys[b]):
                    if ys[a] == ys[b]:
                        begin = min(begin, min(xs[a], xs[b]))
                        end = max(end, max(xs[a], xs[b]))
                    else:
                        x = xs[a] + (xs[b] - xs[a]) * (y - ys[a]) / (ys[b] - ys[a])
                        begin = min(begin, x)
                        end = max(end, x)
            j0 = max(0, floor((begin - x0) / CELL) + 1) if begin < 1e299 else 0
            j1 = min(grid.shape[1] - 1, floor((end - x0) / CELL)) if begin < 1e299 else -1
            for j in range(j0, j1 + 1):
                grid[i, j] = 0


@kernel
def _spread(mask: NDArray[np.uint8], distances: NDArray[np.uint8]) -> None:
    """Distances of the cells of a mask from the nearest cell outside it, in fifths of a cell, 255 at most.

    Two passes with steps of 5, 7 and 11 for a cell straight, across and a knight's move (Borgefors, Distance
    transformations in digital images, 1986): 2 % from the true distance, and whole numbers alone.
    """
    rows, columns = mask.shape
    for i in range(rows):
        up = max(i - 1, 0)
        twice = max(i - 2, 0)
        behind = 255
        for j in range(columns):
            if mask[i, j] == 0:
                behind = 0
            else:
                best = behind + 5
                if i > 0:
                    west, east = max(j - 1, 0), min(j + 1, columns - 1)
                    best = min(best, distances[up, j] + 5)
                    best = min(best, min(distances[up, west], distances[up, east]) + 7)
                    farthest = min(distances[up, max(j - 2, 0)], distances[up, min(j + 2, columns - 1)])
                    nearest = min(distances[twice, west], distances[twice, east])
                    best = min(best, min(farthest, nearest) + 11)
                behind = min(best, 255)
            distances[i, j] = behind
    for i in range(rows - 1, -1, -1):
        down = min(i + 1, rows - 1)
        twice = min(i + 2, rows - 1)
        behind = 255
        for j in range(columns - 1, -1, -1):
            best = int(distances[i, j])
            if best > 5:
                best = min(best, behind + 5)
                west, east = max(j - 1, 0), min(j + 1, columns - 1)
                best = min(best, distances[down, j] + 5)
                best = min(best, min(distances[down, west], distances[down, east]) + 7)
                farthest = min(distances[down, max(j - 2, 0)], distances[down, min(j + 2, columns - 1)])
                nearest = min(distances[twice, west], distances[twice, east])
                best = min(best, min(farthest, nearest) + 11)
                distances[i, j] = best
            behind = best


def _outside(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """See `_spread`."""
    distances = np.empty(mask.shape, np.uint8)
    _spread(mask, distances)
    return distances


def _stored(cell: float, offset: float) -> NDArray[np.uint8]:
    """(256,) the stored distance for each of `_spread`: moved by `offset` [m], in STEPs."""
    metres = np.arange(256) * (cell / 5.0) + offset
    return np.clip(np.floor(metres / STEP + 0.5), 0.0, 255.0).astype(np.uint8)


def _close_slits(grid: NDArray[np.uint8]) -> None:
    """Fill single cells between two lanes whose common border, bent at once, differs by centimetres.

    Only cells that `_measure` left alone: those along open borders have their distance.
    """
    import cv2

    inside = cv2.morphologyEx((grid == 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    grid[(inside > 0) & (grid == 255)] = 0


def _close_gaps(grid: NDArray[np.uint8]) -> None:
    """Close gaps, and fill in the distances that are too far for `_measure`, on every second cell.

    Closing = the points of the area grown by half the gap that are at least half the gap inside it.
    """
    reach = 0.5 * CLOSED_GAP
    coarse = 2.0 * CELL
    farthest = np.maximum(grid[::2, ::2], grid[1::2, ::2])
    np.maximum(farthest, np.maximum(grid[::2, 1::2], grid[1::2, 1::2]), out=farthest)
    grown = (farthest <= int(reach / STEP)).astype(np.uint8)
    far = _stored(coarse, reach - 0.5 * coarse)[_outside(1 - grown)]
    np.maximum(far, int(_EXACT / STEP), out=far)
    # One cell more than the gap asks for, so that cells on a plain border are never counted.
    far[_outside(grown) > int(5.0 * (reach / coarse + 1.0))] = 0
    rows, columns = far.shape
    quads = grid.reshape(rows, 2, columns, 2)
    for a in (0, 1):
        for b in (0, 1):
            np.minimum(quads[:, a, :, b], far, out=quads[:, a, :, b])


def _unite_junctions(
    grid: NDArray[np.uint8],
    x0: float,
    y0: float,
    road_map: RoadMap,
    borders: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> None:
    """Fill what each junction's connecting lanes enclose."""
    import cv2

    by_junction: dict[str, list[int]] = {}
    for index in borders:
        junction = road_map.lanes[index].junction
        if junction is not None:
            by_junction.setdefault(junction, []).append(index)
    for members in by_junction.values():
        points = np.concatenate([b for i in members for b in borders[i]])
        j0, i0 = ((points.min(axis=0) - [x0, y0] - 2.0) / CELL).astype(int).tolist()
        j1, i1 = ((points.max(axis=0) - [x0, y0] + 2.0) / CELL).astype(int).tolist()
        patch = grid[i0:i1, j0:j1]
        outside = np.full(patch.shape, 255, np.uint8)
        for i in members:
            _fill(outside, x0 + j0 * CELL, y0 + i0 * CELL, *borders[i])
        united = (outside == 0).astype(np.uint8)
        outlines, _ = cv2.findContours(united, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(np.zeros_like(united), outlines, -1, 1, cv2.FILLED)
        added = (filled > united) & (patch > 0)
        if added.any():
            patch[added] = 0
            np.minimum(patch, _stored(CELL, -0.5 * CELL)[_outside((~added).astype(np.uint8))], out=patch)
