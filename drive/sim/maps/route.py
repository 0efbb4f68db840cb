"""Routes: one reference path per drive, sampled evenly, fixed at its start."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.control.speed import MAX_LATERAL_ACCELERATION
from drive.core.errors import UserError
from drive.core.kernels import kernel
from drive.core.portable_math import atan2, wrap_angle
from drive.sim.arrays import PATH, PATH_STEP
from drive.sim.maps.road_map import MIN_DRIVING_WIDTH, Lane, RoadMap

STRAIGHT_ON = np.deg2rad(30.0)  # a branch that turns less goes straight on [rad]
_TURN = np.deg2rad(25.0)  # from this change of heading on, the command is left or right [rad]
_COMMAND_AHEAD = 30.0  # how far before a junction the command is given [m]
_JOINT = 0.1  # points of consecutive lanes closer than this are one [m]
_MOST_WAYS = 400  # into and through a junction that are compared
_MOST_LINKS = 100_000  # of all chains
_CURVATURE_RATE = 0.1  # with which a junction's path may bend: a comfortable turn of the wheel [1/(m s)]
_UNMARKED_SPEED = 13.0  # through a junction without lines: stops within 40 m, as far as a lane is seen [m/s]
_HALF_WINDOW = 3  # samples to each side over which curvature is a mean
FOLLOW, LEFT, RIGHT, STRAIGHT = range(4)  # commands


@dataclass(frozen=True, eq=False)
class Route:
    """A drive's reference path along lane centres.

    `points` is a record array of `drive.sim.arrays.PATH`, one sample every PATH_STEP metres.
    """

    points: np.ndarray
    lanes: tuple[int, ...] = ()  # indices of the lanes it follows

    @property
    def length(self) -> float:
        """Arc length [m]."""
        return (len(self.points) - 1) * PATH_STEP

    @staticmethod
    def from_lanes(road_map: RoadMap, lanes: Sequence[int], s_start: float, s_end: float) -> "Route":
        """Sample the centres of consecutive lanes.

        Args:
            road_map: the map of the lanes.
            lanes: indices into `road_map.lanes`, each a successor of the one before.
            s_start: along the joined centres [m].
            s_end: [m]; the last sample stands less than PATH_STEP before it.

        Returns:
            The route, whose s counts from s_start. Positions follow a cubic through the lanes' points;
            curvature is the lanes' own where it is known, else the change of heading over 3.5 m.

        Raises:
            ValueError: no lanes, or a stretch that is not on them or shorter than two steps.
        """
        nodes = _join([road_map.lanes[i] for i in lanes])
        s_end = min(s_end, nodes.s[-1]) if s_end <= nodes.s[-1] + 0.5 * PATH_STEP else s_end
        if not 0.0 <= s_start <= s_end - 2.0 * PATH_STEP or s_end > nodes.s[-1]:
            raise ValueError(
                f"A route from {s_start} m to {s_end} m does not lie on lanes of {nodes.s[-1]:.1f} m; "
                "take at least two steps between 0 and that length."
            )
        count = int((s_end - s_start) / PATH_STEP + 1e-9) + 1
        # Samples beyond both ends, where there are lanes, let curvature be a mean at the ends as well.
        before = min(_HALF_WINDOW + 1, int(s_start / PATH_STEP))
        after = min(_HALF_WINDOW + 1, int((nodes.s[-1] - s_start) / PATH_STEP + 1e-9) + 1 - count)
        steps = np.arange(-before, count + after, dtype=np.float64)
        at: NDArray[np.float64] = np.clip(s_start + PATH_STEP * steps, 0.0, nodes.s[-1])

        xyz = np.empty((len(at), 3))
        _cubic(nodes.s, nodes.xyz, at, xyz)
        yaw, curvature = np.empty(len(at)), np.empty(len(at))
        _bearing(xyz, yaw, curvature)
        if nodes.curvature is not None:
            curvature = np.interp(at, nodes.s, nodes.curvature)
        ours = slice(before, before + count)
        points = np.zeros(count, PATH)
        for axis, name in enumerate("xyz"):
            points[name] = xyz[ours, axis]
        points["yaw"] = yaw[ours] - 2.0 * np.pi * np.floor((yaw[before] + np.pi) / (2.0 * np.pi))
        points["curvature"] = curvature[ours]
        points["left"] = points["right"] = 0.5 * np.interp(at[ours], nodes.s, nodes.width)
        piece = np.searchsorted(nodes.starts, at[ours] + 1e-9, side="right") - 1
        points["speed_limit"] = np.array([road_map.lanes[i].speed_limit for i in lanes])[piece]
        points["caution"] = _caution(road_map, lanes, piece, points["curvature"])
        points["command"] = _commands(road_map, lanes, nodes.starts, nodes.s[-1], at[ours])
        return Route(points, tuple(lanes))


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The points of consecutive lanes as one line."""

    s: NDArray[np.float64]  # (n,) [m]
    xyz: NDArray[np.float64]  # (n, 3) [m]
    width: NDArray[np.float64]  # (n,) [m]
    curvature: NDArray[np.float64] | None  # (n,) [1/m], if all lanes know theirs
    starts: NDArray[np.float64]  # (lanes,) s of each lane's first point [m]


