"""Shade on the ground, drawn per frame: the sun's shadows, and the dark under and around bodies."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.arrays import BARREL, BUSH, CONE, FENCE, POLE, TREE, TRUCK
from drive.sim.sensors.billboards import shade_spans
from drive.sim.sensors.bodies import in_view
from drive.sim.sensors.faces import FAR_OUT, NEAR_PLANE, add_edge, camera_axes
from drive.sim.sensors.records import Canvas

Point = tuple[float, float, float, float, float]  # of the ground: x, y [m], u, v [px], distance ahead [m]


@kernel
def ground_point(view: Any, x: float, y: float) -> Point:
    """A point of the ground, projected: u and v only before the camera."""
    right, down, ahead = camera_axes(view, x - view.x, y - view.y, -view.height)
    scale = view.focal / max(NEAR_PLANE, ahead)
    return x, y, view.center_u + right * scale, view.center_v + down * scale, ahead


@kernel
def ground_edge(view: Any, a: Point, b: Point, spans: NDArray[np.float64]) -> None:
    """Widen the spans of the rows that an edge on the ground crosses, cut where it passes the camera."""
    ax, ay, ua, va, da = a
    bx, by, ub, vb, db = b
    if da < NEAR_PLANE or db < NEAR_PLANE:
        if da < NEAR_PLANE and db < NEAR_PLANE:
            return
        t = (NEAR_PLANE - da) / (db - da)
        _x, _y, uc, vc, _dc = ground_point(view, ax + (bx - ax) * t, ay + (by - ay) * t)
        if da < NEAR_PLANE:
            ua = uc
            va = vc
        else:
            ub = uc
            vb = vc
    add_edge(ua, va, ub, vb, view.rows, spans)


@kernel
def rows_of_circle(
    view: Any, horizon: int, x: float, y: float, radius: float, spans: NDArray[np.float64]
) -> tuple[int, int]:
    """Rows that a circle on the ground can cover, with their spans emptied; (0, 0) when out of view."""
    ahead = (x - view.x) * view.ahead_x + (y - view.y) * view.ahead_y
    if ahead + radius <= 0.0 or in_view(view, x, y, radius, 1e9) < 0.0:
        return 0, 0
    far = view.cos_pitch * (ahead + radius) + view.sin_pitch * view.height
    down = -view.sin_pitch * (ahead + radius) + view.cos_pitch * view.height
    first = max(horizon, math.floor(view.center_v + view.focal * down / max(NEAR_PLANE, far)))
    last = view.rows
    near = view.cos_pitch * (ahead - radius) + view.sin_pitch * view.height
    if near > NEAR_PLANE:
        down = -view.sin_pitch * (ahead - radius) + view.cos_pitch * view.height
        last = min(last, math.ceil(view.center_v + view.focal * down / near) + 1)
    for row in range(first, last):
        spans[row, 0] = FAR_OUT
        spans[row, 1] = -FAR_OUT
    return first, last


@kernel
def darken_box(
    view: Any,
    body: Any,
    grow: float,
    throw_x: float,
    throw_y: float,
    value: int,
    horizon: int,
    canvas: Canvas,
) -> None:
    """Darken the ground under a footprint, grown by some metres, and where its top throws a shadow."""
    spans = canvas.spans
    thrown = math.sqrt(throw_x * throw_x + throw_y * throw_y)
    radius = body.radius + 1.5 * grow + 0.5 * thrown
    first, last = rows_of_circle(view, horizon, body.x + 0.5 * throw_x, body.y + 0.5 * throw_y, radius, spans)
    if last <= first:
        return
    hx = 0.5 * body.length + grow
    hy = 0.5 * body.width + grow
    fx, fy, lx, ly = hx * body.cos, hx * body.sin, -hy * body.sin, hy * body.cos
    before = ground_point(view, body.x + fx - lx, body.y + fy - ly)
    thrown_before = ground_point(view, before[0] + throw_x, before[1] + throw_y)
    for k in range(4):
        sx = 1.0 if k == 0 or k == 3 else -1.0
        sy = 1.0 if k < 2 else -1.0
        corner = ground_point(view, body.x + sx * fx + sy * lx, body.y + sx * fy + sy * ly)
        ground_edge(view, before, corner, spans)
        if thrown > 0.0:
            end = ground_point(view, corner[0] + throw_x, corner[1] + throw_y)
            ground_edge(view, thrown_before, end, spans)
            ground_edge(view, corner, end, spans)
            thrown_before = end
        before = corner
    shade_spans(view, first, last, spans, 0, value, canvas.shade)


@kernel
def shade_ellipse(
    view: Any,
    x: float,
    y: float,
    ax: float,
    ay: float,
    bx: float,
    by: float,
    value: int,
    lift: bool,
    horizon: int,
    canvas: Canvas,
) -> None:
    """Darken, or with `lift` brighten, an ellipse on the ground with half axes (ax, ay) and (bx, by)."""
    spans = canvas.spans
    radius = 1.05 * math.sqrt(max(ax * ax + ay * ay, bx * bx + by * by))
    first, last = rows_of_circle(view, horizon, x, y, radius, spans)
    if last <= first:
        return
    c = 0.8660254037844387
    s = 0.5
    p = 1.0
    q = 0.0
    before = ground_point(view, x + ax, y + ay)
    for _ in range(12):
        p, q = p * c - q * s, p * s + q * c
        point = ground_point(view, x + ax * p + bx * q, y + ay * p + by * q)
        ground_edge(view, before, point, spans)
        before = point
    shade_spans(view, first, last, spans, value if lift else 0, 255 if lift else value, canvas.shade)


@kernel
def light_under_lamp(view: Any, look: Any, body: Any, horizon: int, canvas: Canvas) -> None:
    """Brighten the ground around the foot of a street lamp, in four steps."""
    x = body.x - 1.6 * body.sin
    y = body.y + 1.6 * body.cos
    for step in range(4):
        r = body.height * (1.3 - 0.28 * step)
        value = int(255.0 * (0.16 + 0.09 * step))
        shade_ellipse(view, x, y, r, 0.0, 0.0, r, value, True, horizon, canvas)


@kernel
def draw_shadow(view: Any, look: Any, body: Any, horizon: int, canvas: Canvas) -> None:
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
            x, y = body.x + high * look.sun_x, body.y + high * look.sun_y
            across_x, across_y = -uy * radius, ux * radius
            shade_ellipse(view, x, y, ux * long, uy * long, across_x, across_y, value, False, horizon, canvas)
    elif body.kind == BUSH or body.kind == CONE or body.kind == BARREL:
        dark = int((0.5 + 0.5 * look.contact) * 255.0)
        r = 0.5 * max(body.width, body.length)
        shade_ellipse(view, body.x, body.y, r, 0.0, 0.0, r, dark, False, horizon, canvas)
    elif body.kind == POLE:
        if look.lamps > 0.0 and body.height > 4.5 and body.red <= body.blue + 20.0:
            light_under_lamp(view, look, body, horizon, canvas)
    elif body.kind != FENCE and body.kind < POLE:
        if sunny:
            throw *= body.height * (0.85 if body.kind <= TRUCK else 1.0)
            darken_box(view, body, 0.0, throw * look.sun_x, throw * look.sun_y, value, horizon, canvas)
        if body.kind <= TRUCK:
            soft = int((0.4 + 0.6 * look.contact) * 255.0)
            darken_box(view, body, 0.22, 0.0, 0.0, soft, horizon, canvas)
            darken_box(view, body, 0.02, 0.0, 0.0, int(look.contact * 255.0), horizon, canvas)


@kernel
def fill_shade(
    look: Any,
    horizon: int,
    width: int,
    head_map: NDArray[np.uint8],
    table: NDArray[np.int64],
    shade: NDArray[np.uint8],
) -> None:
    """Light of the ground without bodies: 255, or what the own headlights leave in the dark.

    `table` (256,) is overwritten.
    """
    begin = horizon * width
    if look.headlights <= 0.0:
        for k in range(begin, len(shade)):
            shade[k] = 255
        return
    open_light = max(1e-6, look.ambient_g + look.sun_g * look.sun_z)
    for i in range(256):
        table[i] = int(
            255.0 * math.sqrt((open_light + look.headlights * i / 255.0) / (open_light + look.headlights))
        )
    for k in range(begin, len(shade)):
        shade[k] = table[head_map[k]]
