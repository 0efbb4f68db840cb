"""Rewards, ends and observations of the lane task, as kernels over the batch's ego records."""

import numpy as np

from drive.agent import DT, MAX_SPEED, MAX_YAW_RATE, MIN_GAP, NO_LEAD_GAP
from drive.core.kernels import kernel
from drive.episode import End
from drive.sim.arrays import PATH_STEP

OFF_ROAD_DISTANCE = 0.3  # a footprint corner further outside than this ends the drive [m]
FAILURE_COST = 10.0
ENDS = (End.COLLISION, End.OFF_ROAD, End.LANE_DEPARTURE, End.GOAL, End.TIMEOUT)
COLLISION, OFF_ROAD, LANE_DEPARTURE, GOAL, TIMEOUT = range(5)  # places in ENDS


@kernel
def tolerance(x: float, low: float, high: float, margin: float) -> float:
    """1 where x is in [low, high], falling linearly to 0 at `margin` outside."""
    outside = max(low - x, x - high, 0.0)
    return max(1.0 - outside / margin, 0.0)


@kernel
def accept(actions, live, steering, acceleration) -> bool:
    """Clip the live worlds' actions into the arrays that the world reads; False if one is not finite."""
    for w in range(len(actions)):
        if not live[w]:
            continue
        for k in range(actions.shape[1]):
            value = float(actions[w, k])
            if not np.isfinite(value):
                return False
            value = min(max(value, -1.0), 1.0)
            if k == 0:
                steering[w] = value
            else:
                acceleration[w] = value
    return True


@kernel
def score(egos, goals, limits, last, rewards, terms, ends) -> None:
    """Rewards, their terms and the reasons to end; `last` keeps (steering angle, acceleration)."""
    for w in range(len(egos)):
        ego = egos[w]
        offset = ego.lateral_offset
        ends[w, COLLISION] = ego.collision_actor >= 0
        ends[w, OFF_ROAD] = ego.off_road > OFF_ROAD_DISTANCE
        ends[w, LANE_DEPARTURE] = offset > ego.left_border or offset < -ego.right_border
        ends[w, GOAL] = ego.center_s >= goals[w]
        ends[w, TIMEOUT] = ego.step * DT >= limits[w]
        rate = abs(ego.steering_angle - last[w, 0]) / DT
        jerk = abs(ego.acceleration - last[w, 1]) / DT
        last[w, 0] = ego.steering_angle
        last[w, 1] = ego.acceleration
        terms[w, 0] = min(max(ego.speed / max(ego.speed_limit, 1.0), 0.0), 1.0)
        terms[w, 1] = tolerance(offset, -0.1, 0.1, 1.0)
        terms[w, 2] = tolerance(jerk, 0.0, 4.0, 20.0) * tolerance(rate, 0.0, 0.3, 1.0)
        rewards[w] = DT * terms[w, 0] * terms[w, 1] * (0.5 + 0.5 * terms[w, 2])
        if ends[w, COLLISION] or ends[w, OFF_ROAD] or ends[w, LANE_DEPARTURE]:
            rewards[w] -= FAILURE_COST


@kernel
def tell(egos, starts, goals, numbers, flags) -> None:
    """The truth: (4, B) offset, heading error, speed, share of the route; (2, B) off the road, collided."""
    for w in range(len(egos)):
        ego = egos[w]
        numbers[0, w] = ego.lateral_offset
        numbers[1, w] = ego.heading_error
        numbers[2, w] = ego.speed
        done = (ego.progress - starts[w]) / (goals[w] - starts[w])
        numbers[3, w] = min(max(done, 0.0), 1.0)
        flags[0, w] = ego.off_road > OFF_ROAD_DISTANCE
        flags[1, w] = ego.collision_actor >= 0


@kernel
def observe(egos, points, path_begin, path_end, speed, yaw_rate, speed_limit, command, lead) -> None:
    for w in range(len(egos)):
        ego = egos[w]
        at = path_begin[ego.path] + max(int(ego.center_s / PATH_STEP), 0)
        command[w] = int(points[min(at, path_end[ego.path] - 1)].command)
        speed[w, 0] = min(ego.speed, MAX_SPEED)
        yaw_rate[w, 0] = min(max(ego.yaw_rate, -MAX_YAW_RATE), MAX_YAW_RATE)
        speed_limit[w, 0] = min(ego.speed_limit, MAX_SPEED)
        lead[w, 0] = min(max(ego.lead_gap, MIN_GAP), NO_LEAD_GAP)
        lead[w, 1] = min(max(ego.lead_speed, -MAX_SPEED), MAX_SPEED)
