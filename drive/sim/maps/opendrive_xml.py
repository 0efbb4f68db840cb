"""OpenDRIVE's XML as plain records: roads, lane sections, lanes, junctions; nothing computed yet."""

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from drive.sim.maps.opendrive_geometry import Arc, Cubics, Curve, ParametricCubic, Piece, Spiral, cubic
from drive.sim.maps.opendrive_notes import FARTHEST, LONGEST, MOST_TURNS, WIDEST_MARK, Notes

SPEED_UNITS = {"m/s": 1.0, "mph": 0.44704, "km/h": 1.0 / 3.6, "kph": 1.0 / 3.6, "kmh": 1.0 / 3.6}
MARK_WIDTHS = {"bold": 0.25}  # by `weight`, where no width is given [m]
NORMAL_MARK_WIDTH = 0.12  # [m]
HUGE = 1e8  # larger numbers are damage; UTM coordinates stay below 1e7
FASTEST = 90.0  # a limit above that is none [m/s]
SHARPEST = 10.0  # curvature [1/m]


@dataclass(frozen=True)
class LineRecord:
    """One line of an explicitly described mark."""

    length: float  # of a dash; 0: unbroken [m]
    space: float  # [m]
    t_offset: float  # from the border, left positive [m]
    s_offset: float  # [m]
    width: float  # 0: the mark's own [m]
    repeated: bool = True  # False: drawn once, from s_offset over its length


@dataclass(frozen=True)
class MarkRecord:
    """A `roadMark` of one lane, from s_offset to the next one."""

    s_offset: float  # [m]
    type: str
    color: str
    width: float  # [m]
    lines: tuple[LineRecord, ...] = ()


@dataclass(frozen=True)
class LaneRecord:
    """A `lane` of a lane section; `width` or `border` has records, seldom both."""

    id: int
    type: str
    width: Cubics
    border: Cubics
    marks: tuple[MarkRecord, ...]
    speeds: tuple[tuple[float, float], ...]  # (s_offset [m], limit [m/s])
    predecessors: tuple[int, ...]
    successors: tuple[int, ...]
    reversed: bool  # driven against its side's usual direction


@dataclass(frozen=True)
class Section:
    """A `laneSection`: lanes by id, centre lane 0 included."""

    s: float  # [m]
    lanes: dict[int, LaneRecord]


@dataclass(frozen=True)
class RoadLink:
    """Where a road's end leads: another road's end, or a junction."""

    junction: bool
    id: str
    at_start: bool | None  # of the other road; None: not given


@dataclass(frozen=True)
class RoadRecord:
    """A `road`."""

    id: str
    junction: str | None
    length: float  # [m]
    left_hand: bool
    pieces: tuple[Piece, ...]
    elevation: Cubics
    superelevation: Cubics
    lane_offset: Cubics
    sections: tuple[Section, ...]
    types: tuple[tuple[float, str, float | None], ...]  # (s, road type, limit [m/s])
    predecessor: RoadLink | None
    successor: RoadLink | None
    element: Element = field(repr=False)  # its signals and objects


def number(element: Element, name: str, default: float = 0.0) -> float:
    """An attribute as a number, or the default where it is missing, unusable or beyond HUGE."""
    try:
        value = float(element.get(name, default))
    except ValueError:
        return default
    return value if abs(value) <= HUGE else default


def strip_namespaces(root: Element) -> None:
    """Drop XML namespaces from all tags, in place."""
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]


def parse_cubics(parent: Element | None, tag: str, start: str = "s", s0: float = 0.0) -> Cubics:
    """All `tag` children of one element as a piecewise cubic of the road's s."""
    found = parent.findall(tag) if parent is not None else []
    return Cubics(
        [
            (s0 + number(e, start), number(e, "a"), number(e, "b"), number(e, "c"), number(e, "d"))
            for e in found
        ]
    )


def parse_speed(element: Element) -> float | None:
    """A `speed` element's limit [m/s]; None where it gives none ("no limit", "undefined")."""
    limit = number(element, "max", -1.0) * SPEED_UNITS.get(element.get("unit", "m/s").lower(), 1.0)
    return min(limit, FASTEST) if limit > 0.0 else None


