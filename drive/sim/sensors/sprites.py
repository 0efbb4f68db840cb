"""Draw trees, bushes, cones, barrels, poles, signs and lights as upright billboards."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.arrays import BARREL, BUSH, CONE, POLE, SIGN, TREE
from drive.sim.sensors import textures
from drive.sim.sensors.billboards import fill_block, fill_sprite
from drive.sim.sensors.bodies import place
from drive.sim.sensors.lighting import fill_ramp, shine
from drive.sim.sensors.records import Canvas


@kernel
def draw_post(
    view: Any,
    look: Any,
    body: Any,
    light: tuple[float, float, float],
    haze: float,
    tag: int,
    u: float,
    foot: float,
    head: float,
    depth: float,
    scale: float,
    canvas: Canvas,
    atlas: NDArray[np.uint8],
) -> None:
    """Draw a pole, a street lamp, a sign or a traffic light; `scale` is pixels per metre."""
    half = 0.5 * min(0.3, max(0.08, body.width)) * scale if body.kind == POLE else 0.045 * scale
    tone = 0.8
    color = (120.0, 122.0, 124.0)
    if body.kind == POLE:
        color = (body.red, body.green, body.blue)
    stem = shine(
        look, color[0], color[1], color[2], light[0] * tone, light[1] * tone, light[2] * tone, haze, tag
    )
    fill_block(view, (u - half, head, u + half, foot), depth, stem, canvas)
    if body.kind == POLE:
        if body.height > 4.5:
            draw_top_of_pole(view, look, body, stem, haze, tag, u, head, depth, scale, canvas)
        elif body.height < 1.6:
            band = shine(look, 34.0, 34.0, 36.0, light[0], light[1], light[2], haze, tag)
            tall = foot - head
            box = (u - half, head + 0.12 * tall, u + half, head + 0.32 * tall)
            fill_block(view, box, depth - 0.05, band, canvas)
        return
    # how much of its face the camera sees
    toward = -(body.cos * (body.x - view.x) + body.sin * (body.y - view.y))
    if body.kind == SIGN:
        side = view.ahead_x * body.sin - view.ahead_y * body.cos
        wide = 0.5 * min(2.4, max(0.6, max(body.width, body.length)))
        tall = 2.0 * min(wide, 0.45)
        wide *= scale * max(0.15, math.sqrt(max(0.0, 1.0 - side * side)))
        texture = sign_face(look, body, toward, light, haze, tag, canvas.ramp)
        box = (u - wide, head, u + wide, head + tall * scale)
        fill_sprite(view, box, depth - 0.1, atlas, texture, 0, canvas)
        return
    wide = 0.17 * scale
    housing = shine(look, 34.0, 36.0, 36.0, light[0], light[1], light[2], haze, tag)
    fill_block(view, (u - wide, head, u + wide, head + 0.95 * scale), depth - 0.1, housing, canvas)
    if toward > 0.0:
        phase = (body.seed & 0x7FFFFFFF) % 3
        glow = (236.0, 46.0, 36.0)
        at = 0.22
        if phase == 1:
            glow = (60.0, 222.0, 120.0)
            at = 0.78
        elif phase == 2:
            glow = (238.0, 184.0, 40.0)
            at = 0.5
        lit = shine(look, glow[0], glow[1], glow[2], 1.0, 1.0, 1.0, haze * 0.5, tag)
        lens = 0.11 * scale
        middle = head + at * 0.95 * scale
        box = (u - lens, middle - lens, u + lens, middle + lens)
        fill_block(view, box, depth - 0.2, lit, canvas)


@kernel
def draw_top_of_pole(
    view: Any,
    look: Any,
    body: Any,
    stem: int,
    haze: float,
    tag: int,
    u: float,
    head: float,
    depth: float,
    scale: float,
    canvas: Canvas,
) -> None:
    """Draw the arm and lamp of a street lamp, to its left, or the crossbar of a wooden pole."""
    wooden = body.red > body.blue + 20.0
    # a metre to the body's left, on the picture
    left = scale * (-body.sin * view.ahead_y - body.cos * view.ahead_x)
    thick = 0.07 * scale + 0.6
    if wooden:
        bar = 0.9 * abs(scale * (body.cos * view.ahead_x + body.sin * view.ahead_y))
        top = head + 0.5 * scale
        fill_block(view, (u - bar, top, u + bar, top + thick), depth, stem, canvas)
        return
    tip = u + 1.6 * left
    fill_block(view, (min(u, tip), head, max(u, tip), head + thick), depth, stem, canvas)
    lamp = max(0.12 * scale, 0.35 * abs(left))
    color = stem
    if look.lamps > 0.0:
        color = shine(look, 240.0, 226.0, 176.0, 1.0, 1.0, 1.0, haze * 0.5, tag)
    box = (tip - lamp, head, tip + lamp, head + 0.1 * scale + 1.0)
    fill_block(view, box, depth - 0.1, color, canvas)


@kernel
def sign_face(
    look: Any,
    body: Any,
    toward: float,
    light: tuple[float, float, float],
    haze: float,
    tag: int,
    ramp: NDArray[np.int64],
) -> int:
    """Choose a sign's texture by its colour and set the ramp; its back when it looks away."""
    white = (234.0, 232.0, 228.0)
    red = (206.0, 34.0, 30.0)
    texture = textures.DISC
    if body.blue > body.red + 30.0 or body.green > body.red + 30.0:
        texture = textures.PLATE
    elif body.red > body.green + 90.0 or body.green > body.blue + 60.0:
        texture = textures.TRIANGLE
    if toward <= 0.0:
        grey = (128.0, 130.0, 132.0)
        fill_ramp(look, ramp, grey, grey, light, haze, tag)
    elif texture == textures.PLATE:
        fill_ramp(look, ramp, (body.red, body.green, body.blue), white, light, haze, tag)
    elif texture == textures.TRIANGLE and body.green > body.blue + 60.0:
        fill_ramp(look, ramp, red, (body.red, body.green, body.blue), light, haze, tag)
    else:
        fill_ramp(look, ramp, red, white, light, haze, tag)
    return texture


