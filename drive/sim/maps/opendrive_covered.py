"""Where roads lie over each other in the plan: paint that another road's driving lanes cover is not drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drive.core.portable_math_arrays import hypot_array
from drive.sim.maps.opendrive_geometry import Array
from drive.sim.maps.opendrive_lanes import SampledSection
from drive.sim.maps.opendrive_xml import RoadRecord, Section
from drive.sim.maps.road_map import DRIVABLE_TYPES, Stroke

INSET = 0.4  # what lies less than that inside a border is on it: roads that meet share their lines [m]
STEP = 0.5  # at which strokes are looked at [m]
SHORTEST = (
    1.0  # what stays of a stroke, and what is taken out: the tips of roads that meet overlap a little [m]
)
_CELL = 0.2  # of the masks [m]
_PIECE = 60  # samples of a strip in one mask

Sampled = Mapping[str, list[SampledSection | None]]


def _strips(section: Section, sample: SampledSection) -> Iterator[Array]:
    """(2, n, 2) both borders, drawn in by INSET, of each group of driving lanes side by side."""
    rows = [i for i, lane in enumerate(sample.ids) if section.lanes[lane].type in DRIVABLE_TYPES]
    for first in (i for i in rows if i - 1 not in rows):
        last = first
        while last + 1 in rows:
            last += 1
        borders = np.stack([sample.t[first] - INSET, sample.t[last + 1] + INSET])[:, sample.drawn]
        xy, normal = sample.xy[sample.drawn], sample.normal[sample.drawn]
        borders[1] = np.minimum(borders[0], borders[1])
        yield xy + borders[:, :, None] * normal


def _sampled(stroke: Stroke) -> tuple[Array, Array]:
    """(s, points): a stroke at least every STEP, its own points among them."""
    s = np.concatenate([[0.0], np.cumsum(hypot_array(*np.diff(stroke.points, axis=0).T))])
    at = np.unique(np.concatenate([s, np.arange(0.0, s[-1], STEP)]))
    return at, np.stack([np.interp(at, s, stroke.points[:, axis]) for axis in (0, 1)], axis=1)


def _mark(points: Array, strip: Array, covered: NDArray[np.bool_]) -> None:
    """Set `covered` for points inside a strip."""
    import cv2

    for begin in range(0, strip.shape[1] - 1, _PIECE):
        left, right = strip[:, begin : begin + _PIECE + 1]
        outline = np.concatenate([left, right[::-1]])
        low, high = outline.min(axis=0), outline.max(axis=0)
        near = np.flatnonzero(((points > low) & (points < high)).all(axis=1))
        if not len(near):
            continue
        cell = max(_CELL, float(np.sqrt((high - low).prod() / 4e6)))
        columns, rows = (((high - low) / cell).astype(int) + 1).tolist()
        mask = np.zeros((rows, columns), np.uint8)
        for quad in np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1):
            cv2.fillConvexPoly(mask, np.round((quad - low) / cell * 16.0 - 8.0).astype(np.int32), 1, shift=4)
        column, row = ((points[near] - low) / cell).astype(int).T
        covered[near] |= mask[row, column] > 0


def uncovered(
    strokes: Mapping[str, list[Stroke]], roads: Mapping[str, RoadRecord], sampled: Sampled
) -> dict[str, list[Stroke]]:
    """The strokes of each road without what lies inside the driving lanes of another road."""
    places = [(name, stroke, *_sampled(stroke)) for name, found in strokes.items() for stroke in found]
    if not places:
        return {}
    points = np.concatenate([place[3] for place in places])
    ends = np.cumsum([len(place[2]) for place in places])
    names = {name: i for i, name in enumerate(strokes)}
    owner = np.repeat([names[place[0]] for place in places], np.diff(ends, prepend=0))
    covered = np.zeros(len(points), np.bool_)
    for name, road in roads.items():
        for section, sample in zip(road.sections, sampled[name], strict=True):
            for strip in _strips(section, sample) if sample is not None else ():
                low, high = strip.min(axis=(0, 1)), strip.max(axis=(0, 1))
                others = (owner != names.get(name, -1)) & ((points > low) & (points < high)).all(axis=1)
                found = np.zeros(np.count_nonzero(others), np.bool_)
                if len(found):
                    _mark(points[others], strip, found)
                    covered[np.flatnonzero(others)[found]] = True
    result: dict[str, list[Stroke]] = {name: [] for name in strokes}
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
