"""One control step of a slice of worlds, as kernels over the flat arrays. There is no other step code."""

from drive.agent import MAX_ACCELERATION, MAX_DECELERATION
from drive.control.speed import cruise
from drive.core.kernels import kernel
from drive.core.portable_math import sincos, wrap_angle
from drive.sim.actors.collisions import first_contact
from drive.sim.actors.dynamics import advance_vehicle, delayed
from drive.sim.actors.traffic import advance_traffic, find_lead
from drive.sim.maps.drivable import BLOCK, distance_outside
from drive.sim.maps.path import project, sample


@kernel
def locate(
    egos, w, params, actors, actor_begin, actor_end, points, path_begin, path_end, tables, blocks, areas,
    cells,
) -> None:  # fmt: skip
    """Fill in everything about ego w that follows from its pose: path, lead, contact, off-road."""
    ego = egos[w]
    path = ego.path
    begin, end = path_begin[path], path_end[path]
    s, c = sincos(ego.yaw)
    center_x = ego.x + params.center_x * c
    center_y = ego.y + params.center_x * s
    ego.path_s = project(points, begin, end, ego.x, ego.y, ego.path_s)[0]
    center_s, offset = project(points, begin, end, center_x, center_y, ego.center_s)
    at = sample(points, begin, end, center_s)
    ego.center_s = center_s
    ego.lateral_offset = offset
    ego.heading_error = wrap_angle(ego.yaw - at[3])
    ego.z = at[2]
    ego.speed_limit = at[5]
    ego.left_border = at[6]
    ego.right_border = at[7]
    if abs(offset) < 5.0 and center_s > ego.progress:
        ego.progress = center_s
    x0, y0, cell = cells[w, 0], cells[w, 1], cells[w, 2]
    first, rows, columns = areas[w, 0], areas[w, 1], areas[w, 2]
    table = tables[first : first + rows * columns].reshape((rows, columns))
    first, count = areas[w, 3], areas[w, 4]
    own = blocks[first : first + count * BLOCK * BLOCK].reshape((count, BLOCK, BLOCK))
    worst = 0.0
    for i in range(4):
        along = params.length * (0.5 if i < 2 else -0.5)
        aside = params.width * (0.5 if i % 2 == 0 else -0.5)
        outside = distance_outside(
            table, own, x0, y0, cell, center_x + along * c - aside * s, center_y + along * s + aside * c
        )
        worst = max(worst, outside)
    ego.off_road = worst
    find_lead(egos, w, params, actors, actor_begin[w], actor_end[w], points, path_begin, path_end)
    first_contact(egos, w, params, actors, actor_begin[w], actor_end[w])


@kernel
def advance_worlds(
    lo, hi, dt, substeps, steering, acceleration, live, recent, egos, params, actors, actor_begin,
    actor_end, points, path_begin, path_end, tables, blocks, areas, cells,
) -> None:  # fmt: skip
    """Move the live worlds of [lo, hi) by one control step: cruise, traffic, ego, and what follows."""
    for w in range(lo, hi):
        if not live[w]:
            continue
        ego = egos[w]
        wanted = acceleration[w]
        if wanted != wanted:  # NaN: the car keeps speed and distance by itself
            command = cruise(
                points, path_begin[ego.path], path_end[ego.path], ego.center_s, ego.speed,
                ego.acceleration, ego.speed_limit, ego.lead_gap, ego.lead_speed,
            )  # fmt: skip
        elif wanted >= 0.0:
            command = wanted * MAX_ACCELERATION
        else:
            command = wanted * MAX_DECELERATION
        angle = delayed(recent, w, ego.step, steering[w] * params.max_steering_angle)
        begin, end = actor_begin[w], actor_end[w]
        advance_traffic(actors, begin, end, points, path_begin, path_end, egos, w, params, dt)
        advance_vehicle(egos, w, angle, command, params, dt, substeps)
        ego.step += 1
        locate(
            egos, w, params, actors, actor_begin, actor_end, points, path_begin, path_end, tables, blocks,
            areas, cells,
        )  # fmt: skip


@kernel
def read_poses(egos, poses, frames) -> None:
    """Copy where the egos are, and their clocks, for the cameras."""
    for w in range(len(egos)):
        poses[w, 0] = egos[w].x
        poses[w, 1] = egos[w].y
        poses[w, 2] = egos[w].z
        poses[w, 3] = egos[w].yaw
        frames[w] = egos[w].step
