"""The rows of a frame below the horizon: the ground, where nothing stands on it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import exp
from drive.sim.sensors.ground_truth import fill_truth, is_bare, label_ground, wants_truth
from drive.sim.sensors.labels import TERRAIN
from drive.sim.sensors.pixels import (
    LEVELS,
    NOISE_PERIOD,
    OFFSETS,
    STRIDES,
    TEXEL,
    TILE_BITS,
    as_index,
    bilinear,
    cell_tile,
    ground_hit,
    hash2,
    mix,
    scale,
)
from drive.sim.sensors.rows import finish_row
from drive.sim.sensors.shading import haze_color
from drive.sim.sensors.sky import sky_at

TILE_SHIFT = 16 + TILE_BITS  # a tile's side in 65536ths of a texel, as a power of two
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
def steps_in_tile(place: int, step: int) -> int:
    """After how many steps a place within a tile, in 65536ths of a texel, leaves it."""
    if step > 0:
        return ((1 << TILE_SHIFT) - place + step - 1) // step
    if step < 0:
        return place // -step + 1
    return 1 << 40


@kernel
def gather_ground(
    scene: Any,
    scenes: Any,
    palette: NDArray[np.uint32],
    start: tuple[int, int, int, int],
    level: int,
    bare: bool,
    inverse: NDArray[np.float32],
    lines: NDArray[np.uint32],
) -> None:
    """Colours of the texels around each pixel of a row where nothing stands: everywhere, if it is `bare`."""
    tiles, grids = scenes.tiles, scenes.grids
    width = len(inverse)
    px, py, dx, dy = start
    shift = 16 + level
    stride = STRIDES[level]
    column = 0
    while column < width:
        tx = px >> TILE_SHIFT
        ty = py >> TILE_SHIFT
        base = cell_tile(scene, grids, tx, ty) + OFFSETS[level]
        u = px - (tx << TILE_SHIFT)
        v = py - (ty << TILE_SHIFT)
        count = min(width - column, steps_in_tile(u, dx), steps_in_tile(v, dy))
        for place in range(column, column + count):
            k = as_index(place)
            if bare or not inverse[k] > 0.0:
                i = base + (v >> shift) * stride + (u >> shift)
                lines[k] = palette[tiles[as_index(i)]]
                lines[as_index(place + width)] = palette[tiles[as_index(i + 1)]]
                lines[as_index(place + 2 * width)] = palette[tiles[as_index(i + stride)]]
                lines[as_index(place + 3 * width)] = palette[tiles[as_index(i + stride + 1)]]
            u += dx
            v += dy
        column += count
        px += count * dx
        py += count * dy


@kernel
def fractions_along_row(start: tuple[int, int, int, int], level: int) -> tuple[Any, Any, Any, Any]:
    """`step_along_row` with the fraction of a texel in the highest of 32 bits; whole texels fall off."""
    bits = 16 - level
    px, py, dx, dy = start
    return np.uint32(px << bits), np.uint32(py << bits), np.uint32(dx << bits), np.uint32(dy << bits)


@kernel
def blend_ground(
    start: tuple[int, int, int, int],
    level: int,
    shade: NDArray[np.uint8],
    fog: Any,
    haze: int,
    lines: NDArray[np.uint32],
) -> None:
    """Colours of a row between their texels, in their shade, in the haze: into the start of `lines`."""
    n = len(shade)
    c00, c10, c01, c11 = lines[:n], lines[n : 2 * n], lines[2 * n : 3 * n], lines[3 * n : 4 * n]
    px, py, dx, dy = fractions_along_row(start, level)
    hazy, one, high = np.uint32(haze), np.uint32(1), np.uint32(28)
    for k in range(n):
        color = bilinear(c00[k], c10[k], c01[k], c11[k], np.uint32(px >> high), np.uint32(py >> high))
        color = scale(color, np.uint32(shade[k] + one))
        c00[k] = mix(color, fog, hazy)
        px = np.uint32(px + dx)
        py = np.uint32(py + dy)


@kernel
def blend_wet_ground(
    start: tuple[int, int, int, int],
    level: int,
    shade: NDArray[np.uint8],
    fog: Any,
    haze: int,
    near: float,
    fresnel: int,
    glossy: Any,
    seen: NDArray[np.float32],
    bodies: NDArray[np.int64],
    lines: NDArray[np.uint32],
) -> None:
    """`blend_ground` of ground that mirrors: the bodies of another row where they stand behind it, or sky.

    `near` is 1 / the row's distance [1/m], `seen` and `bodies` are the other row's inverse depth and colours.
    """
    n = len(shade)
    c00, c10, c01, c11 = lines[:n], lines[n : 2 * n], lines[2 * n : 3 * n], lines[3 * n : 4 * n]
    px, py, dx, dy = fractions_along_row(start, level)
    hazy, one, high, top = np.uint32(haze), np.uint32(1), np.uint32(28), np.uint32(24)
    share = np.uint32(fresnel)
    for k in range(n):
        color = bilinear(c00[k], c10[k], c01[k], c11[k], np.uint32(px >> high), np.uint32(py >> high))
        gloss = np.uint32(np.uint32(np.uint32(color >> top) * share) >> np.uint32(7))
        color = scale(color, np.uint32(shade[k] + one))
        body = np.uint32(bodies[k])
        image = body if (seen[k] > 0.0) & (seen[k] < near) else glossy
        c00[k] = mix(mix(color, image, gloss), fog, hazy)
        px = np.uint32(px + dx)
        py = np.uint32(py + dy)


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
    palette: NDArray[np.uint32],
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
    lines = canvas.lines.view(np.uint32)
    sky_u, sky_v = optics.sky_u, optics.sky_v
    width = view.width
    fog = haze_color(look)
    wet = look.wetness > 0.0 and horizon > 0
    truth = wants_truth(out)
    for row in range(horizon, view.rows):
        slope = (row + 0.5 - view.center_v) / view.focal
        depth = ground_hit(view.sin_pitch + view.cos_pitch * slope, view.height)
        flat = depth * (view.cos_pitch - view.sin_pitch * slope)
        level = 0
        while level < LEVELS - 1 and depth > 0.14 * view.focal * (1 << level):
            level += 1
        start = step_along_row(view, scene, depth, flat, level)
        if truth:
            fill_truth(row, depth, TERRAIN, inverse, picture, item, out.depth, out.labels, out.instances)
        if out.labels.shape[0] > 0:
            half = 32768 << level
            at = (start[0] + half, start[1] + half, start[2], start[3])
            label_ground(view, scene, row, depth, flat, at, tiles, grids, inverse, out.labels[item, row])
        if out.rgb.shape[0] == 0:
            continue
        haze = int(256.0 * (1.0 - exp(-look.fog * flat)))
        begin = row * width
        own = inverse[begin : begin + width]
        bare = is_bare(row, width, inverse)
        gather_ground(scene, scenes, palette, start, level, bare, own, lines)
        light = shade[begin : begin + width]
        if wet:
            mirror = mirror_row(view, slope)
            rise = 1.0 - view.height / math.sqrt(view.height * view.height + flat * flat)
            fresnel = int(256.0 * (0.10 + 0.90 * rise * rise * rise))
            glossy = sky_at(sky, sky_u, sky_v, min(horizon - 1, max(0, mirror)) * width + width // 2, turn)
            near = 1.0 / depth if mirror >= 0 else 0.0
            other = max(0, mirror) * width
            seen = inverse[other : other + width]
            bodies = picture[other : other + width]
            blend_wet_ground(start, level, light, fog, haze, near, fresnel, glossy, seen, bodies, lines)
        else:
            blend_ground(start, level, light, fog, haze, lines)
        first = hash2(salt, row) & (NOISE_PERIOD - 1)
        grain = noise[first : first + width]
        finish_row(bare, own, picture[begin : begin + width], lines[:width], grain, out.rgb[item, row])
