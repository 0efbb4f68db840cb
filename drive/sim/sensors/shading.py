"""What a look makes of materials and sky: one palette for texels and one panorama of the sky per world."""

import math

import numpy as np

from drive.elementary import cos, exp, sin
from drive.kernels import kernel
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors.ground_paint import smooth_noise
from drive.sim.sensors.pixels import hash2, lanes

SKY_COLUMNS = 512  # over the whole circle
SKY_ROWS = 64
SKY_TOP = 1.6  # tangent of the elevation of the highest row; row k stands at SKY_TOP * (k / 63)**2
BRIGHTEST = 240.0  # leaves room for noise
GLOSS = 127.0


@kernel
def lit(albedo, light):
    """Display value of a surface: gamma 2, so that light acts as its square root."""
    return min(BRIGHTEST, albedo * math.sqrt(max(0.0, light)))


@kernel
def flat_light(look):
    """Light (r, g, b) on open ground in full headlights."""
    return (
        look.ambient_r + look.sun_r * look.sun_z + look.headlights,
        look.ambient_g + look.sun_g * look.sun_z + look.headlights * 0.96,
        look.ambient_b + look.sun_b * look.sun_z + look.headlights * 0.86,
    )


@kernel
def material_color(look, kind):
    """Albedo (display r, g, b), contrast of its grain, and gloss when soaked (0 .. 1) of a material."""
    if kind == paint.GRASS:
        return look.grass_r, look.grass_g, look.grass_b, 0.045, 0.0
    if kind == paint.DRY_GRASS:
        return look.dry_grass_r, look.dry_grass_g, look.dry_grass_b, 0.045, 0.0
    if kind == paint.DIRT:
        return 126.0, 108.0, 84.0, 0.035, 0.1
    if kind == paint.SHOULDER:
        return look.shoulder_r, look.shoulder_g, look.shoulder_b, 0.032, 0.15
    if kind == paint.CONCRETE:
        return look.concrete_r, look.concrete_g, look.concrete_b, 0.012, 0.35
    if kind == paint.SIDEWALK:
        return look.sidewalk_r, look.sidewalk_g, look.sidewalk_b, 0.014, 0.3
    if kind == paint.MEDIAN:
        return 0.8 * look.grass_r + 20.0, 0.8 * look.grass_g + 16.0, 0.8 * look.grass_b + 14.0, 0.03, 0.0
    tone = 1.0
    gloss = 0.45
    if kind == paint.PATCH:
        tone = 0.84
    elif kind == paint.LOW_ASPHALT:
        tone = 0.96
        gloss = 0.45 + 0.5 * look.wetness
    elif kind == paint.CRACK:
        tone = 0.6
    contrast = 0.016 * look.asphalt_contrast
    return look.asphalt_r * tone, look.asphalt_g * tone, look.asphalt_b * tone, contrast, gloss


@kernel
def paint_color(look, kind):
    """Albedo (display r, g, b) of a class of paint."""
    if kind == paint.WHITE:
        return look.white_r, look.white_g, look.white_b
    if kind == paint.YELLOW:
        return look.yellow_r, look.yellow_g, look.yellow_b
    if kind == paint.BLUE:
        return 52.0, 92.0, 176.0
    if kind == paint.GREEN:
        return 52.0, 142.0, 84.0
    if kind == paint.RED:
        return 190.0, 52.0, 44.0
    if kind == paint.ORANGE:
        return 226.0, 120.0, 40.0
    if kind == paint.KERB_TOP:
        return look.concrete_r + 24.0, look.concrete_g + 24.0, look.concrete_b + 24.0
    return 0.5 * look.concrete_r, 0.5 * look.concrete_g, 0.5 * look.concrete_b


