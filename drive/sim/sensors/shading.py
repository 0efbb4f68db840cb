"""What a look makes of materials: one palette of texel colours per world."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.memory import prefetch_range
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors.pixels import pack_rgb

BRIGHTEST = 240.0  # display value that nothing exceeds: leaves room for noise
GLOSS = 127.0


@kernel
def flat_light(look: Any) -> tuple[float, float, float]:
    """Light (r, g, b) on open ground in full headlights."""
    return (
        look.ambient_r + look.sun_r * look.sun_z + look.headlights,
        look.ambient_g + look.sun_g * look.sun_z + look.headlights * 0.96,
        look.ambient_b + look.sun_b * look.sun_z + look.headlights * 0.86,
    )


@kernel
def haze_color(look: Any) -> Any:
    """What the ground fades into, no brighter than the sky."""
    return pack_rgb(
        int(min(BRIGHTEST, look.horizon_r)),
        int(min(BRIGHTEST, look.horizon_g)),
        int(min(BRIGHTEST, look.horizon_b)),
    )


@kernel
def material_color(look: Any, kind: int) -> tuple[float, float, float, float, float]:
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
    if kind == paint.KERB:
        return 0.55 * look.concrete_r, 0.55 * look.concrete_g, 0.55 * look.concrete_b, 0.012, 0.3
    tone = 1.0
    gloss = 0.45
    if kind == paint.PATCH:
        tone = 0.90
    elif kind == paint.LOW_ASPHALT:
        tone = 0.96
        gloss = 0.45 + 0.5 * look.wetness
    elif kind == paint.CRACK:
        tone = 0.6
    contrast = 0.020 * look.asphalt_contrast
    return look.asphalt_r * tone, look.asphalt_g * tone, look.asphalt_b * tone, contrast, gloss


@kernel
def paint_color(look: Any, kind: int) -> tuple[float, float, float]:
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
    return 0.0, 0.0, 0.0


@kernel
def fill_palette(look: Any, palette: NDArray[np.uint32]) -> None:
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
                    palette[grain | (kind << 4) | (part << 8) | (ink << 12)] = pack_rgb(
                        int(min(BRIGHTEST, r * factor_r)),
                        int(min(BRIGHTEST, g * factor_g)),
                        int(min(BRIGHTEST, b * factor_b)),
                    ) | (int(mirror) << 24)


@kernel
def prefetch_palette(palette: NDArray[np.uint32]) -> None:
    """Ask for what most texels have: all materials without paint, and lines on asphalt."""
    prefetch_range(palette, 0, 256)
    for ink in (paint.WHITE, paint.YELLOW):
        for part in range(1, 16):
            first = (paint.ASPHALT << 4) | (part << 8) | (ink << 12)
            prefetch_range(palette, first, first + 16)