@kernel
def draw_sprite(
    view: Any,
    look: Any,
    body: Any,
    light: tuple[float, float, float],
    haze: float,
    tag: int,
    canvas: Canvas,
    atlas: NDArray[np.uint8],
) -> None:
    """Draw trees, bushes, cones, barrels, poles, signs and lights as upright billboards."""
    ramp = canvas.ramp
    bx, by, bz = place(view, body, 0.0, 0.0, 0.0)
    _tx, ty, tz = place(view, body, 0.0, 0.0, 1.0)
    if bz < 0.3 or tz < 0.3:
        return
    scale_low = view.focal / bz
    u = view.center_u + bx * scale_low
    foot = view.center_v + by * scale_low
    head = view.center_v + ty * view.focal / tz
    tall = foot - head
    color = (body.red, body.green, body.blue)
    if body.kind == TREE:
        conifer = (body.seed >> 4 & 3) == 0
        wide = 0.5 * body.width * scale_low
        stem = max(0.12, 0.022 * body.height) * scale_low
        trunk = shine(look, 92.0, 74.0, 58.0, light[0] * 0.7, light[1] * 0.7, light[2] * 0.7, haze, tag)
        fill_block(view, (u - stem, foot - 0.5 * tall, u + stem, foot), bz, trunk, canvas)
        dark = (0.34 * color[0], 0.36 * color[1], 0.40 * color[2])
        bright = (1.22 * color[0] + 12.0, 1.2 * color[1] + 10.0, 1.05 * color[2])
        fill_ramp(look, ramp, dark, bright, light, haze, tag)
        texture = textures.CONIFER if conifer else textures.LEAVES + (body.seed >> 6 & 0x7FFFFFFF) % 3
        box = (u - wide, head, u + wide, foot - (0.12 if conifer else 0.24) * tall)
        fill_sprite(view, box, bz - 0.05, atlas, texture, body.seed & 8, canvas)
    elif body.kind == BUSH:
        wide = 0.5 * max(body.width, body.length) * scale_low
        dark = (0.34 * color[0], 0.36 * color[1], 0.40 * color[2])
        bright = (1.2 * color[0] + 10.0, 1.2 * color[1] + 8.0, 1.05 * color[2])
        fill_ramp(look, ramp, dark, bright, light, haze, tag)
        fill_sprite(view, (u - wide, head, u + wide, foot), bz, atlas, textures.SHRUB, body.seed & 8, canvas)
    elif body.kind == CONE or body.kind == BARREL:
        wide = 0.5 * max(body.width, body.length) * scale_low
        fill_ramp(look, ramp, (232.0, 104.0, 28.0), (230.0, 230.0, 226.0), light, haze, tag)
        texture = textures.CONE_STRIPES if body.kind == CONE else textures.DRUM
        fill_sprite(view, (u - wide, head, u + wide, foot), bz, atlas, texture, 0, canvas)
    else:
        draw_post(view, look, body, light, haze, tag, u, foot, head, bz, scale_low, canvas, atlas)
