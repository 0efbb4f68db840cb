"""Lanes from a road's records: where its borders run, sampled so finely that chords are true to 0.15 mm."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.core.portable_math_arrays import sincos_array
from drive.sim.maps.opendrive_geometry import Array, ReferenceLine
from drive.sim.maps.opendrive_notes import Notes
from drive.sim.maps.opendrive_xml import HUGE, LaneRecord, RoadRecord, Section
from drive.sim.maps.road_map import DRIVABLE_TYPES

STEP = 1.0  # largest distance between samples along the reference line [m]
TOLERANCE = 1.5e-4  # between a drivable lane's centre and the chords of its samples [m]
LOOSE = 4.0  # the same for what is not drivable, in TOLERANCE
DRAWN_TOLERANCE = 2e-3  # for surfaces and paint, which keep fewer of the samples [m]
LEFT_LIMIT = 1e-7  # a section ends this far before its end: records of the next one must not apply [m]
HIGHEST = 1e4  # [m]
STEEPEST = 1.0  # superelevation [rad]
WIDEST = 500.0  # [m]
MAX_SPLIT = 64  # parts of a STEP at most


@dataclass(frozen=True, eq=False)
class SampledSection:
    """A lane section's borders at n places along the road; row 0 of `t` is the leftmost border."""

    s: Array  # (n,) along the road's reference line [m]
    drawn: NDArray[np.bool_]  # (n,) the samples that are enough for drawing
    xy: Array  # (n, 2) reference line [m]
    normal: Array  # (n, 2) unit, to the left of the reference line
    z: Array  # (n,) elevation of the reference line [m]
    slope: Array  # (n,) sine of the superelevation
    ids: tuple[int, ...]  # lanes from left to right, without 0
    t: Array  # (len(ids) + 1, n) borders, left of the reference line positive [m]

    def points(self, t: Array) -> Array:
        """(n, 3) points at offsets t (n,)."""
        plane = self.xy + t[:, None] * self.normal
        return np.column_stack([plane, self.z + t * self.slope])

    def borders(self, lane_id: int) -> tuple[Array, Array]:
        """(n,) offsets of a lane's left and right border, seen along the reference line."""
        row = self.ids.index(lane_id)
        return self.t[row], self.t[row + 1]

    def outer_border(self, lane_id: int) -> Array:
        """(n,) offsets of the border that a lane's marks are painted on; 0: the centre line."""
        if lane_id == 0:
            return self.t[sum(i > 0 for i in self.ids)]
        left, right = self.borders(lane_id)
        return left if lane_id > 0 else right


def _subdivide(breaks: Array, step: float) -> Array:
    """Breaks and evenly spaced values between them, at most `step` apart."""
    counts = np.maximum(np.ceil(np.diff(breaks) / step), 1.0).astype(np.intp)
    return _split(breaks, counts)


def _split(breaks: Array, counts: NDArray[np.intp]) -> Array:
    """Each interval of `breaks` in its number of equal parts."""
    interval = np.repeat(np.arange(len(counts)), counts)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    part = np.arange(int(counts.sum())) - first[interval]
    inner = breaks[interval] + (breaks[interval + 1] - breaks[interval]) * (part / counts[interval])
    return np.append(inner, breaks[-1])


def _offsets(road: RoadRecord, section: Section, s: Array, notes: Notes) -> tuple[tuple[int, ...], Array]:
    """Lane ids from left to right and (lanes + 1, n) their borders."""
    center = np.clip(road.lane_offset(s), -WIDEST, WIDEST)
    left: list[Array] = []
    right: list[Array] = []
    for side, rows in ((1, left), (-1, right)):
        inner = center
        lanes = sorted((lane for i, lane in section.lanes.items() if i * side > 0), key=lambda x: abs(x.id))
        for lane in lanes:
            inner = _outer_offset(road, lane, side, inner, center, s, section.s, notes)
            rows.append(inner)
    ids = sorted((i for i in section.lanes if i != 0), reverse=True)
    return tuple(ids), np.stack([*left[::-1], center, *right])


def _outer_offset(
    road: RoadRecord,
    lane: LaneRecord,
    side: int,
    inner: Array,
    center: Array,
    s: Array,
    start: float,
    notes: Notes,
) -> Array:
    where = f"road {road.id} lane {lane.id}"
    if lane.width or not lane.border:
        if not lane.width:
            notes.add("A lane has neither width nor border: taken as 0 m wide", where)
        width = lane.width.held_from(start)(s)
    else:
        border = lane.border.held_from(start)(s)
        width = side * (np.abs(border) * side + center - inner)
    if width.min() < -0.01:
        notes.add("A lane's width is negative: taken as 0", where)
    if width.max() > WIDEST:
        notes.add("A lane is wider than 500 m: taken as 500 m", where)
    width = np.clip(width, 0.0, WIDEST)
    return inner + side * width


def _section_ends(road: RoadRecord) -> Iterator[tuple[Section, float]]:
    starts = [min(section.s, road.length) for section in road.sections[1:]]
    yield from zip(road.sections, [*starts, road.length], strict=True)


