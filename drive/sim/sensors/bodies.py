"""Choose what stands in view, and draw it with its light, shadow and distance."""

import math

import numpy as np

from drive.elementary import exp, sincos
from drive.kernels import kernel
from drive.sim.arrays import (
    BARREL,
    BARRIER,
    BUILDING,
    BUSH,
    CAR,
    CONE,
    FENCE,
    POLE,
    SIGN,
    TRAFFIC_LIGHT,
    TREE,
    TRUCK,
)
from drive.sim.sensors import labels, models, textures
from drive.sim.sensors.faces import add_edge, darken, fill_block, fill_flat, fill_sprite, fill_textured
from drive.sim.sensors.models import DETAILS, VARIANTS
from drive.sim.sensors.shading import BRIGHTEST

BODY = np.dtype(
    [
        ("kind", "i8"),
        ("x", "f8"),  # centre of the footprint [m]
        ("y", "f8"),
        ("cos", "f8"),  # of its yaw
        ("sin", "f8"),
        ("length", "f8"),  # [m]
        ("width", "f8"),
        ("height", "f8"),
        ("radius", "f8"),  # of a circle around the footprint [m]
        ("red", "f8"),  # 0 .. 255
        ("green", "f8"),
        ("blue", "f8"),
        ("seed", "i8"),
        ("braking", "i8"),
    ]
)
CIRCLE = np.dtype([("x", "f8"), ("y", "f8"), ("radius", "f8"), ("height", "f8")])  # around a chunk of bodies
MOST_BODIES = 4096  # in view at once
CHUNK = 16  # bodies whose common circle is tested first
SHADOW_RANGE = 70.0  # [m]
BEAM_START = 3.6  # of the own headlights, ahead of the rear axle [m]


@kernel
def beam(ahead, left):
    """Light of the own headlights, 0 .. 1, at a point in the vehicle frame [m]."""
    d = ahead - BEAM_START
    if d <= 0.0:
        return 0.0
    rise = min(1.0, d / 5.0)
    across = left / (1.3 + 0.33 * d)
    across *= across
    return rise / ((1.0 + (d / 17.0) * (d / 17.0)) * (1.0 + across * across))


@kernel
def set_radius(body):
    """Set the radius from length and width."""
    body.radius = 0.5 * math.sqrt(body.length * body.length + body.width * body.width)


@kernel
def body_of_actor(actor, body):
    """Copy what the camera needs of an actor."""
    body.kind = actor.kind
    body.x = actor.x
    body.y = actor.y
    s, c = sincos(actor.yaw)
    body.cos = c
    body.sin = s
    body.length = actor.length
    body.width = actor.width
    body.height = actor.height
    body.red = float(actor.color >> 16 & 255)
    body.green = float(actor.color >> 8 & 255)
    body.blue = float(actor.color & 255)
    body.seed = actor.seed
    body.braking = actor.braking
    set_radius(body)


@kernel
def in_view(view, x, y, radius, reach):
    """Distance along the view of a circle, or -1 when it is out of sight or beyond reach [m]."""
    dx = x - view.x
    dy = y - view.y
    ahead = dx * view.ahead_x + dy * view.ahead_y
    if ahead < -radius or ahead > reach + radius:
        return -1.0
    right = abs(dx * view.ahead_y - dy * view.ahead_x)
    # the widest ray of a pitched view is the one at the picture's lower corner
    slope = 0.5 * view.width / view.focal / max(0.2, view.cos_pitch - abs(view.sin_pitch))
    if right - radius * (1.0 + slope) > max(0.0, ahead) * slope:
        return -1.0
    return max(0.0, ahead)


@kernel
def gather(view, look, reach, props, chunks, actors, scratch, index, distance):
    """Bodies in sight, nearest first: `index` >= 0 is a prop, -1 - i is actor i. Returns how many."""
    n = 0
    throw = 0.0
    if look.shadow < 1.0:
        throw = min(8.0, math.sqrt(max(0.0, 1.0 - look.sun_z * look.sun_z)) / max(0.05, look.sun_z))
    body = scratch[0]
    for i in range(len(actors)):
        if actors[i].active == 0:
            continue
        radius = 0.5 * math.sqrt(actors[i].length * actors[i].length + actors[i].width * actors[i].width)
        ahead = in_view(view, actors[i].x, actors[i].y, radius + throw * actors[i].height, reach)
        if ahead >= 0.0 and n < MOST_BODIES:
            index[n] = -1 - i
            distance[n] = ahead
            n += 1
    for chunk in range(len(chunks)):
        circle = chunks[chunk]
        if in_view(view, circle.x, circle.y, circle.radius + throw * circle.height, reach) < 0.0:
            continue
        for i in range(chunk * CHUNK, min(len(props), (chunk + 1) * CHUNK)):
            ahead = in_view(view, props[i].x, props[i].y, props[i].radius, reach)
            if ahead < 0.0 and throw > 0.0:
                ahead = in_view(view, props[i].x, props[i].y, props[i].radius + throw * props[i].height, SHADOW_RANGE)
            if ahead < 0.0 or n >= MOST_BODIES:
                continue
            if view.focal * props[i].height < 1.0 * ahead:
                continue
            index[n] = i
            distance[n] = ahead
            n += 1
    for i in range(1, n):
        d = distance[i]
        k = index[i]
        j = i
        while j > 0 and distance[j - 1] > d:
            distance[j] = distance[j - 1]
            index[j] = index[j - 1]
            j -= 1
        distance[j] = d
        index[j] = k
    return n


