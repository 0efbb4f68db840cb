"""Cars that follow their paths, and who is ahead of whom."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import NO_LEAD_GAP
from drive.control.speed import cruise_acceleration, target_speed
from drive.core.kernels import kernel
from drive.core.portable_math import sincos, wrap_angle
from drive.sim.actors.dynamics import VehicleParams
from drive.sim.arrays import PATH_STEP
from drive.sim.maps.path import first_within, sample

# how far traffic looks ahead: this, HORIZON_TIME of driving, and its way to a stop at 2 m/s^2
HORIZON_STANDING = 30.0  # [m]
HORIZON_TIME = 3.0  # [s]
CORRIDOR_MARGIN = 0.3  # beside a car's own width: what reaches into that is ahead of it [m]
_BRAKE_LIGHT = -0.5  # [m/s^2]


@kernel
def obstacle_ahead(
    points: NDArray[np.void], begin: int, end: int, s_from: float, s_to: float,
    lateral: float, half_width: float, x: float, y: float, yaw: float, length: float, width: float,
) -> tuple[float, float]:  # fmt: skip
    """Where a footprint stands in a corridor along a path.

    Args:
        points: flat PATH records.
        begin: first sample of the path.
        end: one past its last sample.
        s_from: the search begins here: footprints centred before it are behind [m].
        s_to: and ends here [m].
        lateral: offset of the corridor's middle from the path [m].
        half_width: of the corridor [m].
        x: centre of the footprint [m].
        y: [m].
        yaw: [rad].
        length: [m].
        width: [m].

    Returns:
        (s of the footprint's near end [m], cosine of its yaw relative to the path); (inf, 0) when it is
        not in the corridor.
    """
    diagonal = math.sqrt(length * length + width * width)
    near = first_within(
        points, begin, end, s_from, s_to, x, y, 0.5 * diagonal + half_width + abs(lateral) + PATH_STEP
    )
    if near < 0.0:
        return math.inf, 0.0
    # on to the nearest sample; in its frame a foot at most half a step away is right to a centimetre
    i = begin + math.floor(near / PATH_STEP + 0.5)
    dx, dy = x - points[i].x, y - points[i].y
    square = dx * dx + dy * dy
    while i + 1 < end:
        next_x, next_y = x - points[i + 1].x, y - points[i + 1].y
        next_square = next_x * next_x + next_y * next_y
        if next_square > square:
            break
        i += 1
        dx, dy, square = next_x, next_y, next_square
    sine, cosine = sincos(points[i].yaw)
    ahead = dx * cosine + dy * sine
    s = (i - begin) * PATH_STEP + ahead
    if s <= s_from:
        return math.inf, 0.0
    d = dy * cosine - dx * sine
    sine, cosine = sincos(yaw - points[i].yaw - points[i].curvature * ahead)
    along = 0.5 * (length * abs(cosine) + width * abs(sine))
    across = 0.5 * (length * abs(sine) + width * abs(cosine))
    if abs(d - lateral) - across >= half_width:
        return math.inf, 0.0
    return s - along, cosine


@kernel
def find_lead(
    egos: NDArray[np.void],
    w: int,
    params: VehicleParams,
    actors: NDArray[np.void],
    begin: int,
    end: int,
    points: NDArray[np.void],
    path_begin: NDArray[np.int64],
    path_end: NDArray[np.int64],
) -> None:
    """The radar of ego w: the nearest active actor ahead that reaches into its corridor.

    The corridor runs along the reference path, CORRIDOR_MARGIN wider than the car to both sides. Writes
    lead_gap (bumper to bumper along the path, NO_LEAD_GAP when none, never negative) and lead_speed (its
    speed along the path minus ours). Reads center_s, path and speed.
    """
    ego = egos[w]
    first, last = path_begin[ego.path], path_end[ego.path]
    front = ego.center_s + 0.5 * params.length
    half_width = 0.5 * params.width + CORRIDOR_MARGIN
    gap, lead_speed = NO_LEAD_GAP, ego.speed
    for i in range(begin, end):
        other = actors[i]
        if other.active == 0:
            continue
        if other.path == ego.path:
            if other.s <= ego.center_s or abs(other.lateral_offset) - 0.5 * other.width >= half_width:
                continue
            near, cosine = other.s - 0.5 * other.length, 1.0
        else:
            near, cosine = obstacle_ahead(
                points, first, last, ego.center_s, front + gap + 0.5 * other.length, 0.0, half_width,
                other.x, other.y, other.yaw, other.length, other.width,
            )  # fmt: skip
        if near - front < gap:
            gap, lead_speed = max(near - front, 0.0), other.speed * cosine
    ego.lead_gap = gap
    ego.lead_speed = lead_speed - ego.speed


@kernel
def _sort(
    actors: NDArray[np.void], begin: int, end: int,
    order: NDArray[np.int64], rank: NDArray[np.int64], places: NDArray[np.float64],
) -> tuple[int, float, float]:  # fmt: skip
    """Bring the traffic of a world into order.

    Args:
        actors: flat ACTOR records.
        begin: first actor of this world.
        end: one past its last.
        order: (n,) receives which drive along a path: by path, on each from back to front.
        rank: (n,) where in that order each one is.
        places: (n, 2) receives x and y of all, infinite for those who are not there.

    Returns:
        (how many drive, largest length, largest width of any [m]).
    """
    count, longest, widest = 0, 0.0, 0.0
    for i in range(begin, end):
        me = actors[i]
        places[i - begin, 0] = me.x if me.active != 0 else math.inf
        places[i - begin, 1] = me.y
        longest, widest = max(longest, me.length), max(widest, me.width)
        if me.active == 0 or me.path < 0:
            continue
        k = count  # in what a scenario draws they stand in order already
        while k > 0:
            other = actors[order[k - 1]]
            if other.path < me.path or (other.path == me.path and other.s <= me.s):
                break
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
        count += 1
    for k in range(count):
        rank[order[k] - begin] = k
    return count, longest, widest


@kernel
def _reach(gap: float, me: Any, half_width: float, length: float, width: float) -> float:
    """How far a footprint's centre can be from an actor's if `obstacle_ahead` finds it within the gap [m].

    The 3 m are more than what the search's steps of PATH_STEP may add up to.
    """
    return gap + 0.5 * me.length + half_width + 2.0 * abs(me.lateral_offset) + length + 0.5 * width + 3.0


@kernel
def _actor_acceleration(
    actors: NDArray[np.void], i: int, begin: int, end: int,
    order: NDArray[np.int64], rank: NDArray[np.int64], places: NDArray[np.float64], count: int,
    longest: float, widest: float,
    points: NDArray[np.void], path_begin: NDArray[np.int64], path_end: NDArray[np.int64],
    egos: NDArray[np.void], w: int, params: VehicleParams, dt: float,
) -> float:  # fmt: skip
    """What the driver of actor i wants: curve speed, limits, and distance to whatever is ahead."""
    me = actors[i]
    first, last = path_begin[me.path], path_end[me.path]
    # before the searches, which leap along the path: this brings it into the caches in order
    target = target_speed(points, first, last, me.s, me.speed, me.desired_speed)
    front = me.s + 0.5 * me.length
    half_width = 0.5 * me.width + CORRIDOR_MARGIN
    horizon = HORIZON_STANDING + HORIZON_TIME * me.speed + 0.25 * me.speed * me.speed
    gap, lead_speed, lead_acceleration = horizon, me.speed, 0.0
    for k in range(rank[i - begin] + 1, count):  # on the same path: the gap is a difference
        other = actors[order[k]]
        if other.path != me.path or other.s - 0.5 * longest - front >= gap:
            break
        if other.s <= me.s:
            continue
        beside = abs(other.lateral_offset - me.lateral_offset) - 0.5 * other.width
        distance = other.s - 0.5 * other.length - front
        if distance < gap and beside < half_width:
            gap, lead_speed, lead_acceleration = distance, other.speed, other.acceleration
    sine, cosine = sincos(me.yaw)
    x, y = me.x, me.y
    near_enough = _reach(gap, me, half_width, longest, widest)
    for j in range(begin, end):  # elsewhere: whatever reaches into the corridor, if it is in front
        dx, dy = places[j - begin, 0] - x, places[j - begin, 1] - y
        if dx * dx + dy * dy > near_enough * near_enough:
            continue
        other = actors[j]
        if other.path == me.path:
            continue
        reach = horizon + me.length + other.length
        if dx * cosine + dy * sine < 0.0 or dx * dx + dy * dy > reach * reach:
            continue
        near, along = obstacle_ahead(
            points, first, last, me.s, front + gap + 0.5 * other.length, me.lateral_offset, half_width,
            other.x, other.y, other.yaw, other.length, other.width,
        )  # fmt: skip
        if near - front < gap:
            gap, lead_speed = near - front, other.speed * along
            lead_acceleration = other.acceleration if along > 0.0 else 0.0
            near_enough = _reach(gap, me, half_width, longest, widest)
    ego = egos[w]
    sine, cosine = sincos(ego.yaw)
    ego_x, ego_y = ego.x + params.center_x * cosine, ego.y + params.center_x * sine
    dx, dy = ego_x - x, ego_y - y
    near_enough = _reach(gap, me, half_width, params.length, params.width)
    near = math.inf
    if dx * dx + dy * dy <= near_enough * near_enough:
        near, cosine = obstacle_ahead(
            points, first, last, me.s, front + gap + 0.5 * params.length, me.lateral_offset, half_width,
            ego_x, ego_y, ego.yaw, params.length, params.width,
        )  # fmt: skip
    if near - front < gap:
        gap, lead_speed = near - front, ego.speed * cosine
        lead_acceleration = ego.acceleration if cosine > 0.0 else 0.0
    if gap >= horizon:
        gap = NO_LEAD_GAP
    return cruise_acceleration(
        me.speed, target, gap, lead_speed - me.speed, me.acceleration, me.time_headway, lead_acceleration, dt
    )


@kernel
def place(actor: Any, points: NDArray[np.void], begin: int, end: int) -> None:
    """Put an actor where its s and lateral_offset say: x, y, z and yaw from its path."""
    x, y, z, yaw = sample(points, begin, end, actor.s)[:4]
    sine, cosine = sincos(yaw)
    actor.x = x - actor.lateral_offset * sine
    actor.y = y + actor.lateral_offset * cosine
    actor.z = z
    actor.yaw = wrap_angle(yaw)


@kernel
def advance_traffic(
    actors: NDArray[np.void],
    begin: int,
    end: int,
    points: NDArray[np.void],
    path_begin: NDArray[np.int64],
    path_end: NDArray[np.int64],
    egos: NDArray[np.void],
    w: int,
    params: VehicleParams,
    dt: float,
) -> None:
    """Move the traffic of world w by one control step.

    Every active actor with a path drives along it by `cruise_acceleration`: as fast as its desired speed,
    limits and curves allow, behind whatever reaches into its corridor: traffic, standing actors, the ego.
    All decide first, then all move. At its path's end an actor leaves (active = 0). Nobody reverses.

    Args:
        actors: flat ACTOR records.
        begin: first actor of this world.
        end: one past its last.
        points: flat PATH records.
        path_begin: (P,) first sample of each path.
        path_end: (P,) one past its last sample.
        egos: (B,) EGO records.
        w: which world.
        params: the ego's.
        dt: [s].
    """
    order, rank = np.empty(end - begin, np.int64), np.empty(end - begin, np.int64)
    places = np.empty((end - begin, 2))
    count, longest, widest = _sort(actors, begin, end, order, rank, places)
    for i in range(begin, end):
        if actors[i].active != 0 and actors[i].path >= 0:
            actors[i].acceleration = _actor_acceleration(
                actors, i, begin, end, order, rank, places, count, longest, widest, points, path_begin,
                path_end, egos, w, params, dt,
            )  # fmt: skip
    for i in range(begin, end):
        me = actors[i]
        if me.active == 0 or me.path < 0:
            continue
        first, last = path_begin[me.path], path_end[me.path]
        speed = me.speed + me.acceleration * dt
        if speed < 0.0:  # stops within the step
            me.s += -0.5 * me.speed * me.speed / me.acceleration
            me.acceleration = -me.speed / dt
            speed = 0.0
        else:
            me.s += 0.5 * (me.speed + speed) * dt
        me.speed = speed
        me.braking = 1 if me.acceleration < _BRAKE_LIGHT or speed < 0.1 else 0
        if me.s >= (last - first - 1) * PATH_STEP:
            me.active = 0
            me.speed = 0.0
            continue
        place(me, points, first, last)
