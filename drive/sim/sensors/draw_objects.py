"""Draw everything that stands in view, nearest first."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import exp
from drive.sim.arrays import BARRIER, BUILDING, BUSH, FENCE, SIGN, TREE, TRUCK
from drive.sim.sensors import labels, meshes
from drive.sim.sensors.bodies import SHADOW_RANGE, body_of_actor, gather, in_view
from drive.sim.sensors.draw_meshes import draw_mesh
from drive.sim.sensors.lighting import beam, light_on
from drive.sim.sensors.shadows import draw_shadow
from drive.sim.sensors.sprites import draw_sprite


@kernel
def label_of(kind: int) -> int:
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
def draw_objects(
    view: Any,
    look: Any,
    sin_head: float,
    cos_head: float,
    horizon: int,
    props: NDArray[np.void],
    chunks: NDArray[np.void],
    actors: NDArray[np.void],
    tables: tuple,
    atlas: NDArray[np.uint8],
    canvas: Any,
    sighted: Any,
) -> tuple[int, int]:
    """Draw everything that stands in view, nearest first. Returns (faces, vehicles) drawn."""
    index, distance = sighted.which, sighted.distance
    reach = min(450.0, 3.6 / max(1e-5, look.fog))
    n = gather(view, look, reach, props, chunks, actors, index, distance)
    body = sighted.body[0]
    faces = 0
    vehicles = 0
    for k in range(n):
        if index[k] < 0:
            body_of_actor(actors[-1 - index[k]], -index[k], body)
        else:
            sighted.body[0] = props[index[k]]
            body.number += len(actors)
        if distance[k] < SHADOW_RANGE:
            draw_shadow(view, look, body, horizon, canvas)
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
        tag = (body.number << 8) | label_of(body.kind)
        if body.kind <= TRUCK or body.kind == BARRIER or body.kind == BUILDING or body.kind == FENCE:
            pixels = view.focal * body.height / max(0.5, away - body.radius)
            detail = meshes.NEAR if pixels > 26.0 else (meshes.MIDDLE if pixels > 9.0 else meshes.FAR)
            if body.kind >= BUILDING:
                detail = meshes.NEAR
            drawn = draw_mesh(view, look, body, detail, head, haze, tag, tables, canvas, atlas)
            faces += drawn
            if body.kind <= TRUCK and drawn > 0:
                vehicles += 1
        else:
            norm = 1.0 / max(1e-6, away)
            light = light_on(look, -dx * norm * 0.8, -dy * norm * 0.8, 0.6, look.sun_x, look.sun_y, head)
            draw_sprite(view, look, body, light, haze, tag, canvas, atlas)
            faces += 1
    return faces, vehicles