def _join(lanes: Sequence[Lane]) -> _Nodes:
    """Join lanes; where the next one starts off the end of the last, their distance counts as way."""
    if not lanes:
        raise ValueError("A route needs at least one lane, got none.")
    s, xyz, width, curvature = [lanes[0].s], [lanes[0].center], [lanes[0].width], [lanes[0].curvature]
    starts = [0.0]
    for last, lane in itertools.pairwise(lanes):
        dx, dy = (lane.center[0, :2] - last.center[-1, :2]).tolist()
        gap = math.sqrt(dx * dx + dy * dy)
        starts.append(starts[-1] + last.length + (gap if gap > _JOINT else 0.0))
        # Points that nearly repeat the last one would turn the cubic; a tiny lane may lose all of its own.
        keep = starts[-1] + lane.s > float(s[-1][-1]) + _JOINT
        if keep.any():
            s.append(starts[-1] + lane.s[keep])
            xyz.append(lane.center[keep])
            width.append(lane.width[keep])
        curvature.append(None if lane.curvature is None else lane.curvature[keep])
    known = [c for c in curvature if c is not None]
    return _Nodes(
        np.concatenate(s),
        np.concatenate(xyz),
        np.concatenate(width),
        np.concatenate(known) if len(known) == len(lanes) else None,
        np.array(starts),
    )


def lane_starts(road_map: RoadMap, lanes: Sequence[int]) -> NDArray[np.float64]:
    """(n,) where each of consecutive lanes begins along their joined centres [m]."""
    return _join([road_map.lanes[i] for i in lanes]).starts


