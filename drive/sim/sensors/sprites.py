"""Draw trees, bushes, cones, barrels, poles, signs and lights: upright cards that face the camera."""

import math

from drive.kernels import kernel
from drive.sim.arrays import BARREL, BUSH, CONE, POLE, SIGN, TREE
from drive.sim.sensors import textures
from drive.sim.sensors.bodies import place
from drive.sim.sensors.faces import fill_block, fill_sprite
from drive.sim.sensors.lighting import fill_ramp, shine


@kernel
def draw_post(view, look, body, light, haze, label, u, foot, head, depth, scale, buffers, atlas):
    """Draw a pole or street lamp, a sign, or a traffic light."""
    _corners, _clipped, _spans, ramp, inverse, picture, _shade = buffers
    half = (0.09 if body.kind == POLE else 0.05) * scale
    metal = shine(look, 120.0, 122.0, 124.0, light[0] * 0.8, light[1] * 0.8, light[2] * 0.8, haze, label)
    fill_block(view, u - half, head, u + half, foot, depth, metal, inverse, picture)
    # which way its face looks, seen from the camera
    toward = -(body.cos * (body.x - view.x) + body.sin * (body.y - view.y))
    side = view.ahead_x * body.sin - view.ahead_y * body.cos
    if body.kind == POLE:
        if body.height > 4.5:
            arm = 1.5 * scale * (body.cos * view.ahead_y - body.sin * view.ahead_x)
            thick = 0.06 * scale
            left = min(u, u + arm)
            right = max(u, u + arm)
            fill_block(view, left, head, right, head + thick + 1.0, depth, metal, inverse, picture)
            lamp = 0.35 * scale
            color = metal
            if look.lamps > 0.0:
                color = shine(look, 240.0, 226.0, 176.0, 1.0, 1.0, 1.0, haze * 0.5, label)
            fill_block(
                view,
                u + arm - lamp,
                head,
                u + arm + lamp,
                head + 0.14 * scale + 1.0,
                depth - 0.1,
                color,
                inverse,
                picture,
            )
    elif body.kind == SIGN:
        size = 0.5 * min(1.2, max(0.6, max(body.width, body.length)))
        squeeze = max(0.25, math.sqrt(max(0.0, 1.0 - side * side)))
        wide = size * scale * squeeze
        low = head + 2.0 * size * scale
        if toward <= 0.0:
            fill_ramp(look, ramp, (128.0, 130.0, 132.0), (128.0, 130.0, 132.0), light, haze, label)
            texture = textures.DISC
        else:
            pick = (body.seed & 0x7FFFFFFF) % 4
            texture = textures.DISC
            if pick == 0:
                fill_ramp(look, ramp, (208.0, 34.0, 30.0), (234.0, 232.0, 228.0), light, haze, label)
            elif pick == 1:
                texture = textures.TRIANGLE
                fill_ramp(look, ramp, (208.0, 34.0, 30.0), (234.0, 232.0, 228.0), light, haze, label)
            elif pick == 2:
                texture = textures.PLATE
                fill_ramp(look, ramp, (36.0, 86.0, 170.0), (230.0, 232.0, 234.0), light, haze, label)
            else:
                texture = textures.PLATE
                fill_ramp(look, ramp, (32.0, 120.0, 70.0), (230.0, 232.0, 230.0), light, haze, label)
        fill_sprite(
            view, u - wide, head, u + wide, low, depth - 0.1, atlas, texture, 0, ramp, inverse, picture
        )
    else:
        wide = 0.17 * scale
        low = head + 0.95 * scale
        housing = shine(look, 34.0, 36.0, 36.0, light[0], light[1], light[2], haze, label)
        fill_block(view, u - wide, head, u + wide, low, depth - 0.1, housing, inverse, picture)
        if toward > 0.0:
            phase = (body.seed & 0x7FFFFFFF) % 3
            glow = shine(look, 236.0, 46.0, 36.0, 1.0, 1.0, 1.0, haze * 0.5, label)
            at = 0.22
            if phase == 1:
                glow = shine(look, 60.0, 222.0, 120.0, 1.0, 1.0, 1.0, haze * 0.5, label)
                at = 0.78
            elif phase == 2:
                glow = shine(look, 238.0, 184.0, 40.0, 1.0, 1.0, 1.0, haze * 0.5, label)
                at = 0.5
            lens = 0.11 * scale
            middle = head + at * 0.95 * scale
            fill_block(
                view, u - lens, middle - lens, u + lens, middle + lens, depth - 0.2, glow, inverse, picture
            )


@kernel
def draw_sprite(view, look, body, light, haze, label, buffers, atlas):
    """Draw trees, bushes, cones, barrels, poles, signs and lights: upright cards that face the camera."""
    _corners, _clipped, _spans, ramp, inverse, picture, _shade = buffers
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
        trunk = shine(look, 92.0, 74.0, 58.0, light[0] * 0.7, light[1] * 0.7, light[2] * 0.7, haze, label)
        fill_block(view, u - stem, foot - 0.5 * tall, u + stem, foot, bz, trunk, inverse, picture)
        dark = (0.34 * color[0], 0.36 * color[1], 0.40 * color[2])
        bright = (1.22 * color[0] + 12.0, 1.2 * color[1] + 10.0, 1.05 * color[2])
        fill_ramp(look, ramp, dark, bright, light, haze, label)
        texture = textures.CONIFER if conifer else textures.LEAVES + (body.seed >> 6 & 0x7FFFFFFF) % 3
        bottom = foot - (0.12 if conifer else 0.24) * tall
        fill_sprite(
            view,
            u - wide,
            head,
            u + wide,
            bottom,
            bz - 0.05,
            atlas,
            texture,
            body.seed & 8,
            ramp,
            inverse,
            picture,
        )
    elif body.kind == BUSH:
        wide = 0.5 * max(body.width, body.length) * scale_low
        dark = (0.34 * color[0], 0.36 * color[1], 0.40 * color[2])
        bright = (1.2 * color[0] + 10.0, 1.2 * color[1] + 8.0, 1.05 * color[2])
        fill_ramp(look, ramp, dark, bright, light, haze, label)
        fill_sprite(
            view,
            u - wide,
            head,
            u + wide,
            foot,
            bz,
            atlas,
            textures.SHRUB,
            body.seed & 8,
            ramp,
            inverse,
            picture,
        )
    elif body.kind == CONE or body.kind == BARREL:
        wide = 0.5 * max(body.width, body.length) * scale_low
        fill_ramp(look, ramp, (232.0, 104.0, 28.0), (230.0, 230.0, 226.0), light, haze, label)
        texture = textures.CONE_STRIPES if body.kind == CONE else textures.DRUM
        fill_sprite(view, u - wide, head, u + wide, foot, bz, atlas, texture, 0, ramp, inverse, picture)
    else:
        draw_post(view, look, body, light, haze, label, u, foot, head, bz, scale_low, buffers, atlas)