@kernel
def fill_palette(look, palette):
    """Colour and gloss of every texel value (PALETTE_SIZE,) in open light and full headlights."""
    light_r, light_g, light_b = flat_light(look)
    factor_r = math.sqrt(max(0.0, light_r))
    factor_g = math.sqrt(max(0.0, light_g))
    factor_b = math.sqrt(max(0.0, light_b))
    for kind in range(16):
        base_r, base_g, base_b, contrast, gloss = material_color(look, kind)
        soak = 1.0 - 0.45 * look.wetness * min(1.0, 2.5 * gloss)
        for grain in range(16):
            tone = soak * (1.0 + contrast * (grain - 7.5))
            worn = min(1.0, max(0.12, 0.6 + ((grain + 0.5) / 16.0 - look.wear) * 3.0))
            for ink in range(8):
                ink_r, ink_g, ink_b = paint_color(look, ink)
                wear = 1.0 if ink >= paint.KERB_TOP else worn
                inked = 1.0 - 0.12 * look.wetness
                for part in range(16):
                    weight = part / 15.0 * wear
                    r = base_r * tone + (ink_r * inked - base_r * tone) * weight
                    g = base_g * tone + (ink_g * inked - base_g * tone) * weight
                    b = base_b * tone + (ink_b * inked - base_b * tone) * weight
                    mirror = GLOSS * look.wetness * gloss
                    palette[grain | (kind << 4) | (part << 8) | (ink << 12)] = lanes(
                        int(min(BRIGHTEST, r * factor_r)),
                        int(min(BRIGHTEST, g * factor_g)),
                        int(min(BRIGHTEST, b * factor_b)),
                    ) | (int(mirror) << 48)


@kernel
def cloud_density(x, y, seed):
    """Three octaves of noise on the plane of the clouds, 0 .. 1."""
    ix = int(math.floor(x * 64.0))
    iy = int(math.floor(y * 64.0))
    a = smooth_noise(ix, iy, 7, seed)
    b = smooth_noise(ix, iy, 6, seed + 1)
    c = smooth_noise(ix, iy, 4, seed + 2)
    return (4.0 * a + 2.0 * b + c) / (7.0 * 255.0)


@kernel
def skyline(azimuth, seed, height):
    """Tangents of the elevation of the far hills and of the nearer line of trees."""
    p = (seed & 1023) * 0.00613
    hills = 0.5 + 0.22 * sin(2.0 * azimuth + p) + 0.18 * sin(5.0 * azimuth + 3.0 * p)
    hills += 0.1 * sin(11.0 * azimuth + 7.0 * p)
    bushes = 0.5 + 0.3 * sin(3.0 * azimuth + 5.0 * p)
    return height * hills, 0.012 * bushes


@kernel
def fill_sky(look, sky):
    """Panorama (SKY_ROWS * SKY_COLUMNS,) of lanes: gradient, clouds, glow around the sun, hills."""
    seed = int(look.seed)
    haze_sky = min(1.0, look.fog * 22.0)
    haze_hill = min(0.9, 1.0 - exp(-look.fog * 330.0))
    light_r, light_g, light_b = flat_light(look)
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
                far = haze_hill * 0.7
                r = 0.6 * look.grass_r * dim + (look.horizon_r - 0.6 * look.grass_r * dim) * far
                g = 0.6 * look.grass_g * dim + (look.horizon_g - 0.6 * look.grass_g * dim) * far
                b = 0.6 * look.grass_b * dim + (look.horizon_b - 0.6 * look.grass_b * dim) * far
            sky[row * SKY_COLUMNS + column] = lanes(
                int(min(BRIGHTEST, max(0.0, r))),
                int(min(BRIGHTEST, max(0.0, g))),
                int(min(BRIGHTEST, max(0.0, b))),
            )


def palette_and_sky(look: np.void) -> tuple[np.ndarray, np.ndarray]:
    """(PALETTE_SIZE,) and (SKY_ROWS * SKY_COLUMNS,) int64 lanes of one look."""
    from drive.sim.sensors.pixels import PALETTE_SIZE

    palette = np.zeros(PALETTE_SIZE, np.int64)
    sky = np.zeros(SKY_ROWS * SKY_COLUMNS, np.int64)
    fill_palette(look, palette)
    fill_sky(look, sky)
    return palette, sky
