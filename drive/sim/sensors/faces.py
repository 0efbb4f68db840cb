"""Clip, project and fill flat faces and sprites against one depth buffer.

Camera coordinates are (right, down, ahead) [m]. The depth buffer holds 1 / depth, 0 where nothing stands;
the colour buffer holds instance << 32 | label << 24 | blue << 16 | green << 8 | red.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors.pixels import as_index, hash2
from drive.sim.sensors.records import Canvas
from drive.sim.sensors.textures import SIDE, TEXTURE_LEVELS, TEXTURE_OFFSETS

NEAR_PLANE = 0.1  # [m]
FAR_OUT = 1e6  # [px]
VIEW = np.dtype(
    [
        ("x", "f8"),  # eye, world [m]
        ("y", "f8"),
        ("height", "f8"),  # of the eye above the ground [m]
        ("ahead_x", "f8"),  # horizontal unit vector along the view
        ("ahead_y", "f8"),
        ("sin_pitch", "f8"),  # downwards positive
        ("cos_pitch", "f8"),
        ("focal", "f8"),  # [px]
        ("center_u", "f8"),  # [px]
        ("center_v", "f8"),
        ("width", "i8"),  # [px]
        ("rows", "i8"),  # height of the picture [px]
    ]
)


@kernel
def camera_axes(view: Any, wx: float, wy: float, wz: float) -> tuple[float, float, float]:
    """A world direction in camera coordinates (right, down, ahead)."""
    a = wx * view.ahead_x + wy * view.ahead_y
    return (
        wx * view.ahead_y - wy * view.ahead_x,
        -view.sin_pitch * a - view.cos_pitch * wz,
        view.cos_pitch * a - view.sin_pitch * wz,
    )


@kernel
def clip_near(corners: NDArray[np.float64], clipped: NDArray[np.float64]) -> int:
    """Cut a quad at the near plane; returns how many corners (at most 5) are left in `clipped`."""
    n = 0
    for i in range(4):
        j = (i + 1) & 3
        za = corners[i, 2] - NEAR_PLANE
        zb = corners[j, 2] - NEAR_PLANE
        if za >= 0.0:
            for k in range(3):
                clipped[n, k] = corners[i, k]
            n += 1
        if (za >= 0.0) != (zb >= 0.0):
            t = za / (za - zb)
            for k in range(2):
                clipped[n, k] = corners[i, k] + t * (corners[j, k] - corners[i, k])
            clipped[n, 2] = NEAR_PLANE
            n += 1
    return n


@kernel
def add_edge(ua: float, va: float, ub: float, vb: float, rows: int, spans: NDArray[np.float64]) -> None:
    """Widen the span of every row whose middle an edge crosses."""
    lo = max(0, math.ceil(min(va, vb) - 0.5))
    hi = min(rows, math.ceil(max(va, vb) - 0.5))
    if hi <= lo:
        return
    slope = (ub - ua) / (vb - va)
    u = ua + (lo + 0.5 - va) * slope
    for row in range(lo, hi):
        if u < spans[row, 0]:
            spans[row, 0] = u
        if u > spans[row, 1]:
            spans[row, 1] = u
        u += slope


@kernel
def column_of(u: float, width: int) -> int:
    """First column whose middle is at or right of u, within the picture."""
    return max(0, math.ceil(min(u, width) - 0.5))


@kernel
def outline(view: Any, clipped: NDArray[np.float64], n: int, spans: NDArray[np.float64]) -> tuple[int, int]:
    """Project a convex polygon and set the span of each row it covers; returns (first row, end row)."""
    low = FAR_OUT
    high = -FAR_OUT
    left = FAR_OUT
    right = -FAR_OUT
    for i in range(n):
        scale = view.focal / clipped[i, 2]
        u = view.center_u + clipped[i, 0] * scale
        v = view.center_v + clipped[i, 1] * scale
        clipped[i, 3] = u
        clipped[i, 4] = v
        low = min(low, v)
        high = max(high, v)
        left = min(left, u)
        right = max(right, u)
    if column_of(left, view.width) >= column_of(right, view.width):  # no pixel's middle lies between
        return 0, 0
    first = max(0, math.ceil(low - 0.5))
    last = min(view.rows, math.ceil(high - 0.5))
    if last <= first:
        return 0, 0
    for row in range(first, last):
        spans[row, 0] = FAR_OUT
        spans[row, 1] = -FAR_OUT
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        add_edge(clipped[i, 3], clipped[i, 4], clipped[j, 3], clipped[j, 4], view.rows, spans)
    return first, last


@kernel
def rows_of_face(
    view: Any, corners: NDArray[np.float64], clipped: NDArray[np.float64], spans: NDArray[np.float64]
) -> tuple[int, int]:
    """Rows of a face: clipped if it reaches behind the near plane; (first, end), empty if out of view."""
    before = 0
    for i in range(4):
        if corners[i, 2] >= NEAR_PLANE:
            before += 1
    if before == 0:
        return 0, 0
    if before == 4:
        for i in range(4):
            for k in range(3):
                clipped[i, k] = corners[i, k]
        return outline(view, clipped, 4, spans)
    return outline(view, clipped, clip_near(corners, clipped), spans)


@kernel
def plane(view: Any, nx: float, ny: float, nz: float, divisor: float) -> tuple[float, float, float]:
    """Coefficients (a, b, c) of (N . ray) / divisor = a * u + b * v + c over the picture."""
    a = nx / (view.focal * divisor)
    b = ny / (view.focal * divisor)
    return a, b, nz / divisor - a * view.center_u - b * view.center_v


@kernel
def facing_of(corners: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """A face's normal, and its product with the way to the face: negative where its outside is seen."""
    ax = corners[1, 0] - corners[0, 0]
    ay = corners[1, 1] - corners[0, 1]
    az = corners[1, 2] - corners[0, 2]
    bx = corners[3, 0] - corners[0, 0]
    by = corners[3, 1] - corners[0, 1]
    bz = corners[3, 2] - corners[0, 2]
    nx = ay * bz - az * by
    ny = az * bx - ax * bz
    nz = ax * by - ay * bx
    return nx, ny, nz, nx * corners[0, 0] + ny * corners[0, 1] + nz * corners[0, 2]