@kernel
def _cubic(
    s: NDArray[np.float64], nodes: NDArray[np.float64], at: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Hermite cubics through nodes at s, slopes from the parabola through each node and its neighbours."""
    n = len(s)
    j = 0
    for i in range(len(at)):
        while j < n - 2 and s[j + 1] <= at[i]:
            j += 1
        h = s[j + 1] - s[j]
        u = (at[i] - s[j]) / h
        for axis in range(nodes.shape[1]):
            slope = (nodes[j + 1, axis] - nodes[j, axis]) / h
            before = slope
            after = slope
            if j > 0:
                h0 = s[j] - s[j - 1]
                back = (nodes[j, axis] - nodes[j - 1, axis]) / h0
                before = (h * back + h0 * slope) / (h + h0)
            if j < n - 2:
                h1 = s[j + 2] - s[j + 1]
                ahead = (nodes[j + 2, axis] - nodes[j + 1, axis]) / h1
                after = (h1 * slope + h * ahead) / (h + h1)
            if j == 0:
                before = 2.0 * slope - after
            if j == n - 2:
                after = 2.0 * slope - before
            c2 = 3.0 * slope - 2.0 * before - after
            c3 = before + after - 2.0 * slope
            out[i, axis] = nodes[j, axis] + h * u * (before + u * (c2 + u * c3))


@kernel
def _bearing(xyz: NDArray[np.float64], yaw: NDArray[np.float64], curvature: NDArray[np.float64]) -> None:
    """Continuous yaw and mean curvature from evenly spaced points; both exact on arcs."""
    n = len(xyz)
    chord = np.empty(n - 1)
    for i in range(n - 1):
        chord[i] = atan2(xyz[i + 1, 1] - xyz[i, 1], xyz[i + 1, 0] - xyz[i, 0])
        if i > 0:
            chord[i] = chord[i - 1] + wrap_angle(chord[i] - chord[i - 1])
    for i in range(n):
        first = max(0, i - 1 - _HALF_WINDOW)
        last = min(n - 2, i + _HALF_WINDOW)
        curvature[i] = (chord[last] - chord[first]) / ((last - first) * PATH_STEP) if last > first else 0.0
    for i in range(1, n - 1):
        yaw[i] = 0.5 * (chord[i - 1] + chord[i])
    yaw[0] = chord[0] - 0.5 * PATH_STEP * curvature[0]
    yaw[n - 1] = chord[n - 2] + 0.5 * PATH_STEP * curvature[n - 1]


def _turning(lane: Lane) -> float:
    """Change of heading from the start to the end of a lane, left positive [rad]."""
    (x0, y0), (x1, y1) = lane.center[1, :2] - lane.center[0, :2], lane.center[-1, :2] - lane.center[-2, :2]
    return float(atan2(x0 * y1 - y0 * x1, x0 * x1 + y0 * y1))


def _caution(
    road_map: RoadMap, lanes: Sequence[int], piece: NDArray[np.int64], curvature: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The curvature that stands for how slowly a junction is to be passed, 0 elsewhere [1/m].

    At speed v the path's curvature changes by |d curvature / ds| v a second, at most _CURVATURE_RATE; where
    most of both borders has no paint, v is at most _UNMARKED_SPEED.
    """
    inside = np.array([road_map.lanes[i].junction is not None for i in lanes])[piece]
    unmarked = np.array([road_map.lanes[i].painted < 0.5 for i in lanes])[piece]
    bends = np.abs(np.gradient(curvature, PATH_STEP)) / _CURVATURE_RATE
    bends = np.maximum(bends, np.where(unmarked, 1.0 / _UNMARKED_SPEED, 0.0))
    return np.where(inside, MAX_LATERAL_ACCELERATION * bends * bends, 0.0)


def _commands(
    road_map: RoadMap, lanes: Sequence[int], starts: NDArray[np.float64], end: float, at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the navigation says at each s: the turn from some way before a junction to its end."""
    commands = np.full(len(at), float(FOLLOW))
    ends = [*starts[1:].tolist(), end]
    i = 0
    while i < len(lanes):
        junction = road_map.lanes[lanes[i]].junction
        j = i + 1
        while j < len(lanes) and junction is not None and road_map.lanes[lanes[j]].junction == junction:
            j += 1
        if junction is not None:
            turned = sum(_turning(road_map.lanes[k]) for k in lanes[i:j])
            command = LEFT if turned > _TURN else RIGHT if turned < -_TURN else STRAIGHT
            # The next junction's command never overwrites the one of a junction that is still ahead.
            free = commands == FOLLOW
            commands[free & (at >= starts[i] - _COMMAND_AHEAD) & (at < ends[j - 1])] = command
        i = j
    return commands


@dataclass(frozen=True)
class LaneChain:
    """Lanes that follow one another without a decision."""

    lanes: tuple[int, ...]
    length: float  # along their joined centres [m]
    through_junction: bool


def lane_chains(
    road_map: RoadMap, min_length: float = 80.0, *, through_junctions: bool = True
) -> list[LaneChain]:
    """All longest chains of driving lanes that one can follow by staying in lane.

    A chain ends before a junction without a branch that turns less than 30 degrees; otherwise it follows
    the straightest branch, or ends, too, if not `through_junctions`. It holds lanes of the type driving
    of at least MIN_DRIVING_WIDTH and never starts in a junction. In order of their first lanes.
    """
    following: dict[int, tuple[int, ...]] = {}
    for lane in road_map.lanes:
        if lane.junction is None and _carries(lane):
            onward = _onward(road_map, lane)
            if through_junctions or len(onward) == 1:
                following[lane.index] = onward
            else:
                following[lane.index] = ()
    led_to = {onward[-1] for onward in following.values() if onward}
    starts = [i for i in sorted(following) if i not in led_to]
    seen: set[int] = set()
    chains, links = [], 0
    # Rings have no start; whatever no chain reached starts one at its lowest index.
    for start in [*starts, *sorted(following)]:
        if start in seen:
            continue
        lanes, inside = [start], {start}
        while onward := following[lanes[-1]]:
            if onward[-1] in inside or onward[-1] not in following:
                break
            links += len(onward)
            if links > _MOST_LINKS:
                raise UserError(
                    f"{road_map.name or 'the map'}: its lanes run into each other too often to be followed; "
                    "cut the map into parts."
                )
            lanes += onward
            inside.add(onward[-1])
        seen.update(lanes)
        length = float(_join([road_map.lanes[i] for i in lanes]).s[-1])
        if length >= min_length:
            passes = any(road_map.lanes[i].junction is not None for i in lanes)
            chains.append(LaneChain(tuple(lanes), length, passes))
    return chains


def _carries(lane: Lane) -> bool:
    return lane.type == "driving" and float(lane.width.min()) >= MIN_DRIVING_WIDTH


def _onward(road_map: RoadMap, lane: Lane) -> tuple[int, ...]:
    """The lanes to the next lane outside junctions that goes straightest on; () if none does."""
    best: tuple[int, ...] = ()
    least = float(STRAIGHT_ON)
    stack: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    looked = 0
    while stack and looked < _MOST_WAYS:
        looked += 1
        path, turned = stack.pop()
        at = road_map.lanes[path[-1]] if path else lane
        if path and at.junction is None:
            if abs(turned) < least or (abs(turned) == least and path < best):
                best, least = path, abs(turned)
            continue
        for i in at.successors:
            ahead = road_map.lanes[i]
            if i not in path and i != lane.index and _carries(ahead) and len(path) < 8:
                inside = ahead.junction is not None
                stack.append(((*path, i), turned + (_turning(ahead) if inside else 0.0)))
    return best
