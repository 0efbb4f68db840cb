"""Kernels that draw a map's surfaces and strokes into tiles of texels."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors.pixels import TEXEL, TILE, hash2

(GRASS, DRY_GRASS, DIRT, ASPHALT, PATCH, LOW_ASPHALT, CRACK, SHOULDER, CONCRETE, SIDEWALK, MEDIAN, KERB) = (
    range(12)
)
WHITE, YELLOW, BLUE, GREEN, RED, ORANGE, KERB_TOP = range(7)
PAINT, MATERIAL, TONE = range(3)  # what a segment changes
SEGMENT = np.dtype(
    [
        ("x0", "f8"),
        ("y0", "f8"),
        ("x1", "f8"),
        ("y1", "f8"),
        ("s", "f8"),  # arc length at its start [m]
        ("half", "f8"),  # half its width [m]
        ("dash", "f8"),  # [m]; 0 for an unbroken line
        ("gap", "f8"),
        ("wear", "f8"),
        ("mode", "i8"),
        ("value", "i8"),  # paint class, material, or tone
        ("first", "i8"),  # it starts (ends) its line: cut there
        ("last", "i8"),
    ]
)


@kernel
def smooth_noise(ix: int, iy: int, shift: int, seed: int) -> int:
    """Value noise 0 .. 255 on a lattice of 2**shift texels."""
    mask = (1 << shift) - 1
    x = ix >> shift
    y = iy >> shift
    fx = ix & mask
    fy = iy & mask
    n = 1 << shift
    a = (hash2(x + seed, y) & 255) * (n - fx) + (hash2(x + 1 + seed, y) & 255) * fx
    b = (hash2(x + seed, y + 1) & 255) * (n - fx) + (hash2(x + 1 + seed, y + 1) & 255) * fx
    return (a * (n - fy) + b * fy) >> (2 * shift)


@kernel
def count_crossings(polygon: NDArray[np.float64], y0: float, rows: int) -> tuple[int, NDArray[np.int64]]:
    """(first row, counts from there): how many edges of a polygon cross the middle of each row of texels."""
    low = polygon[0, 1]
    high = low
    n = len(polygon)
    for i in range(n):
        low = min(low, polygon[i, 1])
        high = max(high, polygon[i, 1])
    first = min(rows, max(0, math.ceil((low - y0) / TEXEL - 0.5)))
    last = min(rows, max(first, math.ceil((high - y0) / TEXEL - 0.5)))
    count = np.zeros(last - first + 1, np.int64)
    for i in range(n):
        a = polygon[i, 1]
        b = polygon[(i + 1) % n, 1]
        lo = max(0, math.ceil((min(a, b) - y0) / TEXEL - 0.5))
        hi = min(rows, math.ceil((max(a, b) - y0) / TEXEL - 0.5))
        for row in range(lo, hi):
            count[row - first + 1] += 1
    return first, count


@kernel
def spans_of(
    polygon: NDArray[np.float64], x0: float, y0: float, rows: int
) -> tuple[int, NDArray[np.int64], NDArray[np.float64]]:
    """Where a polygon covers each row: (first row, begin of each row's list, sorted crossings in texels)."""
    first, count = count_crossings(polygon, y0, rows)
    begin = np.cumsum(count)
    at = begin[:-1].copy()
    crossings = np.empty(begin[-1], np.float64)
    n = len(polygon)
    for i in range(n):
        j = (i + 1) % n
        ya = polygon[i, 1]
        yb = polygon[j, 1]
        if ya == yb:
            continue
        lo = max(0, math.ceil((min(ya, yb) - y0) / TEXEL - 0.5))
        hi = min(rows, math.ceil((max(ya, yb) - y0) / TEXEL - 0.5))
        slope = (polygon[j, 0] - polygon[i, 0]) / (yb - ya)
        for row in range(lo, hi):
            y = y0 + (row + 0.5) * TEXEL
            crossings[at[row - first]] = (polygon[i, 0] + (y - ya) * slope - x0) / TEXEL
            at[row - first] += 1
    for row in range(len(count) - 1):
        if begin[row + 1] - begin[row] == 2:
            a, b = crossings[begin[row]], crossings[begin[row] + 1]
            crossings[begin[row]], crossings[begin[row] + 1] = min(a, b), max(a, b)
        else:
            crossings[begin[row] : begin[row + 1]].sort()
    return first, begin, crossings


@kernel
def mark_tiles_of_polygon(
    polygon: NDArray[np.float64], x0: float, y0: float, used: NDArray[np.uint8]
) -> None:
    """Set `used` (grid of tiles) wherever the polygon covers a texel."""
    columns = used.shape[1] * TILE
    first, begin, crossings = spans_of(polygon, x0, y0, used.shape[0] * TILE)
    for row in range(first, first + len(begin) - 1):
        for k in range(begin[row - first], begin[row - first + 1] - 1, 2):
            lo = max(0, math.ceil(crossings[k] - 0.5))
            hi = min(columns, math.ceil(crossings[k + 1] - 0.5))
            if hi > lo:
                for tile in range(lo // TILE, (hi - 1) // TILE + 1):
                    used[row // TILE, tile] = 1


@kernel
def fill_polygon(
    polygon: NDArray[np.float64],
    x0: float,
    y0: float,
    grid: NDArray[np.int32],
    material: NDArray[np.uint8],
    value: int,
    cover: NDArray[np.uint8],
    paint: NDArray[np.uint8],
    stripe: NDArray[np.float64],
) -> None:
    """Give every texel in the polygon a material and clear the paint; or paint zebra stripes.

    `stripe` is (x, y, unit vector x, y): with a vector of length 0 there are no stripes; with one, texels
    whose distance along it falls into the first half of each metre get white paint.
    """
    columns = grid.shape[1] * TILE
    first, begin, crossings = spans_of(polygon, x0, y0, grid.shape[0] * TILE)
    striped = stripe[2] != 0.0 or stripe[3] != 0.0
    for row in range(first, first + len(begin) - 1):
        for k in range(begin[row - first], begin[row - first + 1] - 1, 2):
            lo = max(0, math.ceil(crossings[k] - 0.5))
            hi = min(columns, math.ceil(crossings[k + 1] - 0.5))
            for column in range(lo, hi):
                tile = grid[row // TILE, column // TILE]
                at = (row % TILE) * TILE + column % TILE
                material[tile, at] = value
                cover[tile, at] = 0
                if striped:
                    x = x0 + (column + 0.5) * TEXEL - stripe[0]
                    y = y0 + (row + 0.5) * TEXEL - stripe[1]
                    along = x * stripe[2] + y * stripe[3]
                    if along - math.floor(along) < 0.5:
                        cover[tile, at] = 255
                        paint[tile, at] = WHITE


@kernel
def mark_tiles_of_segments(segments: NDArray[np.void], x0: float, y0: float, used: NDArray[np.uint8]) -> None:
    """Set `used` wherever a segment's box with half a metre around it touches a tile."""
    size = TEXEL * TILE
    for i in range(len(segments)):
        g = segments[i]
        if g.mode == TONE:
            continue
        r = g.half + 0.2
        c0 = max(0, math.floor((min(g.x0, g.x1) - r - x0) / size))
        c1 = min(used.shape[1] - 1, math.floor((max(g.x0, g.x1) + r - x0) / size))
        r0 = max(0, math.floor((min(g.y0, g.y1) - r - y0) / size))
        r1 = min(used.shape[0] - 1, math.floor((max(g.y0, g.y1) + r - y0) / size))
        for row in range(r0, r1 + 1):
            for column in range(c0, c1 + 1):
                used[row, column] = 1


@kernel
def line_coverage(g: Any, along: float, length: float, across: float) -> float:
    """Share of a texel that a segment covers, by the distance to its borders (box filter)."""
    part = 0.5 + (g.half - across) / TEXEL
    if g.first != 0:
        part = min(part, 0.5 + along / TEXEL)
    if g.last != 0:
        part = min(part, 0.5 + (length - along) / TEXEL)
    if g.dash > 0.0:
        period = g.dash + g.gap
        phase = g.s + along
        phase -= period * math.floor(phase / period)
        part = min(part, 0.5 + max(g.dash * 0.5 - abs(phase - g.dash * 0.5), phase - period) / TEXEL)
    return min(1.0, max(0.0, part))


@kernel
def draw_segments(
    segments: NDArray[np.void],
    x0: float,
    y0: float,
    seed: int,
    grid: NDArray[np.int32],
    material: NDArray[np.uint8],
    cover: NDArray[np.uint8],
    paint: NDArray[np.uint8],
    tone: NDArray[np.int8],
) -> None:
    """Draw segments of lines: paint with antialiased coverage, strips of material, or tone."""
    for i in range(len(segments)):
        g = segments[i]
        length = math.sqrt((g.x1 - g.x0) ** 2 + (g.y1 - g.y0) ** 2)
        if length <= 0.0:
            continue
        ux = (g.x1 - g.x0) / length
        uy = (g.y1 - g.y0) / length
        r = g.half + TEXEL
        c0 = max(0, math.floor((min(g.x0, g.x1) - r - x0) / TEXEL))
        c1 = min(grid.shape[1] * TILE - 1, math.floor((max(g.x0, g.x1) + r - x0) / TEXEL))
        r0 = max(0, math.floor((min(g.y0, g.y1) - r - y0) / TEXEL))
        r1 = min(grid.shape[0] * TILE - 1, math.floor((max(g.y0, g.y1) + r - y0) / TEXEL))
        for row in range(r0, r1 + 1):
            py = y0 + (row + 0.5) * TEXEL - g.y0
            for column in range(c0, c1 + 1):
                px = x0 + (column + 0.5) * TEXEL - g.x0
                across = abs(py * ux - px * uy)
                along = px * ux + py * uy
                if across > r or along < -0.5 * TEXEL or along > length + 0.5 * TEXEL:
                    continue
                part = line_coverage(g, along, length, across)
                tile = grid[row >> 6, column >> 6]
                if part <= 0.0 or tile < 0:
                    continue
                at = ((row & 63) << 6) | (column & 63)
                if g.mode == MATERIAL:
                    on_road = material[tile, at] >= ASPHALT and material[tile, at] <= CRACK
                    if part >= 0.5 and (on_road or g.value == KERB):
                        material[tile, at] = g.value
                elif g.mode == TONE:
                    tone[tile, at] = g.value
                else:
                    chipped = hash2(column + seed, row) & 255
                    flaked = smooth_noise(column, row, 3, seed)
                    if chipped + 2 * flaked < g.wear * 765.0:
                        part *= 0.25
                    value = int(part * 255.0 + 0.5)
                    if value >= cover[tile, at]:
                        cover[tile, at] = value
                        paint[tile, at] = g.value