def _curvature(element: Element, name: str, length: float, where: str, notes: Notes) -> float:
    value = number(element, name)
    if abs(value) > SHARPEST:
        notes.add("A curvature is above 10 per metre: taken as straight", where)
        return 0.0
    if abs(value) * length > MOST_TURNS * 2.0 * math.pi:
        turns = abs(value) * length / (2.0 * math.pi)
        notes.refuse(f"has a geometry that turns {turns:.0f} times ({where})", "mend its curvature or length")
    return value


def _parse_curve(element: Element, length: float, where: str, notes: Notes) -> Curve:
    if (e := element.find("arc")) is not None:
        return Arc(length, _curvature(e, "curvature", length, where, notes))
    if (e := element.find("spiral")) is not None:
        notes.spend("lanes, lane sections and curves", 1, where)
        ends = [_curvature(e, name, length, where, notes) for name in ("curvStart", "curvEnd")]
        return Spiral(length, *ends)
    if (e := element.find("poly3")) is not None:
        notes.spend("lanes, lane sections and curves", 1, where)
        return cubic(length, *(number(e, k) for k in "abcd"))
    if (e := element.find("paramPoly3")) is not None:
        notes.spend("lanes, lane sections and curves", 1, where)
        u = (number(e, "aU"), number(e, "bU"), number(e, "cU"), number(e, "dU"))
        v = (number(e, "aV"), number(e, "bV"), number(e, "cV"), number(e, "dV"))
        if not any((*u[1:], *v[1:])):
            notes.add("A paramPoly3 has no extent: taken as a straight line", where)
            return Arc(length)
        curve = ParametricCubic(length, u, v, length if e.get("pRange") == "arcLength" else 1.0)
        if abs(curve.true_length - length) > max(0.1, 0.01 * length):
            notes.add("A paramPoly3 is longer or shorter than its geometry says: spread over it", where)
        return curve
    if element.find("line") is None:
        notes.add("A geometry has no known shape: taken as a straight line", where)
    return Arc(length)


def _parse_pieces(road: Element, where: str, notes: Notes) -> tuple[Piece, ...]:
    pieces, end = [], 0.0
    for e in road.iterfind("planView/geometry"):
        length = number(e, "length")
        if not 1e-9 < length <= LONGEST:
            notes.add("A geometry has no length, or more than 100 km: left out", where)
            continue
        s = number(e, "s", end)
        if abs(s) > LONGEST:
            notes.refuse(f"has a geometry at s={s:g} ({where})", "mend s, or cut the road into parts")
        notes.spend("km of road", length / 1000.0, where)
        pieces.append(
            Piece(s, number(e, "x"), number(e, "y"), number(e, "hdg"), _parse_curve(e, length, where, notes))
        )
        end = s + length
    return tuple(pieces)


def _mark_width(element: Element, where: str, notes: Notes) -> float:
    width = number(element, "width")
    if width > WIDEST_MARK:
        notes.refuse(f"has a road mark of {width:g} m width ({where})", "mend its width")
    return width


def _parse_mark(element: Element, where: str, notes: Notes) -> MarkRecord:
    notes.spend("road marks, objects and signals", 1, where)
    width = _mark_width(element, where, notes)
    if width <= 0.0:
        width = MARK_WIDTHS.get(element.get("weight", ""), NORMAL_MARK_WIDTH)
    lines = []
    for tag in ("type", "explicit"):
        for e in element.iterfind(f"{tag}/line"):
            notes.spend("road marks, objects and signals", 1, where)
            if abs(aside := number(e, "tOffset")) > FARTHEST:
                notes.refuse(f"has a road mark {aside:g} m beside its lane ({where})", "mend its tOffset")
            lines.append(
                LineRecord(
                    max(number(e, "length"), 0.0),
                    max(number(e, "space"), 0.0),
                    aside,
                    number(e, "sOffset"),
                    max(_mark_width(e, where, notes), 0.0),
                    tag == "type",
                )
            )
    color = element.get("color", "white")
    color = "white" if color in ("standard", "") else color
    return MarkRecord(number(element, "sOffset"), element.get("type", "none"), color, width, tuple(lines))


