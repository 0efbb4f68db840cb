"""Contacts: overlap of oriented footprints by the separating axis theorem."""

import math

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.sim.actors.dynamics import VehicleParams


@kernel
def footprints_overlap(
    dx: float, dy: float, s: float, c: float,
    length_a: float, width_a: float, length_b: float, width_b: float,
) -> bool:  # fmt: skip
    """Whether two rectangles overlap; touching is no overlap.

    Args:
        dx: centre of b in a's frame, ahead [m].
        dy: the same, to the left [m].
        s: sine of b's yaw minus a's.
        c: its cosine.
        length_a: [m].
        width_a: [m].
        length_b: [m].
        width_b: [m].
    """
    la, wa, lb, wb = 0.5 * length_a, 0.5 * width_a, 0.5 * length_b, 0.5 * width_b
    sine, cosine = abs(s), abs(c)
    if abs(dx) >= la + lb * cosine + wb * sine or abs(dy) >= wa + lb * sine + wb * cosine:
        return False
    along = abs(dx * c + dy * s)
    aside = abs(dy * c - dx * s)
    return along < lb + la * cosine + wa * sine and aside < wb + la * sine + wa * cosine


@kernel
def contact_point(
    dx: float, dy: float, s: float, c: float,
    length_a: float, width_a: float, length_b: float, width_b: float,
) -> tuple[float, float]:  # fmt: skip
    """Middle of the region in which two rectangles overlap: the mean of its corners, in a's frame [m].

    Arguments as in `footprints_overlap`, which must hold.
    """
    la, wa, lb, wb = 0.5 * length_a, 0.5 * width_a, 0.5 * length_b, 0.5 * width_b
    count, sum_x, sum_y = 0, 0.0, 0.0
    # corners of a in b
    for i in range(4):
        x = la if i < 2 else -la
        y = wa if i % 2 == 0 else -wa
        along = (x - dx) * c + (y - dy) * s
        aside = (y - dy) * c - (x - dx) * s
        if abs(along) <= lb and abs(aside) <= wb:
            count, sum_x, sum_y = count + 1, sum_x + x, sum_y + y
    for i in range(4):
        # corners of b in a
        along = lb if i in (0, 3) else -lb
        aside = wb if i < 2 else -wb
        x = dx + along * c - aside * s
        y = dy + along * s + aside * c
        if abs(x) <= la and abs(y) <= wa:
            count, sum_x, sum_y = count + 1, sum_x + x, sum_y + y
        # edges of b (from this corner to the next) across edges of a
        next_along = lb if i in (2, 3) else -lb
        next_aside = wb if i in (0, 3) else -wb
        ex = (next_along - along) * c - (next_aside - aside) * s
        ey = (next_along - along) * s + (next_aside - aside) * c
        for side in (-1.0, 1.0):
            if ex != 0.0:
                t = (side * la - x) / ex
                if 0.0 < t < 1.0 and abs(y + t * ey) < wa:
                    count, sum_x, sum_y = count + 1, sum_x + side * la, sum_y + y + t * ey
            if ey != 0.0:
                t = (side * wa - y) / ey
                if 0.0 < t < 1.0 and abs(x + t * ex) < la:
                    count, sum_x, sum_y = count + 1, sum_x + x + t * ex, sum_y + side * wa
    if count == 0:
        return dx, dy
    return sum_x / count, sum_y / count


@kernel
def first_contact(
    egos: NDArray[np.void], w: int, params: VehicleParams, actors: NDArray[np.void], begin: int, end: int
) -> None:
    """Find what ego w touches; with several, the one it meets fastest.

    Writes collision_actor (counted from begin, -1 when none), contact_x and contact_y (vehicle frame, middle
    of the overlap) and closing_speed: the speed of the contact on our side relative to the other party,
    towards it [m/s], >= 0: the relative velocity's part along the line from our footprint's centre to the
    contact.
    """
    ego = egos[w]
    ego.collision_actor = -1
    ego.closing_speed = 0.0
    ego.contact_x = 0.0
    ego.contact_y = 0.0
    sine, cosine = sincos(ego.yaw)
    x = ego.x + params.center_x * cosine
    y = ego.y + params.center_x * sine
    own_radius = 0.5 * math.sqrt(params.length * params.length + params.width * params.width)
    for i in range(begin, end):
        other = actors[i]
        if other.active == 0:
            continue
        dx, dy = other.x - x, other.y - y
        reach = own_radius + 0.5 * (other.length + other.width)
        if dx * dx + dy * dy > reach * reach:
            continue
        other_sine, other_cosine = sincos(other.yaw)
        s = other_sine * cosine - other_cosine * sine
        c = other_cosine * cosine + other_sine * sine
        ahead = dx * cosine + dy * sine
        left = dy * cosine - dx * sine
        length, width = other.length, other.width
        if not footprints_overlap(ahead, left, s, c, params.length, params.width, length, width):
            continue
        cx, cy = contact_point(ahead, left, s, c, params.length, params.width, length, width)
        # velocity of our side of the contact minus the other's, in the vehicle frame
        contact_x = cx + params.center_x
        vx = ego.speed - ego.yaw_rate * cy - other.speed * c
        vy = ego.yaw_rate * contact_x - other.speed * s
        arm = math.sqrt(cx * cx + cy * cy)
        closing = max((vx * cx + vy * cy) / arm, 0.0) if arm > 1e-6 else math.sqrt(vx * vx + vy * vy)
        if ego.collision_actor < 0 or closing > ego.closing_speed:
            ego.collision_actor = i - begin
            ego.closing_speed = closing
            ego.contact_x = contact_x
            ego.contact_y = cy
