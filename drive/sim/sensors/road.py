"""The rows of a frame below the horizon: the ground, where nothing stands on it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import exp
from drive.sim.sensors.ground_truth import fill_truth, label_ground, wants_truth
from drive.sim.sensors.labels import TERRAIN
from drive.sim.sensors.pixels import (
    LEVELS,
    NOISE_PERIOD,
    OFFSETS,
    STRIDES,
    TEXEL,
    as_index,
    bilinear,
    cell_tile,
    ground_hit,
    hash2,
    mix,
    pack_rgb,
    put,
    scale,
    unpack_rgb,
)
from drive.sim.sensors.sky import sky_at

SCENE = np.dtype(
    [
        ("x0", "f8"),  # corner of the grid of tiles [m]
        ("y0", "f8"),
        ("rows", "i8"),  # of the grid
        ("columns", "i8"),
        ("grid", "i8"),  # first cell in the store's grids
        ("props", "i8"),  # first and one past the last prop
        ("props_end", "i8"),
        ("chunks", "i8"),
        ("chunks_end", "i8"),
    ]
)


@kernel
def horizon_row(view: Any) -> int:
    """First row whose middle looks at the ground."""
    v = view.center_v - view.focal * view.sin_pitch / view.cos_pitch
    return min(view.rows, max(0, math.ceil(v - 0.5 + 1e-9)))


@kernel
def step_along_row(view: Any, scene: Any, depth: float, flat: float, level: int) -> tuple[int, int, int, int]:
    """Where a row's first pixel meets the ground, and the step to the next, in 65536ths of a texel.

    `depth` is the row's distance along the camera's axis, `flat` along the ground [m].
    """
    per = 65536.0 / TEXEL
    side = depth / view.focal
    first = (0.5 - view.center_u) * side
    half = 32768 << level
    return (
        math.floor((view.x + flat * view.ahead_x + first * view.ahead_y - scene.x0) * per) - half,
        math.floor((view.y + flat * view.ahead_y - first * view.ahead_x - scene.y0) * per) - half,
        math.floor(side * view.ahead_y * per),
        math.floor(-side * view.ahead_x * per),
    )


@kernel
def ground_texels(
    tiles: NDArray[np.uint16], palette: NDArray[np.int64], i: int, stride: int, fx: int, fy: int
) -> int:
    """Colour of the ground between four texels."""
    return bilinear(
        palette[tiles[as_index(i)]],
        palette[tiles[as_index(i + 1)]],
        palette[tiles[as_index(i + stride)]],
        palette[tiles[as_index(i + stride + 1)]],
        fx,
        fy,
    )


@kernel
def mirror_row(view: Any, slope: float) -> int:
    """Row that shows the mirror image, in still water, of what a ray of that slope would meet."""
    flat = view.cos_pitch - view.sin_pitch * slope
    fall = view.sin_pitch + view.cos_pitch * slope
    down = -view.sin_pitch * flat - view.cos_pitch * fall
    ahead = view.cos_pitch * flat - view.sin_pitch * fall
    if ahead <= 1e-3:
        return -1
    return math.floor(view.center_v + view.focal * down / ahead)


@kernel
def resolve_ground(
    view: Any,
    look: Any,
    scene: Any,
    horizon: int,
    scenes: Any,
    palette: NDArray[np.int64],
    sky: NDArray[np.uint32],
    optics: Any,
    turn: int,
    canvas: Any,
    noise: NDArray[np.uint8],
    salt: int,
    item: int,
    out: Any,
) -> None:
    """Rows below the horizon: bodies, and ground where nothing stands; all outputs of a row in turn."""
    tiles, grids = scenes.tiles, scenes.grids
    inverse, picture, shade = canvas.inverse, canvas.picture, canvas.shade
    sky_u, sky_v = optics.sky_u, optics.sky_v
    fog = pack_rgb(int(look.horizon_r), int(look.horizon_g), int(look.horizon_b))
    wet = look.wetness > 0.0 and horizon > 0
    truth = wants_truth(out)
    for row in range(horizon, view.rows):
        slope = (row + 0.5 - view.center_v) / view.focal
        depth = ground_hit(view.sin_pitch + view.cos_pitch * slope, view.height)
        flat = depth * (view.cos_pitch - view.sin_pitch * slope)
        level = 0
        while level < LEVELS - 1 and depth > 0.14 * view.focal * (1 << level):
            level += 1
        px, py, dx, dy = step_along_row(view, scene, depth, flat, level)
        if truth:
            fill_truth(row, depth, TERRAIN, inverse, picture, item, out.depth, out.labels, out.instances)
        if out.labels.shape[0] > 0:
            half = 32768 << level
            at = (px + half, py + half, dx, dy)
            label_ground(view, scene, row, depth, flat, at, tiles, grids, inverse, out.labels[item, row])
        if out.rgb.shape[0] == 0:
            continue
        haze = int(256.0 * (1.0 - exp(-look.fog * flat)))
        shift = 16 + level
        mask = 63 >> level
        stride = STRIDES[level]
        last_tx = -(1 << 40)
        last_ty = 0
        base = 0
        begin = row * view.width
        start = hash2(salt, row) & (NOISE_PERIOD - 1)
        line = out.rgb[item, row]
        mirror = 0
        fresnel = 0
        glossy = 0
        near = 1.0 / depth
        if wet:
            mirror = mirror_row(view, slope) * view.width
            rise = 1.0 - view.height / math.sqrt(view.height * view.height + flat * flat)
            fresnel = int(256.0 * (0.10 + 0.90 * rise * rise * rise))
            glossy = sky_at(
                sky, sky_u, sky_v, min((horizon - 1) * view.width, max(0, mirror)) + view.width // 2, turn
            )
        for column in range(view.width):
            k = begin + column
            if inverse[as_index(k)] > 0.0:
                color = unpack_rgb(picture[as_index(k)])
            else:
                tx = px >> 22
                ty = py >> 22
                if tx != last_tx or ty != last_ty:
                    base = cell_tile(scene, grids, tx, ty) + OFFSETS[level]
                    last_tx = tx
                    last_ty = ty
                i = base + ((py >> shift) & mask) * stride + ((px >> shift) & mask)
                color = ground_texels(
                    tiles, palette, i, stride, (px >> (shift - 4)) & 15, (py >> (shift - 4)) & 15
                )
                gloss = color >> 48
                color = scale(color, shade[as_index(k)] + 1)
                if wet and gloss > 0:
                    image = glossy
                    if mirror >= 0:
                        seen = inverse[as_index(mirror + column)]
                        if seen > 0.0 and seen < near:
                            image = unpack_rgb(picture[as_index(mirror + column)])
                    color = mix(color, image, (gloss * fresnel) >> 7)
                color = mix(color, fog, haze)
            put(line, column, color, noise[as_index(start + column)])
            px += dx
            py += dy
