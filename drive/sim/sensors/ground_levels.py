"""Kernels that turn what was drawn on the ground into packed texels of all levels."""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors.ground_paint import ASPHALT, DRY_GRASS, GRASS, LOW_ASPHALT, SIDEWALK
from drive.sim.sensors.pixels import LEVELS, OFFSETS, STRIDES, TILE, hash2


@kernel
def weather_texel(kind: int, ix: int, iy: int, seed: int, tone: int, broad: int, field: int, dip: int) -> int:
    """Grain and final material of a texel at global texel coordinates, packed as texel bits.

    `broad`, `field` and `dip` are smooth noises 0 .. 255 over 1.6 m, 6.4 m and both.
    """
    fine = hash2(ix, iy + seed)
    grain = 8 + ((fine & 7) - (fine >> 3 & 7)) // 2 + (broad - 128) // 40 + tone
    if kind == GRASS:
        if field + (broad >> 1) + (fine >> 8 & 63) > 265:
            kind = DRY_GRASS
        grain += ((fine >> 6 & 3) - 1) * 2
    elif kind == ASPHALT:
        if dip > 183:
            kind = LOW_ASPHALT
    elif kind == SIDEWALK:
        if ix & 15 == 0 or iy & 15 == 0:
            grain -= 5
    return min(15, max(0, grain)) | (kind << 4)


@kernel
def noise_row(row: int, y: int, shift: int, x: int, seed: int, line: NDArray[np.int64]) -> None:
    """Smooth noise along one row of a tile at global texel coordinates (x, y + row); see `smooth_noise`."""
    n = 1 << shift
    fy = (y + row) & (n - 1)
    gy = (y + row) >> shift
    for cell in range(TILE >> shift):
        gx = (x >> shift) + cell
        a = (hash2(gx + seed, gy) & 255) * (n - fy) + (hash2(gx + seed, gy + 1) & 255) * fy
        b = (hash2(gx + 1 + seed, gy) & 255) * (n - fy) + (hash2(gx + 1 + seed, gy + 1) & 255) * fy
        for fx in range(n):
            line[(cell << shift) + fx] = (a * (n - fx) + b * fx) >> (2 * shift)


@kernel
def finish_tiles(
    first_x: NDArray[np.int64],
    first_y: NDArray[np.int64],
    seed: int,
    material: NDArray[np.uint8],
    cover: NDArray[np.uint8],
    paint: NDArray[np.uint8],
    tone: NDArray[np.int8],
    tiles: NDArray[np.uint16],
) -> None:
    """Pack the finest level of every tile and average the coarser ones (aprons left to `join_tiles`).

    `first_x` and `first_y` (n,) are the global texel coordinates of each tile's corner, multiples of TILE.
    """
    noises = np.empty((4, TILE), np.int64)
    for tile in range(len(tiles)):
        x = first_x[tile]
        y = first_y[tile]
        for row in range(TILE):
            noise_row(row, y, 4, x, seed, noises[0])
            noise_row(row, y, 6, x, seed + 77, noises[1])
            noise_row(row, y, 4, x, seed + 31, noises[2])
            noise_row(row, y, 6, x, seed + 32, noises[3])
            for column in range(TILE):
                at = row * TILE + column
                texel = weather_texel(
                    int(material[tile, at]),
                    x + column,
                    y + row,
                    seed,
                    int(tone[tile, at]),
                    noises[0, column],
                    noises[1, column],
                    (noises[2, column] + noises[3, column]) >> 1,
                )
                part = (int(cover[tile, at]) + 8) // 17
                if part > 0:
                    texel |= (part << 8) | (int(paint[tile, at]) << 12)
                tiles[tile, row * STRIDES[0] + column] = texel
        for level in range(1, LEVELS):
            average_level(tiles[tile], level)


@kernel
def quarter(total: int) -> int:
    """A quarter of a whole number, halves to even, so that means of means do not creep."""
    return (total + 1 + (total >> 2 & 1)) >> 2


@kernel
def average_level(tile: NDArray[np.uint16], level: int) -> None:
    """Make one level of a tile from the finer one: majority of material, mean of grain and coverage."""
    size = TILE >> level
    fine = OFFSETS[level - 1]
    step = STRIDES[level - 1]
    for row in range(size):
        for column in range(size):
            at = fine + 2 * row * step + 2 * column
            a = int(tile[at])
            b = int(tile[at + 1])
            c = int(tile[at + step])
            d = int(tile[at + step + 1])
            grain = quarter((a & 15) + (b & 15) + (c & 15) + (d & 15))
            part = quarter((a >> 8 & 15) + (b >> 8 & 15) + (c >> 8 & 15) + (d >> 8 & 15))
            most = a
            for other in (b, c, d):
                if (other >> 8 & 15) > (most >> 8 & 15):
                    most = other
            ma = a >> 4 & 15
            mb = b >> 4 & 15
            mc = c >> 4 & 15
            md = d >> 4 & 15
            kind = ma
            if ma != mb and ma != mc and ma != md and (mb == mc or mb == md):
                kind = mb
            elif ma != mb and ma != mc and ma != md and mc == md:
                kind = mc
            texel = grain | (kind << 4)
            if part > 0:
                texel |= (part << 8) | (most >> 12 << 12)
            tile[OFFSETS[level] + row * STRIDES[level] + column] = texel


@kernel
def join_tiles(grid: NDArray[np.int32], tiles: NDArray[np.uint16]) -> None:
    """Fill each tile's extra row and column from its neighbours, or from its own border at an edge."""
    for gy in range(grid.shape[0]):
        for gx in range(grid.shape[1]):
            tile = grid[gy, gx]
            if tile < 0:
                continue
            right = grid[gy, gx + 1] if gx + 1 < grid.shape[1] else -1
            above = grid[gy + 1, gx] if gy + 1 < grid.shape[0] else -1
            corner = -1
            if gy + 1 < grid.shape[0] and gx + 1 < grid.shape[1]:
                corner = grid[gy + 1, gx + 1]
            for level in range(LEVELS):
                n = TILE >> level
                base = OFFSETS[level]
                step = STRIDES[level]
                for k in range(n):
                    side = base + k * step
                    tiles[tile, side + n] = tiles[right, side] if right >= 0 else tiles[tile, side + n - 1]
                    top = base + n * step + k
                    tiles[tile, top] = tiles[above, base + k] if above >= 0 else tiles[tile, top - step]
                last = base + n * step + n
                tiles[tile, last] = tiles[corner, base] if corner >= 0 else tiles[tile, last - 1]
