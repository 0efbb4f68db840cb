"""Light on what stands in the world: albedo by slot, faces, ramps of colours, the own headlights."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors import meshes
from drive.sim.sensors.pixels import mix
from drive.sim.sensors.shading import BRIGHTEST

BEAM_START = 3.6  # of the own headlights, ahead of the rear axle [m]


@kernel
def beam(ahead: float, left: float) -> float:
    """Light of the own headlights, 0 .. 1, at a point in the vehicle frame [m]."""
    d = ahead - BEAM_START
    if d <= 0.0:
        return 0.0
    rise = min(1.0, d / 5.0)
    across = left / (1.3 + 0.33 * d)
    across *= across
    return rise / ((1.0 + (d / 17.0) * (d / 17.0)) * (1.0 + across * across))


@kernel
def slot_color(look: Any, body: Any, slot: int) -> tuple[float, float, float]:
    """Albedo (display r, g, b) of a slot of a body."""
    if slot == meshes.BODY:
        return body.red, body.green, body.blue
    if slot == meshes.DARK_BODY:
        return 0.72 * body.red, 0.72 * body.green, 0.72 * body.blue
    if slot == meshes.GLASS:
        return 46.0, 56.0, 66.0
    if slot == meshes.TYRE:
        return 30.0, 30.0, 31.0
    if slot == meshes.TRIM:
        return 44.0, 44.0, 46.0
    if slot == meshes.HEADLAMP:
        return 226.0, 228.0, 220.0
    if slot == meshes.TAIL_LAMP:
        return 150.0, 22.0, 20.0
    if slot == meshes.NUMBER_PLATE or slot == meshes.WHITE:
        return 226.0, 226.0, 222.0
    if slot == meshes.CARGO:
        tone = 150.0 + (body.seed & 7) * 12.0
        return tone, tone, tone - 4.0
    if slot == meshes.METAL:
        return 160.0, 162.0, 166.0
    if slot == meshes.RED:
        return 196.0, 48.0, 38.0
    if slot == meshes.ORANGE:
        return 232.0, 106.0, 30.0
    if slot == meshes.WINDOW:
        return 62.0, 74.0, 88.0
    if slot == meshes.ROOF:
        pick = body.seed >> 3 & 3
        if pick == 0:
            return 146.0, 78.0, 58.0
        if pick == 1:
            return 112.0, 84.0, 72.0
        if pick == 2:
            return 96.0, 98.0, 104.0
        return 128.0, 96.0, 76.0
    return 62.0, 62.0, 64.0


@kernel
def pack(red: float, green: float, blue: float, tag: int) -> int:
    """A display colour and its tag (instance << 8 | label) in one number."""
    return (
        int(min(BRIGHTEST, max(0.0, red)))
        | (int(min(BRIGHTEST, max(0.0, green))) << 8)
        | (int(min(BRIGHTEST, max(0.0, blue))) << 16)
        | (tag << 24)
    )


@kernel
def shine(
    look: Any,
    red: float,
    green: float,
    blue: float,
    light_r: float,
    light_g: float,
    light_b: float,
    haze: float,
    tag: int,
) -> int:
    """A surface's colour in a given light, faded into the distance by haze (0 .. 1)."""
    r = min(BRIGHTEST, red * math.sqrt(light_r))
    g = min(BRIGHTEST, green * math.sqrt(light_g))
    b = min(BRIGHTEST, blue * math.sqrt(light_b))
    return pack(
        r + (look.horizon_r - r) * haze, g + (look.horizon_g - g) * haze, b + (look.horizon_b - b) * haze, tag
    )


@kernel
def light_on(
    look: Any, nx: float, ny: float, nz: float, sun_x: float, sun_y: float, head: float
) -> tuple[float, float, float]:
    """Light (r, g, b) on a face: sky from above, the sun, the own headlights; sun in the body's frame."""
    sky = 0.78 + 0.22 * nz
    direct = max(0.0, nx * sun_x + ny * sun_y + nz * look.sun_z)
    return (
        look.ambient_r * sky + look.sun_r * direct + head,
        look.ambient_g * sky + look.sun_g * direct + head * 0.96,
        look.ambient_b * sky + look.sun_b * direct + head * 0.86,
    )


@kernel
def fill_ramp(
    look: Any,
    ramp: NDArray[np.int64],
    first: tuple[float, float, float],
    second: tuple[float, float, float],
    light: tuple[float, float, float],
    haze: float,
    tag: int,
) -> None:
    """Colours 1 .. 15 of a ramp between two albedos in one light (three tuples of r, g, b)."""
    a = shine(look, first[0], first[1], first[2], light[0], light[1], light[2], haze, tag)
    b = shine(look, second[0], second[1], second[2], light[0], light[1], light[2], haze, tag)
    for i in range(15):
        ramp[i + 1] = int(mix(np.uint32(a), np.uint32(b), np.uint32(i * 256 // 14)) & 0xFFFFFF) | (tag << 24)