@kernel
def slot_color(look, body, slot):
    """Albedo (display r, g, b) of a slot of a body."""
    if slot == models.BODY:
        return body.red, body.green, body.blue
    if slot == models.DARK_BODY:
        return 0.72 * body.red, 0.72 * body.green, 0.72 * body.blue
    if slot == models.GLASS:
        return 46.0, 56.0, 66.0
    if slot == models.TYRE:
        return 30.0, 30.0, 31.0
    if slot == models.TRIM:
        return 44.0, 44.0, 46.0
    if slot == models.HEADLAMP:
        return 226.0, 228.0, 220.0
    if slot == models.TAIL_LAMP:
        return 150.0, 22.0, 20.0
    if slot == models.NUMBER_PLATE or slot == models.WHITE:
        return 226.0, 226.0, 222.0
    if slot == models.CARGO:
        tone = 150.0 + (body.seed & 7) * 12.0
        return tone, tone, tone - 4.0
    if slot == models.METAL:
        return 160.0, 162.0, 166.0
    if slot == models.RED:
        return 196.0, 48.0, 38.0
    if slot == models.ORANGE:
        return 232.0, 106.0, 30.0
    if slot == models.WINDOW:
        return 62.0, 74.0, 88.0
    if slot == models.ROOF:
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
def pack(red, green, blue, label):
    """A display colour and its label in one number."""
    return (
        int(min(BRIGHTEST, max(0.0, red)))
        | (int(min(BRIGHTEST, max(0.0, green))) << 8)
        | (int(min(BRIGHTEST, max(0.0, blue))) << 16)
        | (label << 24)
    )


@kernel
def shine(look, red, green, blue, light_r, light_g, light_b, haze, label):
    """A surface's colour in a given light, faded into the distance by haze (0 .. 1)."""
    r = min(BRIGHTEST, red * math.sqrt(light_r))
    g = min(BRIGHTEST, green * math.sqrt(light_g))
    b = min(BRIGHTEST, blue * math.sqrt(light_b))
    return pack(
        r + (look.horizon_r - r) * haze,
        g + (look.horizon_g - g) * haze,
        b + (look.horizon_b - b) * haze,
        label,
    )


@kernel
def light_on(look, nx, ny, nz, sun_x, sun_y, head):
    """Light (r, g, b) on a face: sky from above, the sun, the own headlights; sun in the body's frame."""
    sky = 0.66 + 0.34 * nz
    direct = max(0.0, nx * sun_x + ny * sun_y + nz * look.sun_z)
    return (
        look.ambient_r * sky + look.sun_r * direct + head,
        look.ambient_g * sky + look.sun_g * direct + head * 0.96,
        look.ambient_b * sky + look.sun_b * direct + head * 0.86,
    )


@kernel
def fill_ramp(look, ramp, first, second, light, haze, label):
    """Colours 1 .. 15 of a ramp between two albedos in one light (three tuples of r, g, b)."""
    for i in range(1, 16):
        t = (i - 1) / 14.0
        ramp[i] = shine(
            look,
            first[0] + (second[0] - first[0]) * t,
            first[1] + (second[1] - first[1]) * t,
            first[2] + (second[2] - first[2]) * t,
            light[0],
            light[1],
            light[2],
            haze,
            label,
        )


@kernel
def label_of(kind):
    """Semantic class of a kind of body."""
    if kind <= TRUCK:
        return labels.VEHICLE
    if kind <= BARRIER:
        return labels.OBSTACLE
    if kind == BUILDING:
        return labels.BUILDING
    if kind == TREE or kind == BUSH:
        return labels.VEGETATION
    if kind == SIGN:
        return labels.SIGN
    if kind == FENCE:
        return labels.FENCE
    return labels.POLE


