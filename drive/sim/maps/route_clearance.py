"""What would be in the way of the ego's path: traffic that crosses it, things that stand on it."""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.arrays import PATH_STEP
from drive.sim.maps.path import first_within
from drive.sim.maps.road_map import RoadMap
from drive.sim.maps.route import LaneChain, Route

KEPT_CLEAR = 1.1  # beside the ego's path nothing stands [m]
_APART = 2.2  # paths closer than this are in each other's way [m]
_MARGIN = 10  # samples of a path left out before and after that: a vehicle's middle stays behind
_SHORTEST = 40.0  # path of use to traffic [m]


def clear_of(ego: Route, road_map: RoadMap, chain: LaneChain) -> Route | None:
    """The longest stretch of a chain that neither crosses nor joins the ego's path; None if none is of use.

    Nobody gives way yet where paths cross, so traffic ends before that.
    """
    route = Route.from_lanes(road_map, chain.lanes, 0.0, chain.length)
    count = len(route.points)
    near = np.ones(count + 2, np.bool_)
    near[1:-1] = near_route(ego, route.points, np.full(count, _APART))
    edges = np.flatnonzero(near)
    longest = int(np.argmax(np.diff(edges)))
    first, last = int(edges[longest]), int(edges[longest + 1]) - 2
    if first == 0 and last == count - 1:
        return route
    first, last = first + _MARGIN * (first > 0), last - _MARGIN * (last < count - 1)
    if (last - first) * PATH_STEP < _SHORTEST:
        return None
    return Route.from_lanes(road_map, chain.lanes, first * PATH_STEP, last * PATH_STEP)


def near_route(ego: Route, places: np.ndarray, radius: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) which of n records with x and y lie within each its radius [m] of the ego's path."""
    near = np.zeros(len(places), np.bool_)
    _find_near(ego.points, places, radius, near)
    return near


@kernel
def _find_near(
    ego: NDArray[np.void], places: NDArray[np.void], radius: NDArray[np.float64], near: NDArray[np.bool_]
) -> None:
    for i in range(len(places)):
        x, y = places[i].x, places[i].y
        near[i] = first_within(ego, 0, len(ego), 0.0, (len(ego) - 1) * PATH_STEP, x, y, radius[i]) >= 0.0
