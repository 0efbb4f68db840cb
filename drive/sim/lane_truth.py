"""The true lane of an ego as a `LaneEstimate`: a privileged source, read from the map."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT
from drive.control.lane_curve import LaneCurve
from drive.control.lane_estimate import LaneEstimate, LaneLine, LineColor, LineType
from drive.core.kernels import kernel
from drive.core.portable_math import sincos, wrap_angle
from drive.sim.arrays import PATH_STEP
from drive.sim.maps.path import project, sample
from drive.sim.maps.road_map import Mark, RoadMap
from drive.sim.maps.route import Route, lane_starts
from drive.sim.world import World

BEHIND, AHEAD = 3.0, 40.0  # how much of the lane is given [m]
# What sampling and interpolating a path costs, in COVARIANCE_ORDER [m, rad, 1/m, 1/m^2, m].
DEVIATIONS = np.array([1e-3, 1e-4, 1e-4, 1e-4, 1e-3])


@kernel
def _stretch(
    points: NDArray[np.void],
    begin: int,
    end: int,
    start: float,
    middle: NDArray[np.float64],
    width: NDArray[np.float64],
) -> None:
    """Sample the middle (n, 3) and the width (n,) of a path's lane every PATH_STEP from s = `start` on."""
    for i in range(len(width)):
        x, y, _, yaw, _, _, left, right = sample(points, begin, end, start + i * PATH_STEP)
        sine, cosine = sincos(yaw)
        aside = 0.5 * (left - right)
        middle[i, 0], middle[i, 1], middle[i, 2] = x - aside * sine, y + aside * cosine, yaw
        width[i] = left + right


@lru_cache(maxsize=8)
def _starts(road_map: RoadMap, route: Route) -> NDArray[np.float64]:
    return lane_starts(road_map, route.lanes)


def _line(marks: tuple[Mark, ...], s: float, reach: float) -> LaneLine:
    """The line that is painted at s [m] along a lane."""
    for mark in marks:
        if mark.s_start <= s < mark.s_end:
            kind = LineType(mark.type)
            return LaneLine(0.0 if kind is LineType.NONE else 1.0, reach, kind, LineColor(mark.color))
    return LaneLine(0.0, reach, LineType.NONE)


def true_lane(world: World, w: int) -> LaneEstimate:
    """The lane of ego w along its reference path.

    Args:
        world: a batch of drives.
        w: which of them.
    """
    ego: Any = world.egos[w]
    path = int(ego["path"])
    points, begin, end = world.paths.data, int(world.paths.begin[path]), int(world.paths.end[path])
    x, y, yaw = float(ego["x"]), float(ego["y"]), float(ego["yaw"])
    s, d = project(points, begin, end, x, y, float(ego["path_s"]))
    _, _, _, path_yaw, curvature, _, left, right = sample(points, begin, end, s)
    before, after = (sample(points, begin, end, s + step)[4] for step in (-1.0, 1.0))
    count = int((BEHIND + AHEAD) / PATH_STEP) + 1
    middle, width = np.empty((count, 3)), np.empty(count)
    _stretch(points, begin, end, s - BEHIND, middle, width)

    reach = float(min(AHEAD, max((end - begin - 1) * PATH_STEP - s, 0.0)))
    scenario = world.scenarios[w]
    lines = (LaneLine(0.0, reach), LaneLine(0.0, reach))
    if scenario is not None and scenario.route.lanes:
        route, lanes = scenario.route, scenario.road_map.lanes
        starts = _starts(scenario.road_map, route)
        i = max(int(np.searchsorted(starts, s, side="right")) - 1, 0)
        lane, at = lanes[route.lanes[i]], s - float(starts[i])
        lines = _line(lane.left_marks, at, reach), _line(lane.right_marks, at, reach)
    return LaneEstimate(
        time=float(ego["step"]) * DT,
        lateral_offset=d - 0.5 * (left - right),
        heading_error=float(wrap_angle(yaw - path_yaw)),
        curvature=curvature,
        curvature_rate=0.5 * (after - before),
        width=left + right,
        covariance=np.diag(DEVIATIONS**2),
        left=lines[0],
        right=lines[1],
        curve=LaneCurve(middle, width, PATH_STEP, BEHIND, np.array([x, y, yaw])),
    )
