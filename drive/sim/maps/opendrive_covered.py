"""Where roads lie over each other in the plan: paint that another road's driving lanes cover is not drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drive.core.portable_math_arrays import hypot_array
from drive.sim.maps.opendrive_geometry import Array
from drive.sim.maps.opendrive_lanes import SampledSection
from drive.sim.maps.opendrive_marks import section_strokes
from drive.sim.maps.opendrive_xml import RoadRecord, Section
from drive.sim.maps.road_map import DRIVABLE_TYPES, Lane, Stroke

INSET = 0.4  # what lies less than that inside a border is on it: roads that meet share their lines [m]
STEP = 0.5  # at which strokes are looked at [m]
SHORTEST = (
    1.0  # what stays of a stroke, and what is taken out: the tips of roads that meet overlap a little [m]
)
ABOVE = 2.0  # paint that much higher than lanes is on a bridge over them [m]
_CELL = 0.2  # of the masks [m]
_PIECE = 60  # samples of a strip in one mask, whose values are 8 bits
_ROW = 2**32  # between the numbers of cells in consecutive columns

Sampled = Mapping[str, list[SampledSection | None]]


def _strips(section: Section, sample: SampledSection) -> Iterator[tuple[Array, Array]]:
    """Of each group of driving lanes side by side: (2, n, 2) borders, drawn in by INSET; (n,) heights."""
    rows = [i for i, lane in enumerate(sample.ids) if section.lanes[lane].type in DRIVABLE_TYPES]
    for first in (i for i in rows if i - 1 not in rows):
        last = first
        while last + 1 in rows:
            last += 1
        borders = np.stack([sample.t[first] - INSET, sample.t[last + 1] + INSET])[:, sample.drawn]
        xy, normal = sample.xy[sample.drawn], sample.normal[sample.drawn]
        borders[1] = np.minimum(borders[0], borders[1])
        yield xy + borders[:, :, None] * normal, sample.z[sample.drawn]


def _sampled(stroke: Stroke) -> tuple[Array, Array]:
    """(s, points): a stroke at least every STEP, its own points among them."""
    s = np.concatenate([[0.0], np.cumsum(hypot_array(*np.diff(stroke.points, axis=0).T))])
    at = np.unique(np.concatenate([s, np.arange(0.0, s[-1], STEP)]))
    return at, np.stack([np.interp(at, s, stroke.points[:, axis]) for axis in (0, 1)], axis=1)


def _heights(s: Array, line: Array, sample: SampledSection) -> Array:
    """(n,) of a stroke along a section's reference line, as if both advanced at one rate [m]."""
    nearest = [int(np.square(sample.xy - end).sum(axis=1).argmin()) for end in line[[0, -1]]]
    return np.interp(np.interp(s, s[[0, -1]], sample.s[nearest]), sample.s, sample.z)


def _mark(points: Array, strip: Array, heights: Array, covered: NDArray[np.bool_]) -> None:
    """Set `covered` for points (n, 3) inside a strip, unless they are high above it."""
    import cv2

    for begin in range(0, strip.shape[1] - 1, _PIECE):
        left, right = strip[:, begin : begin + _PIECE + 1]
        outline = np.concatenate([left, right[::-1]])
        low, high = outline.min(axis=0), outline.max(axis=0)
        near = np.flatnonzero(((points[:, :2] > low) & (points[:, :2] < high)).all(axis=1))
        if not len(near):
            continue
        cell = max(_CELL, float(np.sqrt((high - low).prod() / 4e6)))
        columns, rows = (((high - low) / cell).astype(int) + 1).tolist()
        mask = np.zeros((rows, columns), np.uint8)
        for i, quad in enumerate(np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1), start=1):
            cv2.fillConvexPoly(mask, np.round((quad - low) / cell * 16.0 - 8.0).astype(np.int32), i, shift=4)
        column, row = ((points[near, :2] - low) / cell).astype(int).T
        found = mask[row, column].astype(int)
        covered[near] |= (found > 0) & (points[near, 2] - heights[begin + found - 1] < ABOVE)


