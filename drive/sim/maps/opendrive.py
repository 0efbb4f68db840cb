"""OpenDRIVE files (ASAM OpenDRIVE 1.4 to 1.8) as road maps."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from drive.core.errors import UserError
from drive.core.portable_math_arrays import hypot_array
from drive.sim.maps.opendrive_build import bridges, build_lanes, link_lanes, with_speeds
from drive.sim.maps.opendrive_covered import with_paint
from drive.sim.maps.opendrive_geometry import Array, Piece, ReferenceLine
from drive.sim.maps.opendrive_ground import map_strokes, map_surfaces
from drive.sim.maps.opendrive_lanes import sample_road
from drive.sim.maps.opendrive_links import build_graph
from drive.sim.maps.opendrive_notes import LARGEST_AREA, LARGEST_FILE, Notes
from drive.sim.maps.opendrive_objects import read_objects
from drive.sim.maps.opendrive_signals import read_signals
from drive.sim.maps.opendrive_xml import RoadRecord, parse_roads, strip_namespaces
from drive.sim.maps.road_map import MIN_DRIVING_WIDTH, Junction, Lane, RoadMap

FAR = 1e4  # coordinates beyond this are moved to an origin of the map [m]


def read_opendrive(path: str | Path) -> RoadMap:
    """Read an OpenDRIVE file.

    Args:
        path: the .xodr file.

    Returns:
        Its lanes, driven in the direction of travel, with marks, links and signals. Heights are kept in z;
        lateral positions are those of the plan view. `RoadMap.warnings` says what had to be assumed.

    Raises:
        UserError: the file is missing, unreadable, not OpenDRIVE, or has no lane that a car can drive on.
    """
    path = Path(path)
    return road_map_from_root(load_root(path), path.stem, str(path))


def load_root(path: Path) -> ET.Element:
    """The XML root of an OpenDRIVE file.

    Raises:
        UserError: see `read_opendrive`.
    """
    try:
        if path.stat().st_size > LARGEST_FILE * 2**20:
            size = path.stat().st_size / 2**20
            raise UserError(
                f"{path} has {size:.0f} MiB; cut the map into parts of {LARGEST_FILE} MiB at most."
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give the path of an OpenDRIVE map (.xodr).") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; give the path of an OpenDRIVE map (.xodr) in it.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check its permissions.") from None
    if not data.strip():
        raise UserError(f"{path} is empty; export or copy the map again.")
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        if not data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
            raise UserError(f"{path} is not XML; give an OpenDRIVE map (.xodr).") from None
        raise UserError(f"{path} is damaged or cut off ({error}); export or copy the map again.") from None
    strip_namespaces(root)
    if root.tag != "OpenDRIVE":
        raise UserError(f"{path} is XML but not OpenDRIVE (its root is <{root.tag}>); give an .xodr map.")
    return root


def road_map_from_root(root: ET.Element, name: str, source: str) -> RoadMap:
    """The road map of an OpenDRIVE element; `source` names it in error messages."""
    notes = Notes(source)
    notes.spend("XML elements", sum(1 for _ in root.iter()), "its end")
    roads = parse_roads(root, notes)
    if not roads:
        raise UserError(f"{source} has no road with a geometry; export the map with its roads.")
    roads, origin = _moved_to_origin(roads)
    lines = {road.id: ReferenceLine(road.pieces) for road in roads.values()}
    sampled = {road.id: sample_road(road, lines[road.id], notes) for road in roads.values()}
    lanes, heights = build_lanes(roads, sampled)
    _check_extent(lanes, notes)
    if not any(lane.drivable and lane.width.max() >= MIN_DRIVING_WIDTH for lane in lanes):
        raise UserError(
            f"{source} has no drivable lane of at least {MIN_DRIVING_WIDTH} m; "
            'export the map with lanes of type "driving".'
        )

    @cache
    def ends_of(road: str) -> Array:
        return lines[road].evaluate([0.0, roads[road].length])[:2].T

    def nearest(road: RoadRecord, at_start: bool, other: RoadRecord) -> bool:
        here = ends_of(road.id)[0 if at_start else 1]
        ends = ends_of(other.id)
        return bool(hypot_array(*(ends[0] - here)) <= hypot_array(*(ends[1] - here)))

    lanes = link_lanes(lanes, build_graph(root, roads, nearest, notes), notes)
    lanes = with_speeds(lanes, roads, notes)
    if heights > 0.05:
        notes.add(f"Heights (they differ by {heights:.1f} m) are kept in z, but roads are drawn flat")
    if bridges(lanes):
        notes.add("Roads cross above each other: drawn flat, they meet at bridges")
    if any(np.any(road.superelevation.coefficients) for road in roads.values()):
        notes.add("Superelevation is kept in z, but roads are drawn flat")
    if any(e.find("lateralProfile/shape") is not None for e in root.iterfind("road")):
        notes.add("Road shapes across the lanes (lateralProfile/shape) are left out")
    header = root.find("header")
    from_line = header is not None and header.get("vendor") == "VectorZero"
    painted = read_objects(roads, lines, notes)
    strokes = (*map_strokes(roads, sampled), *painted.strokes)
    junctions = tuple(
        Junction(junction, tuple(lane.index for lane in lanes if lane.junction == junction))
        for junction in dict.fromkeys(e.get("id", "") for e in root.iterfind("junction"))
    )
    return RoadMap(
        name=name,
        lanes=tuple(with_paint(lanes, strokes)),
        strokes=strokes,
        surfaces=(*map_surfaces(roads, sampled, notes), *painted.surfaces),
        signals=(*read_signals(roads, lines, lanes, from_line, notes), *painted.signs),
        objects=tuple(painted.objects),
        junctions=junctions,
        origin=origin,
        left_hand=_left_hand(roads),
        warnings=notes.lines(),
    )


def _check_extent(lanes: list[Lane], notes: Notes) -> None:
    """Refuse a map that spans more than LARGEST_AREA, naming the road that lies farthest from the others."""
    low, high = (np.array([f(lane.center[:, :2], axis=0) for lane in lanes]) for f in (np.min, np.max))
    if len(lanes) and np.prod(high.max(axis=0) - low.min(axis=0) + 100.0) > LARGEST_AREA * 1e6:
        middle = np.median(0.5 * (low + high), axis=0)
        away = np.maximum(np.abs(low - middle), np.abs(high - middle)).max(axis=1)
        road = lanes[int(np.argmax(away))].road_id
        notes.refuse(
            f"has road {road} {away.max() / 1000.0:.0f} km from the others", "mend it, or cut the map"
        )


def _left_hand(roads: Mapping[str, RoadRecord]) -> bool:
    return 2 * sum(road.left_hand for road in roads.values()) > len(roads)


def _moved_to_origin(
    roads: dict[str, RoadRecord],
) -> tuple[dict[str, RoadRecord], tuple[float, float, float]]:
    """Subtract a round origin from maps that lie far from (0, 0), as those in UTM coordinates do."""
    xy = np.array([(piece.x, piece.y) for road in roads.values() for piece in road.pieces])
    middle = 0.5 * (xy.min(axis=0) + xy.max(axis=0))
    if np.abs(middle).max() < FAR:
        return roads, (0.0, 0.0, 0.0)
    x, y = (round(float(value), -2) for value in middle)
    moved = {
        road.id: replace(
            road, pieces=tuple(Piece(p.s, p.x - x, p.y - y, p.yaw, p.curve) for p in road.pieces)
        )
        for road in roads.values()
    }
    return moved, (x, y, 0.0)
