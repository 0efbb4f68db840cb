"""The sky: one panorama per world, and the rows of a frame above the horizon."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import MAX_DEPTH
from drive.core.kernels import kernel
from drive.core.portable_math import cos, exp, sin
from drive.sim.memory import LINE, load_pair, prefetch
from drive.sim.sensors.ground_paint import smooth_noise
from drive.sim.sensors.ground_truth import fill_truth, is_bare, wants_truth
from drive.sim.sensors.labels import SKY
from drive.sim.sensors.pixels import NOISE_PERIOD, as_index, bilinear, hash2, pack_rgb
from drive.sim.sensors.rows import finish_row
from drive.sim.sensors.shading import BRIGHTEST, flat_light

SKY_COLUMNS = 512  # over the whole circle
SKY_STRIDE = SKY_COLUMNS + 1  # a row ends with its first column: the neighbour of the last
SKY_ROWS = 64
SKY_TOP = 1.6  # tangent of the elevation of the highest row; row k stands at SKY_TOP * (k / 63)**2


@kernel
def cloud_density(x: float, y: float, seed: int) -> float:
    """Three octaves of noise on the plane of the clouds, 0 .. 1."""
    ix = math.floor(x * 64.0)
    iy = math.floor(y * 64.0)
    a = smooth_noise(ix, iy, 7, seed)
    b = smooth_noise(ix, iy, 6, seed + 1)
    c = smooth_noise(ix, iy, 4, seed + 2)
    return (4.0 * a + 2.0 * b + c) / (7.0 * 255.0)


@kernel
def skyline(azimuth: float, seed: int, height: float) -> tuple[float, float]:
    """Tangents of the elevation of the far hills and of the nearer line of trees."""
    p = (seed & 1023) * 0.00613
    hills = 0.5 + 0.22 * sin(2.0 * azimuth + p) + 0.18 * sin(5.0 * azimuth + 3.0 * p)
    hills += 0.1 * sin(11.0 * azimuth + 7.0 * p)
    bushes = 0.5 + 0.3 * sin(3.0 * azimuth + 5.0 * p)
    return height * hills, 0.012 * bushes


@kernel
def fill_sky(look: Any, sky: NDArray[np.uint32]) -> None:
    """Panorama (SKY_ROWS * SKY_STRIDE,) of colours: gradient, clouds, glow around the sun, hills."""
    seed = int(look.seed)
    haze_sky = min(1.0, look.fog * 22.0)
    haze_hill = 1.0 - exp(-look.fog * 330.0)
    _light_r, light_g, _light_b = flat_light(look)
    dim = math.sqrt(max(0.0, light_g - 0.96 * look.headlights))
    sun = look.sun_r + look.sun_g + look.sun_b
    for column in range(SKY_COLUMNS):
        azimuth = (column + 0.5) * (2.0 * math.pi / SKY_COLUMNS)
        ca = cos(azimuth)
        sa = sin(azimuth)
        hill_top, tree_top = skyline(azimuth, seed, look.hill_height)
        tree_top *= 0.6 + 0.8 * (hash2(column, seed) & 255) / 255.0
        for row in range(SKY_ROWS):
            k = row / (SKY_ROWS - 1.0)
            q = SKY_TOP * k * k
            up = q / math.sqrt(1.0 + q * q)
            flat = 1.0 / math.sqrt(1.0 + q * q)
            t = q / (q + 0.30)
            r = look.horizon_r + (look.zenith_r - look.horizon_r) * t
            g = look.horizon_g + (look.zenith_g - look.horizon_g) * t
            b = look.horizon_b + (look.zenith_b - look.horizon_b) * t
            density = cloud_density(ca / (q + 0.12), sa / (q + 0.12), seed)
            cover = min(1.0, max(0.0, (density - 0.78 + 0.62 * look.cloud_cover) * 4.5)) * min(1.0, q * 9.0)
            cover *= 0.9
            shade = 1.12 - 0.3 * density
            r += (look.cloud_r * shade - r) * cover
            g += (look.cloud_g * shade - g) * cover
            b += (look.cloud_b * shade - b) * cover
            facing = max(0.0, flat * (ca * look.sun_x + sa * look.sun_y) + up * look.sun_z)
            c2 = facing * facing
            c8 = c2 * c2 * c2 * c2
            c64 = c8 * c8
            c64 = c64 * c64
            c64 = c64 * c64
            glow = sun * (26.0 * c8 + 70.0 * c64 * (1.0 - 0.5 * cover))
            if facing > 0.9988 and sun > 1.0:
                glow += 160.0 * (1.0 - 0.8 * cover)
            bright = sun / 3.0 + 1e-6
            r += glow * look.sun_r / bright * 0.5
            g += glow * look.sun_g / bright * 0.5
            b += glow * look.sun_b / bright * 0.5
            r += (look.horizon_r - r) * haze_sky
            g += (look.horizon_g - g) * haze_sky
            b += (look.horizon_b - b) * haze_sky
            if q < hill_top:
                r = look.hill_r * dim + (look.horizon_r - look.hill_r * dim) * haze_hill
                g = look.hill_g * dim + (look.horizon_g - look.hill_g * dim) * haze_hill
                b = look.hill_b * dim + (look.horizon_b - look.hill_b * dim) * haze_hill
            if q < tree_top:
                far = 1.0 - exp(-look.fog * 200.0)
                r = 0.6 * look.grass_r * dim + (look.horizon_r - 0.6 * look.grass_r * dim) * far
                g = 0.6 * look.grass_g * dim + (look.horizon_g - 0.6 * look.grass_g * dim) * far
                b = 0.6 * look.grass_b * dim + (look.horizon_b - 0.6 * look.grass_b * dim) * far
            sky[row * SKY_STRIDE + column] = pack_rgb(
                int(min(BRIGHTEST, max(0.0, r))),
                int(min(BRIGHTEST, max(0.0, g))),
                int(min(BRIGHTEST, max(0.0, b))),
            )

    for row in range(SKY_ROWS):
        sky[row * SKY_STRIDE + SKY_COLUMNS] = sky[row * SKY_STRIDE]


@kernel
def prefetch_sky(view: Any, horizon: int, sky: NDArray[np.uint32], optics: Any, turn: int) -> None:
    """Ask for the part of the panorama that is in view."""
    if horizon == 0:
        return
    sky_u, sky_v = optics.sky_u, optics.sky_v
    low = (horizon - 1) * view.width
    left = (max(sky_u[0], sky_u[low]) + turn) >> 4
    right = (min(sky_u[view.width - 1], sky_u[low + view.width - 1]) + turn) >> 4
    rows = (sky_v[view.width // 2] >> 4) + 2
    step = LINE // 4
    for row in range(rows):
        for column in range(right, left + 1 + step, step):
            prefetch(sky, 4 * (row * SKY_STRIDE + (column & (SKY_COLUMNS - 1))))


@kernel
def sky_at(
    sky: NDArray[np.uint32], sky_u: NDArray[np.int32], sky_v: NDArray[np.int32], k: int, turn: int
) -> Any:
    """Colour of the sky at a pixel, bilinear in the panorama."""
    u = sky_u[k] + turn
    v = sky_v[k]
    low = (v >> 4) * SKY_STRIDE + ((u >> 4) & (SKY_COLUMNS - 1))
    high = low + SKY_STRIDE
    fx, fy = np.uint32(u & 15), np.uint32(v & 15)
    return bilinear(sky[low], sky[low + 1], sky[high], sky[high + 1], fx, fy)


@kernel
def gather_sky(
    sky: NDArray[np.uint32],
    sky_u: NDArray[np.int32],
    sky_v: NDArray[np.int32],
    turn: int,
    bare: bool,
    inverse: NDArray[np.float32],
    lines: NDArray[np.uint64],
) -> None:
    """Colours around each pixel of a row where nothing stands: pairs above, then below."""
    width = len(inverse)
    for column in range(width):
        k = as_index(column)
        if bare or not inverse[k] > 0.0:
            place = (sky_v[k] >> 4) * SKY_STRIDE + (((sky_u[k] + turn) >> 4) & (SKY_COLUMNS - 1))
            lines[k] = load_pair(sky, 4 * place)
            lines[as_index(column + width)] = load_pair(sky, 4 * (place + SKY_STRIDE))


@kernel
def blend_sky(
    sky_u: NDArray[np.int32],
    sky_v: NDArray[np.int32],
    turn: int,
    lines: NDArray[np.uint64],
    colors: NDArray[np.uint32],
) -> None:
    """Colours (columns,) of a row of sky."""
    n = len(sky_u)
    low, high = lines[:n].view(np.uint32), lines[n : 2 * n].view(np.uint32)
    start, last = np.uint32(turn), np.uint32(15)
    for k in range(n):
        fx = np.uint32(np.uint32(np.uint32(sky_u[k]) + start) & last)
        fy = np.uint32(np.uint32(sky_v[k]) & last)
        colors[k] = bilinear(low[2 * k], low[2 * k + 1], high[2 * k], high[2 * k + 1], fx, fy)


@kernel
def resolve_sky(
    view: Any,
    horizon: int,
    sky: NDArray[np.uint32],
    optics: Any,
    turn: int,
    canvas: Any,
    noise: NDArray[np.uint8],
    salt: int,
    item: int,
    out: Any,
) -> None:
    """Rows above the horizon: bodies, and sky where nothing stands; all outputs of a row in turn."""
    inverse, picture, lines = canvas.inverse, canvas.picture, canvas.lines
    width = view.width
    colors = canvas.colors[:width]
    truth = wants_truth(out)
    for row in range(horizon):
        if truth:
            fill_truth(row, MAX_DEPTH, SKY, inverse, picture, item, out.depth, out.labels, out.instances)
        if out.rgb.shape[0] == 0:
            continue
        begin, end = row * width, row * width + width
        sky_u, sky_v = optics.sky_u[begin:end], optics.sky_v[begin:end]
        own = inverse[begin:end]
        bare = is_bare(row, width, inverse)
        gather_sky(sky, sky_u, sky_v, turn, bare, own, lines)
        blend_sky(sky_u, sky_v, turn, lines, colors)
        first = hash2(salt, row) & (NOISE_PERIOD - 1)
        grain = noise[first : first + width]
        finish_row(bare, own, picture[begin:end], colors, grain, out.rgb[item, row])
