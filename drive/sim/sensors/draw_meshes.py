"""Draw bodies that are made of faces: vehicles, barriers, buildings, fences."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.arrays import BUILDING, FENCE
from drive.sim.sensors import meshes, textures
from drive.sim.sensors.faces import camera_axes, facing_of, fill_flat, fill_textured, rows_of_face
from drive.sim.sensors.lighting import fill_ramp, light_on, shine, slot_color
from drive.sim.sensors.meshes import DETAILS, VARIANTS
from drive.sim.sensors.records import Canvas


@kernel
def draw_mesh(
    view: Any,
    look: Any,
    body: Any,
    detail: int,
    head: float,
    haze: float,
    tag: int,
    tables: tuple,
    canvas: Canvas,
    atlas: NDArray[np.uint8],
) -> int:
    """Draw a body that is made of faces; returns how many of them look at the camera."""
    points, faces, first = tables
    corners, ramp = canvas.corners, canvas.ramp
    variant = body.seed & 1
    if body.kind == BUILDING and body.height > 9.0:
        variant = 0
    elif body.kind == FENCE:
        variant = 1 if body.red > body.blue + 20.0 else 0  # wood stands as boards, metal as a rail
    shape = (body.kind * VARIANTS + variant) * DETAILS + detail
    sun_x = look.sun_x * body.cos + look.sun_y * body.sin
    sun_y = -look.sun_x * body.sin + look.sun_y * body.cos
    o0, o1, o2 = camera_axes(view, body.x - view.x, body.y - view.y, -view.height)
    f0, f1, f2 = camera_axes(view, body.cos * body.length, body.sin * body.length, 0.0)
    l0, l1, l2 = camera_axes(view, -body.sin * body.width, body.cos * body.width, 0.0)
    h0, h1, h2 = camera_axes(view, 0.0, 0.0, body.height)
    drawn = 0
    for i in range(first[shape], first[shape + 1]):
        for k in range(4):
            px = points[i, k, 0]
            py = points[i, k, 1]
            pz = points[i, k, 2]
            corners[k, 0] = o0 + f0 * px + l0 * py + h0 * pz
            corners[k, 1] = o1 + f1 * px + l1 * py + h1 * pz
            corners[k, 2] = o2 + f2 * px + l2 * py + h2 * pz
        face = faces[i]
        facing = facing_of(corners)[3]
        if facing == 0.0 or (facing > 0.0 and face.two_sided == 0):
            continue
        drawn += 1
        rows = rows_of_face(view, corners, canvas.clipped, canvas.spans)
        if rows[1] <= rows[0]:
            continue
        light = light_on(look, face.nx, face.ny, face.nz, sun_x, sun_y, head)
        color = slot_color(look, body, face.slot)
        if face.texture < 0:
            glow = 0.0
            if face.slot == meshes.TAIL_LAMP:
                if body.braking != 0:
                    color = (240.0, 40.0, 34.0)
                    glow = 0.85
                elif look.lamps > 0.0:
                    color = (200.0, 22.0, 20.0)
                    glow = 0.5
            elif face.slot == meshes.HEADLAMP and look.lamps > 0.0 and face.nx > 0.0:
                glow = 1.0
            (red, green, blue), (r, g, b) = color, light
            bright_r, bright_g, bright_b = max(glow, r), max(glow, g), max(glow, b)
            hidden = haze * (1.0 - 0.5 * glow)
            packed = shine(look, red, green, blue, bright_r, bright_g, bright_b, hidden, tag)
            fill_flat(view, rows, packed, canvas)
        else:
            fill_ramp(look, ramp, color, slot_color(look, body, face.slot_b), light, haze, tag)
            repeat_u = 1.0
            repeat_v = 1.0
            if face.cell_u > 0.0:
                dx = (points[i, 1, 0] - points[i, 0, 0]) * body.length
                dy = (points[i, 1, 1] - points[i, 0, 1]) * body.width
                repeat_u = max(1.0, math.floor(math.sqrt(dx * dx + dy * dy) / face.cell_u + 0.5))
            if face.cell_v > 0.0:
                dz = (points[i, 3, 2] - points[i, 0, 2]) * body.height
                repeat_v = max(1.0, math.floor(dz / face.cell_v + 0.5))
            lamps = 0
            texture = face.texture
            if body.kind == BUILDING and face.slot == meshes.BODY:
                lamps = int(look.lamps * 255.0)
                if body.height > 9.0 and (body.seed & 2) != 0:
                    texture = textures.OFFICES
                if lamps > 0:
                    window = shine(look, 226.0, 188.0, 118.0, 0.8, 0.8, 0.8, haze * 0.6, tag)
                    for j in range(7, 16):
                        ramp[16 + j] = window
            fill_textured(view, rows, atlas, texture, repeat_u, repeat_v, lamps, body.seed, canvas)
    return drawn
