"""What covers the ground of an OpenDRIVE map: surfaces from the lowest to the topmost, and paint."""

from collections.abc import Mapping

import numpy as np

from drive.sim.maps.opendrive_covered import uncovered
from drive.sim.maps.opendrive_lanes import SampledSection
from drive.sim.maps.opendrive_notes import Notes
from drive.sim.maps.opendrive_xml import RoadRecord
from drive.sim.maps.road_map import Stroke, Surface
from drive.sim.maps.surface import MATERIALS, area, drop_doubles, gaps, join_strokes, strip

NEAR = 6.0  # from a junction to what may enclose a hole beside it [m]
Sampled = Mapping[str, list[SampledSection | None]]


def _strips(roads: Mapping[str, RoadRecord], sampled: Sampled) -> list[tuple[str | None, Surface]]:
    """(junction, surface) of every lane with a material."""
    strips = []
    for road in roads.values():
        for section, sample in zip(road.sections, sampled[road.id], strict=True):
            if sample is None:
                continue
            xy, normal = sample.xy[sample.drawn], sample.normal[sample.drawn]
            for i in sample.ids:
                material = MATERIALS.get(section.lanes[i].type)
                left, right = (row[sample.drawn, None] for row in sample.borders(i))
                if material is not None and float((left - right).max()) >= 0.01:
                    strips.append((road.junction, strip(xy + left * normal, xy + right * normal, material)))
    return strips


def map_surfaces(roads: Mapping[str, RoadRecord], sampled: Sampled, notes: Notes) -> list[Surface]:
    """Strips of all lanes; below them the paved ground between the lanes of each junction.

    The strips of a junction's roads cross each other: lanes to drive on come last, so that no shoulder lies
    across them.
    """
    strips = _strips(roads, sampled)
    low = np.array([surface.polygon.min(axis=0) for _, surface in strips])
    high = np.array([surface.polygon.max(axis=0) for _, surface in strips])
    of_junction: dict[str, list[int]] = {}
    for i, (junction, _) in enumerate(strips):
        if junction is not None:
            of_junction.setdefault(junction, []).append(i)
    ground, paved = [], []
    for name, places in of_junction.items():
        members = [strips[i][1] for i in places]
        own = np.zeros(len(strips), bool)
        own[places] = True
        span = high[own].max(axis=0) - low[own].min(axis=0) + 2.0 * NEAR
        notes.spend("square km of junctions", float(span.prod()) / 1e6, f"junction {name}")
        near = (low < high[own].max(axis=0) + NEAR) & (high > low[own].min(axis=0) - NEAR)
        others = [strips[i][1] for i in np.flatnonzero(near.all(axis=1) & ~own)]
        ground += gaps(members, others)
        driven = [surface for surface in members if surface.material == "asphalt"]
        if driven:
            paved += area(driven)

    def of(*materials: str) -> list[Surface]:
        return [surface for _, surface in strips if surface.material in materials]

    return [
        *ground,
        *of("shoulder", "concrete"),
        *paved,
        *of("median", "sidewalk"),
        *of("asphalt"),
    ]


def map_strokes(roads: Mapping[str, RoadRecord], sampled: Sampled) -> list[Stroke]:
    """All marks and kerbs, each drawn once, as long as they go on, but not below another road's lanes."""
    strokes: list[Stroke] = []
    crossing: dict[str, list[Stroke]] = {}
    for name, found in uncovered(roads, sampled).items():
        junction = roads[name].junction
        (strokes if junction is None else crossing.setdefault(junction, [])).extend(found)
    for members in crossing.values():
        strokes += drop_doubles(members)
    return join_strokes(strokes)
