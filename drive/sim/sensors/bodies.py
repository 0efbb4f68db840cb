"""What stands in the world, as the camera needs it, and which of it is in view."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.sim.sensors.faces import camera_axes

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
        ("number", "i8"),  # among the instances of its kind, actors or props, from 1
    ]
)
CIRCLE = np.dtype([("x", "f8"), ("y", "f8"), ("radius", "f8"), ("height", "f8")])  # around a chunk of bodies
CHUNK = 16  # bodies whose common circle is tested first
MAX_BODIES = 4096  # in view at once
SHADOW_RANGE = 70.0  # [m]


@kernel
def set_radius(body: Any) -> None:
    """Set the radius from length and width."""
    body.radius = 0.5 * math.sqrt(body.length * body.length + body.width * body.width)


@kernel
def turn_bodies(bodies: NDArray[np.void], yaw: NDArray[np.float64]) -> None:
    """Set the direction and radius of bodies by their yaw (n,) and size."""
    for i in range(len(bodies)):
        s, c = sincos(yaw[i])
        bodies[i].cos = c
        bodies[i].sin = s
        set_radius(bodies[i])


@kernel
def body_of_actor(actor: Any, number: int, body: Any) -> None:
    """Copy what the camera needs of an actor."""
    body.number = number
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
def in_view(view: Any, x: float, y: float, radius: float, reach: float) -> float:
    """Distance along the view of a circle, or -1 when it is out of sight or beyond reach [m]."""
    dx = x - view.x
    dy = y - view.y
    ahead = dx * view.ahead_x + dy * view.ahead_y
    right = abs(dx * view.ahead_y - dy * view.ahead_x)
    # the widest ray of a pitched view is the one at the picture's lower corner
    tall = 0.5 * view.rows / view.focal
    flat = view.cos_pitch - abs(view.sin_pitch) * max(1.0, tall)
    if tall > 1.0 and flat < 0.2:  # sees what is beside and behind it too
        return max(0.0, ahead) if max(abs(ahead), right) <= reach + radius else -1.0
    if ahead < -radius or ahead > reach + radius:
        return -1.0
    slope = 0.5 * view.width / view.focal / max(0.2, flat)
    if right - radius * (1.0 + slope) > max(0.0, ahead) * slope:
        return -1.0
    return max(0.0, ahead)


@kernel
def gather(
    view: Any,
    look: Any,
    reach: float,
    props: NDArray[np.void],
    chunks: NDArray[np.void],
    actors: NDArray[np.void],
    index: NDArray[np.int64],
    distance: NDArray[np.float64],
) -> int:
    """Bodies in sight, nearest first: `index` >= 0 is a prop, -1 - i is actor i. Returns how many."""
    n = 0
    throw = 0.0
    if look.shadow < 1.0:
        throw = min(8.0, math.sqrt(max(0.0, 1.0 - look.sun_z * look.sun_z)) / max(0.05, look.sun_z))
    for i in range(len(actors)):
        if actors[i].active == 0:
            continue
        radius = 0.5 * math.sqrt(actors[i].length * actors[i].length + actors[i].width * actors[i].width)
        ahead = in_view(view, actors[i].x, actors[i].y, radius + throw * actors[i].height, reach)
        if ahead >= 0.0 and n < MAX_BODIES:
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
                ahead = in_view(
                    view, props[i].x, props[i].y, props[i].radius + throw * props[i].height, SHADOW_RANGE
                )
            if ahead < 0.0 or n >= MAX_BODIES:
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
def place(view: Any, body: Any, px: float, py: float, pz: float) -> tuple[float, float, float]:
    """A point of a unit body in camera coordinates."""
    x = px * body.length
    y = py * body.width
    return camera_axes(
        view,
        body.x - view.x + x * body.cos - y * body.sin,
        body.y - view.y + x * body.sin + y * body.cos,
        pz * body.height - view.height,
    )