@kernel
def camera_axes(view, wx, wy, wz):
    """A world direction in camera coordinates (right, down, ahead)."""
    a = wx * view.ahead_x + wy * view.ahead_y
    return (
        wx * view.ahead_y - wy * view.ahead_x,
        -view.sin_pitch * a - view.cos_pitch * wz,
        view.cos_pitch * a - view.sin_pitch * wz,
    )


@kernel
def place(view, body, px, py, pz):
    """A point of a unit body in camera coordinates."""
    x = px * body.length
    y = py * body.width
    return camera_axes(
        view,
        body.x - view.x + x * body.cos - y * body.sin,
        body.y - view.y + x * body.sin + y * body.cos,
        pz * body.height - view.height,
    )


@kernel
def draw_model(view, look, body, detail, head, haze, label, tables, buffers, atlas):
    """Draw a body that is made of faces."""
    points, faces, first = tables
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
    variant = body.seed & 1
    if body.kind == BUILDING and body.height > 9.0:
        variant = 0
    shape = (body.kind * VARIANTS + variant) * DETAILS + detail
    sun_x = look.sun_x * body.cos + look.sun_y * body.sin
    sun_y = -look.sun_x * body.sin + look.sun_y * body.cos
    o0, o1, o2 = camera_axes(view, body.x - view.x, body.y - view.y, -view.height)
    f0, f1, f2 = camera_axes(view, body.cos * body.length, body.sin * body.length, 0.0)
    l0, l1, l2 = camera_axes(view, -body.sin * body.width, body.cos * body.width, 0.0)
    h0, h1, h2 = camera_axes(view, 0.0, 0.0, body.height)
    for i in range(first[shape], first[shape + 1]):
        for k in range(4):
            px = points[i, k, 0]
            py = points[i, k, 1]
            pz = points[i, k, 2]
            corners[k, 0] = o0 + f0 * px + l0 * py + h0 * pz
            corners[k, 1] = o1 + f1 * px + l1 * py + h1 * pz
            corners[k, 2] = o2 + f2 * px + l2 * py + h2 * pz
        face = faces[i]
        if face.two_sided == 0:
            ax = corners[1, 0] - corners[0, 0]
            ay = corners[1, 1] - corners[0, 1]
            az = corners[1, 2] - corners[0, 2]
            bx = corners[3, 0] - corners[0, 0]
            by = corners[3, 1] - corners[0, 1]
            bz = corners[3, 2] - corners[0, 2]
            if (
                (ay * bz - az * by) * corners[0, 0]
                + (az * bx - ax * bz) * corners[0, 1]
                + (ax * by - ay * bx) * corners[0, 2]
            ) >= 0.0:
                continue
        light = light_on(look, face.nx, face.ny, face.nz, sun_x, sun_y, head)
        color = slot_color(look, body, face.slot)
        if face.texture < 0:
            glow = 0.0
            if face.slot == models.TAIL_LAMP:
                if body.braking != 0:
                    color = (240.0, 40.0, 34.0)
                    glow = 0.85
                elif look.lamps > 0.0:
                    color = (200.0, 22.0, 20.0)
                    glow = 0.5
            elif face.slot == models.HEADLAMP and look.lamps > 0.0 and face.nx > 0.0:
                glow = 1.0
            packed = shine(
                look,
                color[0],
                color[1],
                color[2],
                max(glow, light[0]),
                max(glow, light[1]),
                max(glow, light[2]),
                haze * (1.0 - 0.5 * glow),
                label,
            )
            fill_flat(view, corners, clipped, spans, face.two_sided, packed, inverse, picture)
        else:
            fill_ramp(look, ramp, color, slot_color(look, body, face.slot_b), light, haze, label)
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
            if body.kind == BUILDING and face.slot == models.BODY:
                lamps = int(look.lamps * 255.0)
                if body.height > 9.0 and (body.seed & 2) != 0:
                    texture = textures.OFFICES
                if lamps > 0:
                    for j in range(1, 16):
                        ramp[16 + j] = shine(
                            look, 236.0, 196.0, 120.0, 0.9, 0.9, 0.9, haze * 0.6, label
                        ) if j > 6 else ramp[j]
            fill_textured(
                view,
                corners,
                clipped,
                spans,
                face.two_sided,
                atlas,
                texture,
                repeat_u,
                repeat_v,
                ramp,
                lamps,
                body.seed,
                inverse,
                picture,
            )


