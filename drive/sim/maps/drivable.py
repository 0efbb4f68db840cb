"""Where cars may be: a sparse grid of distances outside the drivable area."""

import weakref
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.maps.drivable_closing import CELL, EXACT, STEP, close_gaps, close_slits, outside, stored
from drive.sim.maps.road_map import Lane, RoadMap

MAX_DISTANCE = 255 * STEP  # the largest one; also the answer beyond the grid [m]
_MARGIN = 7.0  # of the grid around the area [m]
BLOCK = 64  # side of a block [cells]; a power of two
_WINDOW = 8  # blocks a side in which gaps are closed at once

Borders = dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]  # left and right, by lane


@dataclass(frozen=True, eq=False)
class DrivableArea:
    """Distances outside the drivable area, in steps of STEP; 0 inside. Blocks of cells exist near roads only.

    The area: lanes of the drivable types, each junction's connecting lanes united with their holes
    filled, gaps of up to 2 m closed. Surfaces of all layers are taken together.
    """

    table: NDArray[
        np.int32
    ]  # (rows along y, columns along x) of blocks: place in `blocks`, -1 where all is far
    blocks: NDArray[np.uint8]  # (n, BLOCK, BLOCK): rows along y, columns along x
    x0: float  # centre of cell [0, 0] [m]
    y0: float
    cell: float = CELL  # [m]

    def distance(self, x: float, y: float) -> float:
        """How far a point is outside the area [m]."""
        return float(distance_outside(self.table, self.blocks, self.x0, self.y0, self.cell, x, y))


