"""Scalar functions of one pixel or texel: no allocation, no array arithmetic.

A colour is one uint32: red, green, blue (0 .. 240) and gloss (how much the surface mirrors, 0 .. 127), red in
the lowest byte. It is weighed as two pairs of lanes of 16 bits, red and blue, green and gloss, each with one
product of 32 bits. Every step is cut back to 32 bits: so LLVM makes code of eight pixels at once of a loop
over a row, and the bits are those of any machine.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel

TEXEL = 0.1  # side of a texel of the finest level [m]
TILE_BITS = 6
TILE = 1 << TILE_BITS  # texels a side
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
LANES = np.uint32(0x00FF00FF)
BYTE = np.uint32(8)
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
def pack_rgb(red: int, green: int, blue: int) -> Any:
    """A colour of 0 .. 255 a channel."""
    return np.uint32(red | (green << 8) | (blue << 16))


@kernel
def odd_lanes(color: Any) -> Any:
    """The pair of green and gloss, or what of a weighed pair stands in the upper bytes: a pair again."""
    return np.uint32(np.uint32(color >> BYTE) & LANES)


@kernel
def even_lanes(color: Any) -> Any:
    """The pair of red and blue."""
    return np.uint32(color & LANES)


@kernel
def join_lanes(even: Any, odd: Any) -> Any:
    """The colour of two pairs that were weighed by 256ths."""
    return np.uint32(odd_lanes(even) | np.uint32(odd_lanes(odd) << BYTE))


@kernel
def weigh(a: Any, b: Any, weight: Any, bits: Any) -> Any:
    """A pair times 2**bits, on its way from a to b: a * (2**bits - weight) + b * weight.

    What lanes borrow from each other in b - a comes back in the sum.
    """
    return np.uint32(np.uint32(a << bits) + np.uint32(np.uint32(b - a) * weight))


@kernel
def mix(a: Any, b: Any, weight: Any) -> Any:
    """Colour a * (1 - weight / 256) + b * weight / 256, for weight in 0 .. 256."""
    return join_lanes(
        weigh(even_lanes(a), even_lanes(b), weight, BYTE), weigh(odd_lanes(a), odd_lanes(b), weight, BYTE)
    )


@kernel
def scale(a: Any, weight: Any) -> Any:
    """Colour a * weight / 256, for weight in 0 .. 256."""
    return join_lanes(np.uint32(even_lanes(a) * weight), np.uint32(odd_lanes(a) * weight))


@kernel
def bilinear(c00: Any, c10: Any, c01: Any, c11: Any, fx: Any, fy: Any) -> Any:
    """Colour between four neighbours; fx and fy in 0 .. 15 sixteenths."""
    n = np.uint32(4)
    even = weigh(
        weigh(even_lanes(c00), even_lanes(c10), fx, n), weigh(even_lanes(c01), even_lanes(c11), fx, n), fy, n
    )
    odd = weigh(
        weigh(odd_lanes(c00), odd_lanes(c10), fx, n), weigh(odd_lanes(c01), odd_lanes(c11), fx, n), fy, n
    )
    return join_lanes(even, odd)


@kernel
def as_index(i: int) -> Any:
    """An index that is never negative, so that no code for counting from the end is made."""
    return np.uint64(i)
