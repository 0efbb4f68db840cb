"""Lanes of a whole map: numbered, driven in their direction, linked, with their speed limits."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from drive.core.portable_math_arrays import hypot_array
from drive.sim.maps.opendrive_geometry import Array
from drive.sim.maps.opendrive_lanes import SampledSection
from drive.sim.maps.opendrive_links import LaneGraph, LaneKey
from drive.sim.maps.opendrive_marks import inner_lane, lane_marks
from drive.sim.maps.opendrive_notes import Notes
from drive.sim.maps.opendrive_xml import RoadRecord
from drive.sim.maps.road_map import Lane

CLEARANCE = 3.5  # between a road and the bridge above it [m]
MIN_LANE_LENGTH = 1e-3  # shorter lanes are bridged [m]
DEFAULT_SPEEDS = {  # where neither road nor lane says more, by road type [m/s]
    "motorway": 120.0 / 3.6,
    "rural": 80.0 / 3.6,
    "lowSpeed": 30.0 / 3.6,
    "pedestrian": 10.0 / 3.6,
    "bicycle": 20.0 / 3.6,
}
DEFAULT_SPEED = 50.0 / 3.6  # [m/s]


def build_lanes(
    roads: Mapping[str, RoadRecord], sampled: Mapping[str, list[SampledSection | None]]
) -> tuple[list[Lane], float]:
    """Lanes without links, and the range of their heights [m]."""
    lanes: list[Lane] = []
    low, high = math.inf, -math.inf
    for road in roads.values():
        for index, sample in enumerate(sampled[road.id]):
            if sample is None:
                continue
            low, high = min(low, float(sample.z.min())), max(high, float(sample.z.max()))
            made = {i: _lane(road, index, sample, i) for i in sample.ids}
            numbers: dict[int, int] = {}
            for i, lane in made.items():
                if lane is not None:
                    numbers[i] = len(lanes) + len(numbers)
            for position, i in enumerate(sample.ids):
                lane = made[i]
                if lane is None:
                    continue
                sides = [
                    numbers.get(sample.ids[k]) if 0 <= k < len(sample.ids) else None
                    for k in (position - 1, position + 1)
                ]
                left, right = sides if lane.forward else sides[::-1]
                lanes.append(replace(lane, index=numbers[i], left_neighbour=left, right_neighbour=right))
    return lanes, max(high - low, 0.0)


def _arc(points: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(hypot_array(*np.diff(points[:, :2], axis=0).T))])


def _lane(road: RoadRecord, index: int, sample: SampledSection, lane_id: int) -> Lane | None:
    """One lane without links, or None where it is too short to be one."""
    section = road.sections[index]
    record = section.lanes[lane_id]
    left, right = sample.borders(lane_id)
    points = sample.points(0.5 * (left + right))
    arc = _arc(points)
    if arc[-1] < MIN_LANE_LENGTH:
        return None
    forward = (lane_id < 0) != (road.left_hand != record.reversed)
    outer = lane_marks(section, sample, lane_id, forward, arc)
    inner = lane_marks(section, sample, inner_lane(section, lane_id), forward, arc)
    on_left, on_right = (outer, inner) if (lane_id > 0) == forward else (inner, outer)
    width = left - right
    kept = np.append(np.diff(arc) > 1e-7, True)
    kept[0] = True
    if arc[-1] - arc[kept][-2] <= 1e-7:
        kept[np.flatnonzero(kept)[-2]] = False
        kept[0] = True
    points, arc, width = points[kept], arc[kept], width[kept]
    if not forward:
        points, arc, width = points[::-1], arc[-1] - arc[::-1], width[::-1]
    return Lane(
        index=-1,
        road_id=road.id,
        section=index,
        lane_id=lane_id,
        type=record.type,
        center=np.ascontiguousarray(points),
        s=np.ascontiguousarray(arc),
        width=np.ascontiguousarray(width),
        speed_limit=_stated_speed(road, index, lane_id, float(sample.s[len(sample.s) // 2])),
        junction=road.junction,
        left_marks=on_left,
        right_marks=on_right,
        forward=forward,
    )


def _stated_speed(road: RoadRecord, index: int, lane_id: int, s: float) -> float:
    """The limit at s that the file states for a lane or its road; NaN where it states none [m/s]."""
    limit = math.nan
    for start, _, speed in road.types:
        if speed is not None and (start <= s + 1e-6 or math.isnan(limit)):
            limit = speed
    section = road.sections[index]
    for offset, speed in section.lanes[lane_id].speeds:
        if section.s + offset <= s + 1e-6:
            limit = speed
    return limit


def link_lanes(lanes: list[Lane], graph: LaneGraph, notes: Notes) -> list[Lane]:
    keys: dict[LaneKey, int] = {(lane.road_id, lane.section, lane.lane_id): lane.index for lane in lanes}
    successors = graph.successors({key: lanes[index].forward for key, index in keys.items()}, notes)
    after = [sorted(keys[key] for key in successors[key]) for key in keys]
    before: list[list[int]] = [[] for _ in lanes]
    for index, following in enumerate(after):
        for other in following:
            before[other].append(index)
    return [
        replace(lane, successors=tuple(after[lane.index]), predecessors=tuple(before[lane.index]))
        for lane in lanes
    ]


def with_speeds(lanes: list[Lane], roads: Mapping[str, RoadRecord], notes: Notes) -> list[Lane]:
    """Lanes without a stated limit take it from the lane before them, then from the one after."""
    limits = [lane.speed_limit for lane in lanes]
    for _ in range(8):
        missing = [i for i, limit in enumerate(limits) if math.isnan(limit)]
        found = {}
        for i in missing:
            for other in (*lanes[i].predecessors, *lanes[i].successors):
                if not math.isnan(limits[other]):
                    found[i] = limits[other]
                    break
        if not found:
            break
        for i, limit in found.items():
            limits[i] = limit
    for i, limit in enumerate(limits):
        if math.isnan(limit):
            types = roads[lanes[i].road_id].types
            limits[i] = DEFAULT_SPEEDS.get(types[0][1], DEFAULT_SPEED) if types else DEFAULT_SPEED
            if lanes[i].drivable:
                notes.add(
                    f"A lane has no speed limit: {limits[i] * 3.6:.0f} km/h taken", f"road {lanes[i].road_id}"
                )
    return [replace(lane, speed_limit=limit) for lane, limit in zip(lanes, limits, strict=True)]


def bridges(lanes: list[Lane]) -> int:
    """How many pairs of places lie above each other: cells of 2 m with driving lanes CLEARANCE apart in z."""
    points = np.concatenate([lane.center for lane in lanes if lane.drivable])
    _, cell = np.unique(np.round(points[:, :2] / 2.0), axis=0, return_inverse=True)
    cell = cell.ravel()
    low, high = np.full(cell.max() + 1, np.inf), np.full(cell.max() + 1, -np.inf)
    np.minimum.at(low, cell, points[:, 2])
    np.maximum.at(high, cell, points[:, 2])
    return int(np.count_nonzero(high - low > CLEARANCE))