@kernel
def _at(table: NDArray[np.int32], blocks: NDArray[np.uint8], i: int, j: int) -> int:
    """The stored distance of a cell."""
    block = table[i // BLOCK, j // BLOCK]
    return int(blocks[block, i % BLOCK, j % BLOCK]) if block >= 0 else 255


@kernel
def distance_outside(
    table: NDArray[np.int32], blocks: NDArray[np.uint8], x0: float, y0: float, cell: float, x: float, y: float
) -> float:
    """How far a point is outside the drivable area [m], bilinear between cells; MAX_DISTANCE off the grid."""
    u = (x - x0) / cell
    v = (y - y0) / cell
    if not (0.0 <= u < table.shape[1] * BLOCK - 1 and 0.0 <= v < table.shape[0] * BLOCK - 1):
        return MAX_DISTANCE
    j = int(u)
    i = int(v)
    u -= j
    v -= i
    low = _at(table, blocks, i, j) * (1.0 - u) + _at(table, blocks, i, j + 1) * u
    high = _at(table, blocks, i + 1, j) * (1.0 - u) + _at(table, blocks, i + 1, j + 1) * u
    return STEP * (low * (1.0 - v) + high * v)


_areas: "weakref.WeakKeyDictionary[RoadMap, DrivableArea]" = weakref.WeakKeyDictionary()


def drivable_area(road_map: RoadMap) -> DrivableArea:
    """How far each place around the roads is outside the drivable area; measured once a map.

    Raises:
        ValueError: the map has no drivable lane.
    """
    area = _areas.get(road_map)
    if area is None:
        area = _areas[road_map] = _measured(road_map)
    return area


def _measured(road_map: RoadMap) -> DrivableArea:
    """See `drivable_area`."""
    lanes = [lane for lane in road_map.lanes if lane.drivable]
    if not lanes:
        raise ValueError(f"{road_map.name or 'the map'} has no drivable lane.")
    borders = {lane.index: _borders(lane) for lane in lanes}
    points = np.concatenate([b for pair in borders.values() for b in pair])
    x0, y0 = (np.floor((points.min(axis=0) - _MARGIN) / CELL) * CELL).tolist()
    columns, rows = (((points.max(axis=0) + _MARGIN - [x0, y0]) / CELL).astype(int) // BLOCK + 1).tolist()
    table = np.full((rows, columns), -1, np.int32)
    for pair in borders.values():
        _claim(table, x0, y0, *pair)
    junctions = _junctions(road_map, borders, x0, y0)
    for _, box in junctions:
        table[box] = 0
    used = table >= 0
    table[used] = np.arange(np.count_nonzero(used))
    blocks = np.full((np.count_nonzero(used), BLOCK, BLOCK), 255, np.uint8)
    for lane in lanes:
        left, right = borders[lane.index]
        open_left, open_right = _open(road_map, lane.left_neighbour), _open(road_map, lane.right_neighbour)
        _measure(table, blocks, x0, y0, left, right, open_left, open_right)
    for lane in lanes:
        _fill(table, blocks, x0, y0, *borders[lane.index])
    blocks = _closed(table, blocks)
    _unite_junctions(table, blocks, x0, y0, junctions, borders)
    return DrivableArea(table, blocks, x0, y0)


@kernel
def _claim(
    table: NDArray[np.int32], x0: float, y0: float, left: NDArray[np.float64], right: NDArray[np.float64]
) -> None:
    """Mark (with 0) the blocks within _MARGIN of the quadrilaterals between two borders."""
    size = BLOCK * CELL
    for k in range(len(left) - 1):
        low_x = min(min(left[k, 0], left[k + 1, 0]), min(right[k, 0], right[k + 1, 0])) - _MARGIN - x0
        high_x = max(max(left[k, 0], left[k + 1, 0]), max(right[k, 0], right[k + 1, 0])) + _MARGIN - x0
        low_y = min(min(left[k, 1], left[k + 1, 1]), min(right[k, 1], right[k + 1, 1])) - _MARGIN - y0
        high_y = max(max(left[k, 1], left[k + 1, 1]), max(right[k, 1], right[k + 1, 1])) + _MARGIN - y0
        for i in range(max(0, floor(low_y / size)), min(table.shape[0] - 1, floor(high_y / size)) + 1):
            for j in range(max(0, floor(low_x / size)), min(table.shape[1] - 1, floor(high_x / size)) + 1):
                table[i, j] = 0


def _window(
    table: NDArray[np.int32], blocks: NDArray[np.uint8], box: tuple[slice, slice]
) -> NDArray[np.uint8]:
    """A copy of the cells of a rectangle of blocks as one grid."""
    places = table[box]
    tiles = blocks[np.maximum(places, 0)]
    tiles[places < 0] = 255
    return tiles.transpose(0, 2, 1, 3).reshape(places.shape[0] * BLOCK, places.shape[1] * BLOCK)


def _closed(table: NDArray[np.int32], blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The blocks with gaps closed, window by window; a block around each is farther than any cell reaches."""
    ringed = np.pad(table, 1, constant_values=-1)
    result = blocks.copy()
    for i in range(0, table.shape[0], _WINDOW):
        for j in range(0, table.shape[1], _WINDOW):
            places = table[i : i + _WINDOW, j : j + _WINDOW]
            if not (places >= 0).any():
                continue
            rows, columns = places.shape
            grid = _window(ringed, blocks, (slice(i, i + rows + 2), slice(j, j + columns + 2)))
            close_slits(grid)
            close_gaps(grid)
            inner = grid.reshape(rows + 2, BLOCK, columns + 2, BLOCK)[1:-1, :, 1:-1].transpose(0, 2, 1, 3)
            result[places[places >= 0]] = inner[places >= 0]
    return result


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
    table: NDArray[np.int32], blocks: NDArray[np.uint8], x0: float, y0: float,
    ax: float, ay: float, bx: float, by: float,
) -> None:  # fmt: skip
    """Lower the distances around one segment to the distance from it."""
    j0 = max(0, int((min(ax, bx) - EXACT - x0) / CELL))
    j1 = min(table.shape[1] * BLOCK - 1, int((max(ax, bx) + EXACT - x0) / CELL) + 1)
    i0 = max(0, int((min(ay, by) - EXACT - y0) / CELL))
    i1 = min(table.shape[0] * BLOCK - 1, int((max(ay, by) + EXACT - y0) / CELL) + 1)
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
            if d < EXACT * EXACT:
                value = int(sqrt(d) / STEP + 0.5)
                block = table[i // BLOCK, j // BLOCK]
                if block >= 0 and value < blocks[block, i % BLOCK, j % BLOCK]:
                    blocks[block, i % BLOCK, j % BLOCK] = value


@kernel
def _measure(
    table: NDArray[np.int32],
    blocks: NDArray[np.uint8],
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
            _segment(table, blocks, x0, y0, line[begin, 0], line[begin, 1], line[end, 0], line[end, 1])
            begin = end
    for i in (0, n - 1):
        _segment(table, blocks, x0, y0, left[i, 0], left[i, 1], right[i, 0], right[i, 1])


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
    table: NDArray[np.int32], blocks: NDArray[np.uint8], x0: float, y0: float,
    left: NDArray[np.float64], right: NDArray[np.float64],
) -> None:  # fmt: skip
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
        last = min(table.shape[0] * BLOCK - 1, floor((high - y0) / CELL) + 1)
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
            j1 = min(table.shape[1] * BLOCK - 1, floor((end - x0) / CELL)) if begin < 1e299 else -1
            for j in range(j0, j1 + 1):
                block = table[i // BLOCK, j // BLOCK]
                if block >= 0:
                    blocks[block, i % BLOCK, j % BLOCK] = 0


def _junctions(
    road_map: RoadMap, borders: Borders, x0: float, y0: float
) -> list[tuple[list[int], tuple[slice, slice]]]:
    """Of each junction its lanes and the rectangle of blocks around them."""
    by_junction: dict[str, list[int]] = {}
    for index in borders:
        junction = road_map.lanes[index].junction
        if junction is not None:
            by_junction.setdefault(junction, []).append(index)
    result = []
    for members in by_junction.values():
        points = np.concatenate([b for i in members for b in borders[i]])
        j0, i0 = ((points.min(axis=0) - [x0, y0] - 2.0) / (BLOCK * CELL)).astype(int).tolist()
        j1, i1 = ((points.max(axis=0) - [x0, y0] + 2.0) / (BLOCK * CELL)).astype(int).tolist()
        result.append((members, (slice(i0, i1 + 1), slice(j0, j1 + 1))))
    return result


def _unite_junctions(
    table: NDArray[np.int32],
    blocks: NDArray[np.uint8],
    x0: float,
    y0: float,
    junctions: list[tuple[list[int], tuple[slice, slice]]],
    borders: Borders,
) -> None:
    """Fill what each junction's connecting lanes enclose."""
    import cv2

    for members, box in junctions:
        places, patch = table[box], _window(table, blocks, box)
        alone = np.arange(places.size, dtype=np.int32).reshape(places.shape)
        own = np.full((places.size, BLOCK, BLOCK), 255, np.uint8)
        x, y = (low + part.start * BLOCK * CELL for low, part in ((x0, box[1]), (y0, box[0])))
        for i in members:
            _fill(alone, own, x, y, *borders[i])
        united = (_window(alone, own, (slice(None), slice(None))) == 0).astype(np.uint8)
        outlines, _ = cv2.findContours(united, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = cv2.drawContours(np.zeros_like(united), outlines, -1, 1, cv2.FILLED)
        added = (filled > united) & (patch > 0)
        if added.any():
            patch[added] = 0
            np.minimum(patch, stored(CELL, -0.5 * CELL)[outside((~added).astype(np.uint8))], out=patch)
            blocks[places] = patch.reshape(len(places), BLOCK, -1, BLOCK).transpose(0, 2, 1, 3)