def uncovered(roads: Mapping[str, RoadRecord], sampled: Sampled) -> dict[str, list[Stroke]]:
    """The strokes of each road without what lies inside the driving lanes of another road, or below them."""
    places, heights = [], []
    for name, road in roads.items():
        for section, sample in zip(road.sections, sampled[name], strict=True):
            if sample is None:
                continue
            for stroke in section_strokes(section, sample):
                s, line = _sampled(stroke)
                places.append((name, stroke, s, line))
                heights.append(_heights(s, line, sample))
    if not places:
        return {}
    points = np.column_stack([np.concatenate([place[3] for place in places]), np.concatenate(heights)])
    ends = np.cumsum([len(place[2]) for place in places])
    names = {name: i for i, name in enumerate(roads)}
    owner = np.repeat([names[place[0]] for place in places], np.diff(ends, prepend=0))
    covered = np.zeros(len(points), np.bool_)
    for name, road in roads.items():
        for section, sample in zip(road.sections, sampled[name], strict=True):
            for strip, level in _strips(section, sample) if sample is not None else ():
                low, high = strip.min(axis=(0, 1)), strip.max(axis=(0, 1))
                inside = ((points[:, :2] > low) & (points[:, :2] < high)).all(axis=1)
                others = (owner != names[name]) & inside
                found = np.zeros(np.count_nonzero(others), np.bool_)
                if len(found):
                    _mark(points[others], strip, level, found)
                    covered[np.flatnonzero(others)[found]] = True
    result: dict[str, list[Stroke]] = {name: [] for name in roads}
    for (name, stroke, s, line), end in zip(places, ends, strict=True):
        result[name] += _parts(stroke, s, line, covered[end - len(s) : end])
    return result


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(begin, end) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _parts(stroke: Stroke, s: Array, line: Array, covered: NDArray[np.bool_]) -> list[Stroke]:
    """What is left of a stroke; dashes keep their rhythm within each part alone."""
    hidden = np.zeros(len(s), np.bool_)
    for begin, end in _runs(covered):
        hidden[begin:end] = s[end - 1] - s[begin] >= SHORTEST
    if not hidden.any():
        return [stroke]
    parts = [(begin, end) for begin, end in _runs(~hidden) if s[end - 1] - s[begin] >= SHORTEST]
    return [replace(stroke, points=line[begin:end]) for begin, end in parts]


def _cells(points: Array) -> NDArray[np.int64]:
    """(n,) number of each point's cell of INSET: what lies on a border is in its cell or one around it."""
    column, row = np.round(points / INSET).astype(np.int64).T
    return column * _ROW + row


def with_paint(lanes: Sequence[Lane], strokes: Sequence[Stroke]) -> list[Lane]:
    """The lanes; those to drive on in junctions know how much of their borders is painted."""
    crossing = [lane for lane in lanes if lane.junction is not None and lane.drivable]
    if not crossing:
        return list(lanes)
    borders = []
    for lane in crossing:
        at = np.arange(0.0, lane.length, STEP)
        for border in (lane.border(1), lane.border(-1)):
            borders.append(np.stack([np.interp(at, lane.s, border[:, axis]) for axis in (0, 1)], axis=1))
    drawn = np.unique(_cells(np.concatenate([np.zeros((0, 2)), *(_sampled(s)[1] for s in strokes)])))
    around = np.add.outer(np.arange(-1, 2) * _ROW, np.arange(-1, 2)).ravel()
    near = np.isin(np.add.outer(_cells(np.concatenate(borders)), around), drawn).any(axis=1)
    begins = np.cumsum([0, *map(len, borders[:-1])])
    shares = np.add.reduceat(near.astype(np.float64), begins) / [len(border) for border in borders]
    best = shares.reshape(-1, 2).max(axis=1).tolist()
    known = {lane.index: share for lane, share in zip(crossing, best, strict=True)}
    return [replace(x, painted=known[x.index]) if x.index in known else x for x in lanes]