def _links(lane: Element, tag: str) -> tuple[int, ...]:
    return tuple(int(number(e, "id")) for e in lane.iterfind(f"link/{tag}") if number(e, "id") != 0.0)


def _parse_lane(element: Element, s0: float, where: str, notes: Notes) -> LaneRecord:
    where = f"{where} lane {element.get('id')}"
    notes.spend("lanes, lane sections and curves", 1, where)
    speeds = []
    for e in element.iterfind("speed"):
        if (limit := parse_speed(e)) is not None:
            speeds.append((number(e, "sOffset"), limit))
    marks = [_parse_mark(e, where, notes) for e in element.iterfind("roadMark")]
    return LaneRecord(
        int(number(element, "id")),
        element.get("type", "none"),
        parse_cubics(element, "width", "sOffset", s0),
        parse_cubics(element, "border", "sOffset", s0),
        tuple(sorted(marks, key=lambda m: m.s_offset)),
        tuple(speeds),
        _links(element, "predecessor"),
        _links(element, "successor"),
        element.get("direction") == "reversed",
    )


def _parse_section(element: Element, where: str, notes: Notes) -> Section:
    notes.spend("lanes, lane sections and curves", 1, where)
    s = max(number(element, "s"), 0.0)
    elements = [e for side in ("left", "center", "right") for e in element.iterfind(f"{side}/lane")]
    lanes = [_parse_lane(e, s, where, notes) for e in elements]
    return Section(s, {lane.id: lane for lane in lanes})


def _parse_road_link(road: Element, tag: str) -> RoadLink | None:
    e = road.find(f"link/{tag}")
    if e is None or not e.get("elementId"):
        return None
    at_start = {"start": True, "end": False}.get(e.get("contactPoint", ""))
    return RoadLink(e.get("elementType") == "junction", e.get("elementId", ""), at_start)


def parse_road(element: Element, notes: Notes) -> RoadRecord | None:
    """One road, or None where it has no length or no lanes."""
    where = f"road {element.get('id')}"
    pieces = _parse_pieces(element, where, notes)
    if not pieces:
        notes.add("A road has no geometry: left out", where)
        return None
    end = max(piece.s + piece.curve.length for piece in pieces)
    length = number(element, "length", end)
    if abs(length - end) > 0.01:
        notes.add("A road's length is not that of its geometry: the geometry's taken", where)
        length = end
    junction = element.get("junction", "-1")
    types = []
    for e in element.iterfind("type"):
        limits = [limit for speed in e.iterfind("speed") if (limit := parse_speed(speed)) is not None]
        types.append((number(e, "s"), e.get("type", "unknown"), limits[0] if limits else None))
    sections = [_parse_section(e, where, notes) for e in element.iterfind("lanes/laneSection")]
    if not sections:
        notes.add("A road has no lanes: left out", where)
        return None
    return RoadRecord(
        element.get("id", ""),
        None if junction in ("-1", "") else junction,
        length,
        element.get("rule", "RHT") == "LHT",
        pieces,
        parse_cubics(element.find("elevationProfile"), "elevation"),
        parse_cubics(element.find("lateralProfile"), "superelevation"),
        parse_cubics(element.find("lanes"), "laneOffset"),
        tuple(sorted(sections, key=lambda x: x.s)),
        tuple(sorted(types, key=lambda x: x[0])),
        _parse_road_link(element, "predecessor"),
        _parse_road_link(element, "successor"),
        element,
    )


def parse_roads(root: ET.Element, notes: Notes) -> dict[str, RoadRecord]:
    """All roads by id."""
    roads: dict[str, RoadRecord] = {}
    for element in root.iterfind("road"):
        road = parse_road(element, notes)
        if road is not None:
            if road.id in roads:
                notes.add("Two roads have the same id: the later one taken", f"road {road.id}")
            roads[road.id] = road
    return roads
