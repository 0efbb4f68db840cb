"""Fill billboards: upright rectangles facing the camera, and stain the ground, row by row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors.faces import NEAR_PLANE, column_of
from drive.sim.sensors.pixels import as_index
from drive.sim.sensors.records import Canvas
from drive.sim.sensors.textures import SIDE, TEXTURE_LEVELS, TEXTURE_OFFSETS

Box = tuple[float, float, float, float]  # left, top, right, bottom [px]


@kernel
def fill_sprite(
    view: Any, box: Box, depth: float, atlas: NDArray[np.uint8], texture: int, mirrored: int, canvas: Canvas
) -> None:
    """Draw a texture upright over a rectangle of the picture, all at one depth [m]."""
    u0, v0, u1, v1 = box
    ramp, inverse, picture = canvas.ramp, canvas.inverse, canvas.picture
    if depth < NEAR_PLANE or u1 <= 0.0 or u0 >= view.width or v1 <= 0.0 or v0 >= view.rows:
        return
    near = np.float32(1.0 / depth)
    lo = column_of(u0, view.width)
    hi = column_of(u1, view.width)
    first = column_of(v0, view.rows)
    last = column_of(v1, view.rows)
    stride = SIDE / max(1e-3, u1 - u0)
    level = 0
    while level < TEXTURE_LEVELS - 1 and stride > 1.5:
        stride *= 0.5
        level += 1
    size = SIDE >> level
    base = TEXTURE_OFFSETS[level]
    du = int(65536.0 * size / (u1 - u0))
    u_first = int(65536.0 * size * (lo + 0.5 - u0) / (u1 - u0))
    flip = size - 1 if mirrored != 0 else 0
    for row in range(first, last):
        iv = min(size - 1, max(0, int(size * (v1 - row - 0.5) / (v1 - v0))))
        line = base + iv * size
        u = u_first
        at = row * view.width
        for k in range(at + lo, at + hi):
            if near > inverse[as_index(k)]:
                place = line + (((u >> 16) & (size - 1)) ^ flip)
                texel = atlas[as_index(texture), as_index(place)]
                if texel != 0:
                    inverse[as_index(k)] = near
                    picture[as_index(k)] = ramp[as_index(texel)]
            u += du


@kernel
def fill_block(view: Any, box: Box, depth: float, color: int, canvas: Canvas) -> None:
    """Draw an upright rectangle of one colour at one depth [m]; at least one column wide."""
    u0, v0, u1, v1 = box
    inverse, picture = canvas.inverse, canvas.picture
    if depth < NEAR_PLANE or u1 <= 0.0 or u0 >= view.width or v1 <= 0.0 or v0 >= view.rows:
        return
    near = np.float32(1.0 / depth)
    lo = column_of(u0, view.width)
    hi = column_of(max(u1, u0 + 1.0), view.width)
    for row in range(column_of(v0, view.rows), column_of(v1, view.rows)):
        at = row * view.width
        for column in range(at + lo, at + hi):
            k = as_index(column)
            before = inverse[k]
            below = picture[k]
            inverse[k] = near if near > before else before  # written in any case, as in `fill_flat`
            picture[k] = color if near > before else below


@kernel
def shade_spans(
    view: Any, first: int, end: int, spans: NDArray[np.float64], low: int, high: int, shade: NDArray[np.uint8]
) -> None:
    """Bring the shade (0 .. 255) of the ground inside the spans of some rows between two values."""
    darkest, brightest = np.uint8(low), np.uint8(high)
    for row in range(first, end):
        start = column_of(spans[row, 0], view.width)
        stop = column_of(spans[row, 1], view.width)
        at = row * view.width
        for column in range(at + start, at + stop):
            k = as_index(column)
            shade[k] = min(max(shade[k], darkest), brightest)