def _breaks(road: RoadRecord, line: ReferenceLine, section: Section, end: float) -> Array:
    """Start, end (its left limit) and the places between where any record begins."""
    last = max(end - LEFT_LIMIT, section.s + 0.5 * (end - section.s))
    lanes = section.lanes.values()
    tables = [line.starts, road.lane_offset.starts, road.elevation.starts, road.superelevation.starts]
    tables += [lane.width.starts if lane.width else lane.border.starts for lane in lanes]
    low, high = section.s + 1e-4, last - 1e-4
    within = (x[np.searchsorted(x, low, "right") : np.searchsorted(x, high)] for x in tables)
    inner = np.array(sorted({v for part in within for v in part.tolist()}))
    return np.concatenate([[section.s], inner, [last]])


def _evaluate(
    road: RoadRecord, line: ReferenceLine, section: Section, s: Array, drawn: NDArray[np.bool_], notes: Notes
) -> SampledSection:
    x, y, yaw = line.evaluate(s)
    sine, cosine = sincos_array(yaw)
    normal = np.stack([-sine, cosine], axis=1)
    ids, t = _offsets(road, section, s, notes)
    tilt = np.clip(road.superelevation(s), -STEEPEST, STEEPEST)
    slope = sincos_array(tilt)[0] if road.superelevation else tilt
    z = np.clip(road.elevation(s), -HIGHEST, HIGHEST)
    return SampledSection(s, drawn, np.stack([x, y], axis=1), normal, z, slope, ids, t)


def sample_section(
    road: RoadRecord, line: ReferenceLine, section: Section, end: float, notes: Notes
) -> SampledSection:
    """Sample a section finely enough for all its lanes.

    A first pass at most STEP apart measures how far the middle of each interval is from its chord; that
    distance falls with the square of the number of parts.
    """
    where = f"road {road.id} s={section.s:g}"
    breaks = _breaks(road, line, section, end)
    # Sampled twice, at both ends and in the middle of each part.
    notes.spend("samples of lanes", 2.0 * len(section.lanes) * (end - section.s + len(breaks)), where)
    knots = _subdivide(breaks, STEP)
    probe = np.empty(2 * len(knots) - 1)
    probe[::2], probe[1::2] = knots, 0.5 * (knots[:-1] + knots[1:])
    coarse = _evaluate(road, line, section, probe, np.ones(len(probe), bool), Notes())
    middle = np.vstack([0.5 * (coarse.t[:-1] + coarse.t[1:]), coarse.t])  # lane centres, then borders
    plane = coarse.xy + middle[:, :, None] * coarse.normal
    heights = coarse.z + middle * coarse.slope
    points = np.concatenate([plane, heights[:, :, None]], axis=2)
    x, y, z = np.moveaxis(points[:, 1::2] - 0.5 * (points[:, :-1:2] + points[:, 2::2]), 2, 0)
    bend = np.sqrt(x * x + y * y + z * z)
    drivable = np.array([section.lanes[i].type in DRIVABLE_TYPES for i in coarse.ids], bool)
    weight = np.concatenate([np.where(drivable, 1.0, 1.0 / LOOSE), np.full(len(coarse.t), 1.0 / LOOSE)])
    reach = np.abs(plane).max()
    if not reach < HUGE:
        notes.refuse(f"has a road at {reach:g} m ({where})", "mend its geometry or widths")
    counts = np.ceil(np.sqrt((bend * weight[:, None]).max(axis=0) / TOLERANCE))
    counts = np.clip(counts, 1, MAX_SPLIT).astype(np.intp)
    notes.spend("samples of lanes", float(counts.sum()) * len(section.lanes), where)
    spread = np.sqrt(np.square(np.diff(coarse.xy, axis=0)).sum(axis=1)).sum()
    across = float(np.ptp(coarse.t, axis=0).max())
    notes.spend("square km of lanes and paint", spread * across / 1e6, where)
    stride = np.sqrt(DRAWN_TOLERANCE / np.maximum(bend.max(axis=0), 1e-12)) * counts
    stride = np.clip(stride.astype(np.intp), 1, counts)
    interval = np.repeat(np.arange(len(counts)), counts)
    part = np.arange(len(interval)) - np.concatenate([[0], np.cumsum(counts)[:-1]])[interval]
    drawn = np.append(part % stride[interval] == 0, True)
    return _evaluate(road, line, section, _split(knots, counts), drawn, notes)


def sample_road(road: RoadRecord, line: ReferenceLine, notes: Notes) -> list[SampledSection | None]:
    """All lane sections of a road in order; None where one has no length or no lanes."""
    result: list[SampledSection | None] = []
    for section, end in _section_ends(road):
        if end - section.s < 1e-6 or not any(section.lanes):
            notes.add("A lane section has no length or no lanes: bridged", f"road {road.id} s={section.s:g}")
            result.append(None)
        else:
            result.append(sample_section(road, line, section, end, notes))
    return result
