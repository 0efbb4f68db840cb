"""Road marks of lane sections: on each lane for its stretch, and as strokes drawn once."""

from collections.abc import Iterator

import numpy as np

from drive.core.portable_math_arrays import hypot_array
from drive.sim.maps.opendrive_geometry import Array
from drive.sim.maps.opendrive_lanes import SampledSection
from drive.sim.maps.opendrive_xml import LaneRecord, LineRecord, MarkRecord, Section
from drive.sim.maps.road_map import Mark, Stroke
from drive.sim.maps.surface import mark_strokes, offset_line

NO_MARK = MarkRecord(0.0, "none", "white", 0.12)
SHORTEST_DASH = 0.05  # or gap; below that a line is unbroken [m]
DASH, GAP = 3.0, 6.0  # of a broken line that the file does not describe [m]


def mark_ranges(
    lane: LaneRecord | None, start: float, end: float
) -> Iterator[tuple[float, float, MarkRecord]]:
    """(from, to, mark) along the road [m], without holes between start and end."""
    records = lane.marks if lane is not None else ()
    if not records or records[0].s_offset > 1e-6:
        records = (NO_MARK, *records)
    stops = [start + record.s_offset for record in records[1:]] + [end]
    at = start
    for record, stop in zip(records, stops, strict=True):
        stop = min(max(stop, at), end)
        if stop - at > 1e-6:
            yield at, stop, record
        at = stop


def swap_sides(mark_type: str) -> str:
    """A compound mark seen from the other end: "solid broken" and "broken solid" change places."""
    return " ".join(reversed(mark_type.split(" "))) if " " in mark_type else mark_type


def inner_lane(section: Section, lane_id: int) -> int:
    """The lane whose outer border is this lane's inner border; 0 where that is the centre line."""
    return lane_id - 1 if lane_id > 0 else lane_id + 1


def _left_first(record: MarkRecord, owner: int) -> str:
    """The type with its left line first, seen along the reference line.

    Files name the inner line first, on the centre line the left one.
    """
    return swap_sides(record.type) if owner > 0 else record.type


def lane_marks(
    section: Section, sampled: SampledSection, owner: int, forward: bool, arc: Array
) -> tuple[Mark, ...]:
    """The marks that lane `owner` paints on its outer border, along a lane beside that border.

    Args:
        section: the lane section.
        sampled: its samples.
        owner: id of the lane that has the marks; 0 for the centre line.
        forward: whether the lane beside it is driven along the reference line.
        arc: (n,) that lane's arc length at each sample, ascending along the reference line [m].
    """
    start, end = float(sampled.s[0]), float(sampled.s[-1])
    marks = []
    for first, last, record in mark_ranges(section.lanes.get(owner), start, end):
        a, b = np.interp([first, last], sampled.s, arc)
        kind = _left_first(record, owner)
        if forward:
            marks.append(Mark(float(a), float(b), kind, record.color, record.width))
        else:
            length = float(arc[-1])
            kind = swap_sides(kind)
            marks.append(Mark(length - float(b), length - float(a), kind, record.color, record.width))
    return tuple(marks if forward else marks[::-1])


def _cut(sampled: SampledSection, border: Array, first: float, last: float) -> Array:
    """(n, 2) the drawn samples of a border between two places along the road, ends included."""
    begin = max(int(np.searchsorted(sampled.s, first)) - 1, 0)
    part = slice(begin, int(np.searchsorted(sampled.s, last, "right")) + 1)
    s = sampled.s[part]
    inside = sampled.drawn[part] & (s > first + 1e-6) & (s < last - 1e-6)
    points = sampled.xy[part] + border[part, None] * sampled.normal[part]
    ends = [[np.interp(at, s, points[:, axis]) for axis in (0, 1)] for at in (first, last)]
    return np.vstack([ends[0], points[inside], ends[1]])


def _line_strokes(points: Array, record: MarkRecord, line: LineRecord) -> list[Stroke]:
    width = line.width or record.width
    moved = offset_line(points, line.t_offset)
    if len(moved) < 2:
        return []
    if line.repeated:
        kind = "broken" if min(line.length, line.space) > SHORTEST_DASH else "solid"
        return [Stroke(moved, kind, record.color, width, line.length or DASH, line.space or GAP)]
    s = np.concatenate([[0.0], np.cumsum(hypot_array(*np.diff(moved, axis=0).T))])
    ends = np.clip([line.s_offset, line.s_offset + line.length], 0.0, s[-1])
    if ends[1] - ends[0] < 1e-3:
        return []
    inside = moved[(s > ends[0]) & (s < ends[1])]
    first, last = (np.array([np.interp(at, s, moved[:, 0]), np.interp(at, s, moved[:, 1])]) for at in ends)
    return [Stroke(np.vstack([first, inside, last]), "solid", record.color, width)]


def _described(record: MarkRecord) -> bool:
    """Whether the file's own lines say more than the mark's type does."""
    return any(
        (line.length > 0.0 and line.space > 0.0) or line.t_offset or not line.repeated
        for line in record.lines
    )


def section_strokes(section: Section, sampled: SampledSection) -> list[Stroke]:
    """The paint and kerbs of a lane section, each mark once, along the reference line."""
    start, end = float(sampled.s[0]), float(sampled.s[-1])
    strokes: list[Stroke] = []
    for owner in (0, *sampled.ids):
        lane = section.lanes.get(owner)
        if lane is None or not lane.marks:
            continue
        border = sampled.outer_border(owner)
        for first, last, record in mark_ranges(lane, start, end):
            if record.type == "none":
                continue
            points = _cut(sampled, border, first, last)
            if _described(record) and record.type not in ("curb", "grass", "botts dots"):
                for line in record.lines:
                    strokes.extend(_line_strokes(points, record, line))
            else:
                kind = _left_first(record, owner)
                strokes.extend(mark_strokes(points, kind, record.color, record.width, dash=DASH, gap=GAP))
    return strokes
