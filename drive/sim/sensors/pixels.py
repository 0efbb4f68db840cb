"""Scalar functions of one pixel or texel: no allocation, no array arithmetic.

A colour on its way through the kernels is one int64 of four lanes of 16 bits: red, green, blue and gloss
(how much the surface mirrors, 0 .. 127), so that one product weighs all of them. Lanes hold 0 .. 255.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel

TEXEL = 0.1  # side of a texel of the finest level [m]
TILE = 64  # texels a side
LEVELS = 5
# A tile holds its levels one after the other, each with one more row and column from its neighbours,
# so that a bilinear lookup never leaves the tile.
STRIDES = (65, 33, 17, 9, 5)
OFFSETS = (0, 4225, 5314, 5603, 5684)
TILE_SIZE = 5712
# A texel is 16 bits: grain (4), material (4), paint coverage (4), paint class (3).
GRAINS = 16
PALETTE_SIZE = 1 << 15
FRACTION = 16  # bits after the point in texel coordinates
LANES = 0x00FF00FF00FF00FF
GRASS_VARIANTS = 8
NOISE_PERIOD = 4096  # of the sensor's noise along a row [px]
MAX_NOISE = 12  # [grey levels]


@kernel
def hash2(x: int, y: int) -> int:
    """32 well mixed bits of two integers."""
    h = (x * 0x9E3779B1 + y * 0x85EBCA77) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    h = ((h ^ (h >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return h ^ (h >> 15)


@kernel
def ground_hit(down: float, height: float) -> float:
    """Distance along the camera's axis at which a ray meets the ground; negative when it never does.

    The ground is the plane through the car's wheels. `down` is how far the ray falls for each metre along
    the camera's axis, `height` the camera's height above the ground [m].
    """
    if down <= 1e-6:
        return -1.0
    return height / down


@kernel
def cell_tile(scene: Any, grids: NDArray[np.int32], tx: int, ty: int) -> int:
    """Where the tile at a cell of the grid starts in the store's texels; grass outside the grid."""
    if 0 <= tx < scene.columns and 0 <= ty < scene.rows:
        return grids[scene.grid + ty * scene.columns + tx] * TILE_SIZE
    return (hash2(tx, ty) % GRASS_VARIANTS) * TILE_SIZE


@kernel
def pack_rgb(red: int, green: int, blue: int) -> int:
    """A colour of 0 .. 255 a channel as lanes."""
    return red | (green << 16) | (blue << 32)


@kernel
def mix(a: int, b: int, weight: int) -> int:
    """Lanes a * (1 - weight / 256) + b * weight / 256, for weight in 0 .. 256.

    As a whole number, (a << 8) + (b - a) * weight is a * (256 - weight) + b * weight: what lanes borrow
    from each other comes back in the sum.
    """
    return (((a << 8) + (b - a) * weight) >> 8) & LANES


@kernel
def scale(a: int, weight: int) -> int:
    """Lanes a * weight / 256, for weight in 0 .. 256."""
    return ((a * weight) >> 8) & LANES


@kernel
def bilinear(c00: int, c10: int, c01: int, c11: int, fx: int, fy: int) -> int:
    """Lanes between four neighbours; fx and fy in 0 .. 15 sixteenths."""
    low = (c00 << 4) + (c10 - c00) * fx
    high = (c01 << 4) + (c11 - c01) * fx
    return (((low << 4) + (high - low) * fy) >> 8) & LANES


@kernel
def as_index(i: int) -> Any:
    """An index that is never negative, so that no code for counting from the end is made."""
    return np.uint64(i)


@kernel
def unpack_rgb(packed: int) -> int:
    """Lanes of a colour of the picture buffer."""
    return (packed & 0xFF) | ((packed & 0xFF00) << 8) | ((packed & 0xFF0000) << 16)


@kernel
def put(line: NDArray[np.uint8], column: int, color: int, noise: int) -> None:
    """Write one pixel of a row with its noise."""
    line[column, 0] = (color & 0xFF) + noise
    line[column, 1] = (color >> 16 & 0xFF) + noise
    line[column, 2] = (color >> 32 & 0xFF) + noise