@kernel
def draw_sprite(view, look, body, light, haze, label, buffers, atlas):
    """Draw trees, bushes, cones, barrels, poles, signs and lights: upright cards that face the camera."""
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
    bx, by, bz = place(view, body, 0.0, 0.0, 0.0)
    tx, ty, tz = place(view, body, 0.0, 0.0, 1.0)
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
            view, u - wide, head, u + wide, bottom, bz - 0.05, atlas, texture, body.seed & 8, ramp, inverse, picture
        )
    elif body.kind == BUSH:
        wide = 0.5 * max(body.width, body.length) * scale_low
        dark = (0.34 * color[0], 0.36 * color[1], 0.40 * color[2])
        bright = (1.2 * color[0] + 10.0, 1.2 * color[1] + 8.0, 1.05 * color[2])
        fill_ramp(look, ramp, dark, bright, light, haze, label)
        fill_sprite(
            view, u - wide, head, u + wide, foot, bz, atlas, textures.SHRUB, body.seed & 8, ramp, inverse, picture
        )
    elif body.kind == CONE or body.kind == BARREL:
        wide = 0.5 * max(body.width, body.length) * scale_low
        fill_ramp(look, ramp, (232.0, 104.0, 28.0), (230.0, 230.0, 226.0), light, haze, label)
        texture = textures.CONE_STRIPES if body.kind == CONE else textures.DRUM
        fill_sprite(view, u - wide, head, u + wide, foot, bz, atlas, texture, 0, ramp, inverse, picture)
    else:
        draw_post(view, look, body, light, haze, label, u, foot, head, bz, scale_low, buffers, atlas)


@kernel
def draw_post(view, look, body, light, haze, label, u, foot, head, depth, scale, buffers, atlas):
    """Draw a pole or street lamp, a sign, or a traffic light."""
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
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
                view, u + arm - lamp, head, u + arm + lamp, head + 0.14 * scale + 1.0, depth - 0.1, color, inverse, picture
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
                fill_ramp(look, ramp, (52.0, 60.0, 70.0), (232.0, 232.0, 228.0), light, haze, label)
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
        fill_sprite(view, u - wide, head, u + wide, low, depth - 0.1, atlas, texture, 0, ramp, inverse, picture)
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
def ground_edge(view, ax, ay, bx, by, spans):
    """Project an edge that lies on the ground, cut at the near plane, into the spans of its rows."""
    a0, a1, a2 = camera_axes(view, ax - view.x, ay - view.y, -view.height)
    b0, b1, b2 = camera_axes(view, bx - view.x, by - view.y, -view.height)
    near = 0.1
    if a2 < near and b2 < near:
        return
    if a2 < near:
        t = (near - a2) / (b2 - a2)
        a0 += (b0 - a0) * t
        a1 += (b1 - a1) * t
        a2 = near
    elif b2 < near:
        t = (near - b2) / (a2 - b2)
        b0 += (a0 - b0) * t
        b1 += (a1 - b1) * t
        b2 = near
    add_edge(
        view.center_u + view.focal * a0 / a2,
        view.center_v + view.focal * a1 / a2,
        view.center_u + view.focal * b0 / b2,
        view.center_v + view.focal * b1 / b2,
        view.rows,
        spans,
    )


@kernel
def clear_spans(view, horizon, spans):
    """Empty the spans of all rows below the horizon."""
    for row in range(horizon, view.rows):
        spans[row, 0] = 1e6
        spans[row, 1] = -1e6


@kernel
def darken_box(view, body, grow, throw_x, throw_y, value, horizon, spans, shade):
    """Darken the ground under a footprint, grown by some metres, and where its top throws a shadow."""
    clear_spans(view, horizon, spans)
    hx = 0.5 * body.length + grow
    hy = 0.5 * body.width + grow
    for k in range(4):
        sx = hx if k == 0 or k == 3 else -hx
        sy = hy if k < 2 else -hy
        ex = hx if k == 2 or k == 3 else -hx
        ey = hy if k == 0 or k == 3 else -hy
        ax = body.x + sx * body.cos - sy * body.sin
        ay = body.y + sx * body.sin + sy * body.cos
        bx = body.x + ex * body.cos - ey * body.sin
        by = body.y + ex * body.sin + ey * body.cos
        ground_edge(view, ax, ay, bx, by, spans)
        if throw_x != 0.0 or throw_y != 0.0:
            ground_edge(view, ax + throw_x, ay + throw_y, bx + throw_x, by + throw_y, spans)
            ground_edge(view, ax, ay, ax + throw_x, ay + throw_y, spans)
    darken(view, horizon, view.rows, spans, value, shade)