@kernel
def fill_flat(view: Any, rows: tuple[int, int], color: int, canvas: Canvas) -> None:
    """Draw the face of the canvas' corners, of which these rows (`rows_of_face`) are seen, in one colour."""
    corners, spans = canvas.corners, canvas.spans
    inverse, picture = canvas.inverse, canvas.picture
    nx, ny, nz, facing = facing_of(corners)
    a, b, c = plane(view, nx, ny, nz, facing)
    step = np.float32(a)
    for row in range(rows[0], rows[1]):
        lo = column_of(spans[row, 0], view.width)
        hi = column_of(spans[row, 1], view.width)
        near = np.float32(a * (lo + 0.5) + b * (row + 0.5) + c)
        at = row * view.width
        for k in range(at + lo, at + hi):
            if near > inverse[as_index(k)]:
                inverse[as_index(k)] = near
                picture[as_index(k)] = color
            near += step


@kernel
def fill_textured(
    view: Any,
    rows: tuple[int, int],
    atlas: NDArray[np.uint8],
    texture: int,
    repeat_u: float,
    repeat_v: float,
    lamps: int,
    seed: int,
    canvas: Canvas,
) -> None:
    """Draw the parallelogram of the canvas' corners with a texture: u along its first edge, v along its last.

    `rows` (`rows_of_face`) of it are seen. The canvas' ramp holds the colours of texels 1 .. 15 and, from 16
    on, those of lit cells; `lamps` (0 .. 255) is the share of cells that are lit.
    """
    corners, spans = canvas.corners, canvas.spans
    ramp, inverse, picture = canvas.ramp, canvas.inverse, canvas.picture
    ax = corners[1, 0] - corners[0, 0]
    ay = corners[1, 1] - corners[0, 1]
    az = corners[1, 2] - corners[0, 2]
    bx = corners[3, 0] - corners[0, 0]
    by = corners[3, 1] - corners[0, 1]
    bz = corners[3, 2] - corners[0, 2]
    ox = corners[0, 0]
    oy = corners[0, 1]
    oz = corners[0, 2]
    nx, ny, nz, facing = facing_of(corners)
    a, b, c = plane(view, nx, ny, nz, facing)
    # P = P0 + s A + t B = depth * ray gives s / depth = ray . (B x P0) / (N . P0), likewise t.
    ua, ub, uc = plane(view, by * oz - bz * oy, bz * ox - bx * oz, bx * oy - by * ox, facing / repeat_u)
    va, vb, vc = plane(view, oy * az - oz * ay, oz * ax - ox * az, ox * ay - oy * ax, facing / repeat_v)
    for row in range(rows[0], rows[1]):
        lo = column_of(spans[row, 0], view.width)
        hi = column_of(spans[row, 1], view.width)
        if hi <= lo:
            continue
        middle = 0.5 * (lo + hi)
        y = row + 0.5
        depth = 1.0 / max(1e-6, a * middle + b * y + c)
        # texels that one step to the right passes, in 64ths of a repeat
        stride = max(
            abs(ua - (ua * middle + ub * y + uc) * depth * a),
            abs(va - (va * middle + vb * y + vc) * depth * a),
        )
        stride *= depth * SIDE
        level = 0
        while level < TEXTURE_LEVELS - 1 and stride > 1.5:
            stride *= 0.5
            level += 1
        size = SIDE >> level
        base = TEXTURE_OFFSETS[level]
        x = lo + 0.5
        near = a * x + b * y + c
        u = (ua * x + ub * y + uc) * size
        v = (va * x + vb * y + vc) * size
        du = ua * size
        dv = va * size
        at = row * view.width
        for k in range(at + lo, at + hi):
            if near > inverse[as_index(k)]:
                depth = 1.0 / near
                iu = int(u * depth)
                iv = int(v * depth)
                place = base + (iv & (size - 1)) * size + (iu & (size - 1))
                texel = atlas[as_index(texture), as_index(place)]
                if texel != 0:
                    inverse[as_index(k)] = near
                    lit = 0
                    if lamps > 0 and texel > 6:
                        cell = hash2((iu >> (6 - level)) + 131 * (iv >> (6 - level)), seed) & 255
                        lit = 16 if cell < lamps else 0
                    picture[as_index(k)] = ramp[as_index(texel + lit)]
            near += a
            u += du
            v += dv