@kernel
def darken_ellipse(view, x, y, ax, ay, bx, by, value, horizon, spans, shade):
    """Darken an ellipse on the ground with half axes (ax, ay) and (bx, by), as a polygon of 12 corners."""
    clear_spans(view, horizon, spans)
    c = 0.8660254037844387
    s = 0.5
    p = 1.0
    q = 0.0
    for _ in range(12):
        p2 = p * c - q * s
        q2 = p * s + q * c
        ground_edge(
            view, x + ax * p + bx * q, y + ay * p + by * q, x + ax * p2 + bx * q2, y + ay * p2 + by * q2, spans
        )
        p = p2
        q = q2
    darken(view, horizon, view.rows, spans, value, shade)


@kernel
def draw_shadow(view, look, body, horizon, spans, shade):
    """Darken the ground around and behind a body as the weather's light does."""
    sunny = look.shadow < 1.0
    throw = 0.0
    if sunny:
        throw = -1.0 / max(0.1, look.sun_z)
    value = int(look.shadow * 255.0)
    if body.kind == TREE:
        if sunny:
            high = 0.62 * body.height * throw
            radius = 0.42 * body.width
            norm = math.sqrt(look.sun_x * look.sun_x + look.sun_y * look.sun_y) + 1e-9
            ux = look.sun_x / norm
            uy = look.sun_y / norm
            long = max(radius, 0.36 * body.height * -throw * norm)
            darken_ellipse(
                view,
                body.x + high * look.sun_x,
                body.y + high * look.sun_y,
                ux * long,
                uy * long,
                -uy * radius,
                ux * radius,
                value,
                horizon,
                spans,
                shade,
            )
    elif body.kind == BUSH or body.kind == CONE or body.kind == BARREL:
        dark = int((0.5 + 0.5 * look.contact) * 255.0)
        r = 0.5 * max(body.width, body.length)
        darken_ellipse(view, body.x, body.y, r, 0.0, 0.0, r, dark, horizon, spans, shade)
    elif body.kind != FENCE and body.kind < POLE:
        if sunny:
            throw *= body.height * (0.85 if body.kind <= TRUCK else 1.0)
            darken_box(
                view, body, 0.0, throw * look.sun_x, throw * look.sun_y, value, horizon, spans, shade
            )
        if body.kind <= TRUCK:
            soft = int((0.4 + 0.6 * look.contact) * 255.0)
            darken_box(view, body, 0.22, 0.0, 0.0, soft, horizon, spans, shade)
            darken_box(view, body, 0.02, 0.0, 0.0, int(look.contact * 255.0), horizon, spans, shade)


@kernel
def draw_bodies(view, look, sin_head, cos_head, horizon, props, chunks, actors, tables, atlas, buffers, lists):
    """Draw everything that stands in view, nearest first. Returns how many bodies."""
    scratch, index, distance = lists
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
    reach = min(450.0, 3.6 / max(1e-5, look.fog))
    n = gather(view, look, reach, props, chunks, actors, scratch, index, distance)
    body = scratch[0]
    for k in range(n):
        if index[k] < 0:
            body_of_actor(actors[-1 - index[k]], body)
        else:
            scratch[0] = props[index[k]]
        if distance[k] < SHADOW_RANGE:
            draw_shadow(view, look, body, horizon, spans, shade)
        dx = body.x - view.x
        dy = body.y - view.y
        if in_view(view, body.x, body.y, body.radius + 0.5, reach) < 0.0:
            continue
        away = math.sqrt(dx * dx + dy * dy)
        haze = 1.0 - exp(-look.fog * away)
        head = 0.0
        if look.headlights > 0.0:
            # the beam starts at the car, a little behind the camera's own axis
            ahead = dx * cos_head + dy * sin_head
            left = dy * cos_head - dx * sin_head
            head = look.headlights * beam(ahead + 1.5 - body.radius, left)
        label = label_of(body.kind)
        if body.kind <= TRUCK or body.kind == BARRIER or body.kind == BUILDING or body.kind == FENCE:
            pixels = view.focal * body.height / max(0.5, away - body.radius)
            detail = models.NEAR if pixels > 26.0 else (models.MIDDLE if pixels > 9.0 else models.FAR)
            if body.kind >= BUILDING:
                detail = models.NEAR
            draw_model(view, look, body, detail, head, haze, label, tables, buffers, atlas)
        else:
            norm = 1.0 / max(1e-6, away)
            light = light_on(look, -dx * norm * 0.8, -dy * norm * 0.8, 0.6, look.sun_x, look.sun_y, head)
            draw_sprite(view, look, body, light, haze, label, buffers, atlas)
    return n
