"""Objects of an OpenDRIVE map: crossings and stop lines as paint, signs, and what stands beside the road."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from drive.core.geometry import wrap_angle
from drive.core.portable_math_arrays import hypot_array, sincos_array
from drive.sim.maps.opendrive_geometry import Array, ReferenceLine
from drive.sim.maps.opendrive_notes import LARGEST_OBJECT, Notes
from drive.sim.maps.opendrive_signals import Place, beside, places, speed_sign
from drive.sim.maps.opendrive_xml import RoadRecord, number
from drive.sim.maps.road_map import MapObject, Signal, Stroke, Surface
from drive.sim.maps.surface import long_axis

STOP_LINE_WIDTH = 0.3  # [m]
LINE_WIDTH = 0.12  # [m]
FENCE_PIECE = 4.0  # an object repeated without a distance is cut into pieces this long [m]
PAINTED = re.compile(r"stop_?line|solid_?single|line|region|marking", re.I)


@dataclass
class Painted:
    """What the objects of a map come to."""

    surfaces: list[Surface] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    signs: list[Signal] = field(default_factory=list)
    objects: list[MapObject] = field(default_factory=list)


def _outlines(element: Element, place: Place, road: RoadRecord, line: ReferenceLine) -> Iterator[Array]:
    """(n, 2) corners of each outline in the plane."""
    yaw = place.yaw + number(element, "hdg")
    sin, cos = sincos_array(yaw)
    for outline in (*element.iterfind("outline"), *element.iterfind("outlines/outline")):
        local = [(number(c, "u"), number(c, "v")) for c in outline.iterfind("cornerLocal")]
        if local:
            u, v = np.array(local).T
            yield np.stack([place.x + cos * u - sin * v, place.y + sin * u + cos * v], axis=1)
            continue
        along = [(number(c, "s"), number(c, "t")) for c in outline.iterfind("cornerRoad")]
        if along:
            s, t = np.array(along).T
            x, y, heading = line.evaluate(s)
            sine, cosine = sincos_array(heading)
            yield np.stack([x - t * sine, y + t * cosine], axis=1)


def _rectangle(element: Element, place: Place) -> Array:
    length, width = number(element, "length"), number(element, "width")
    yaw = place.yaw + number(element, "hdg")
    sine, cosine = sincos_array(yaw)
    ahead, left = np.array([cosine, sine]), np.array([-sine, cosine])
    corners = np.array([(0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)])
    return np.array([place.x, place.y]) + corners[:, :1] * length * ahead + corners[:, 1:] * width * left


def crosswalk(outline: Array, zebra: bool = True) -> tuple[list[Surface], list[Stroke]]:
    """A pedestrian crossing: a surface that is drawn with bars, or a line on either side of it.

    Args:
        outline: (n, 2) convex; its longer axis crosses the road.
        zebra: with bars.
    """
    if zebra:
        return [Surface(outline, "crosswalk")], []
    axis = long_axis(outline)
    strokes = []
    for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        dx, dy = (b - a).tolist()
        length = math.sqrt(dx * dx + dy * dy)
        if length > 1.0 and abs(dx * axis[0] + dy * axis[1]) > 0.9 * length:
            strokes.append(Stroke(np.stack([a, b]), "solid", "white", 2.0 * LINE_WIDTH))
    return [], strokes


def _paint(element: Element, outline: Array, painted: Painted) -> None:
    kind, name = element.get("type", ""), element.get("name", "")
    outline = outline[np.append(hypot_array(*np.diff(outline, axis=0).T) > 1e-6, True)]
    if len(outline) > 1 and hypot_array(*(outline[0] - outline[-1])) < 1e-3:
        outline = outline[:-1]
        closed = True
    else:
        closed = kind == "crosswalk" or "region" in name.lower()
    if kind == "crosswalk" and len(outline) >= 3:
        surfaces, strokes = crosswalk(outline, not name.lower().startswith("simple"))
        painted.surfaces += surfaces
        painted.strokes += strokes
    elif len(outline) >= 2 and PAINTED.search(name):
        stop = "stop" in name.lower()
        points = np.vstack([outline, outline[:1]]) if closed and len(outline) > 2 else outline
        color = "yellow" if "yellow" in name.lower() else "white"
        painted.strokes.append(Stroke(points, "solid", color, STOP_LINE_WIDTH if stop else LINE_WIDTH))


def _repeats(element: Element, where: str, notes: Notes) -> Iterator[Element]:
    """The element itself, or its copies along the road."""
    repeats = element.findall("repeat")
    if not repeats:
        yield element
    for repeat in repeats:
        start, length = number(repeat, "s", number(element, "s")), number(repeat, "length")
        distance = number(repeat, "distance")
        step = distance if distance > 0.0 else FENCE_PIECE
        count = int(max(length, 0.0) / step) + 1
        notes.spend("road marks, objects and signals", count, where)
        for i in range(count):
            share = i * step / length if length > 0.0 else 0.0
            copy = Element("object", dict(element.attrib))
            copy.set("s", repr(start + i * step))
            for name, first, last in (
                ("t", "tStart", "tEnd"),
                ("zOffset", "zOffsetStart", "zOffsetEnd"),
                ("width", "widthStart", "widthEnd"),
                ("height", "heightStart", "heightEnd"),
            ):
                if repeat.get(first) is not None:
                    a = number(repeat, first)
                    copy.set(name, repr(a + share * (number(repeat, last, a) - a)))
            if distance <= 0.0:
                copy.set("length", repr(FENCE_PIECE))
            yield copy


def _check_size(element: Element, place: Place, outlines: list[Array], where: str, notes: Notes) -> None:
    sizes = [number(element, name) for name in ("length", "width", "radius", "height")]
    corners = np.vstack([np.zeros((1, 2)), *(outline - [place.x, place.y] for outline in outlines)])
    size = max(*map(abs, sizes), float(np.abs(corners).max()))
    if not size <= LARGEST_OBJECT:
        name = element.get("name") or element.get("type") or "of no name"
        notes.refuse(f"has an object {name} of {size:g} m ({where})", "mend its size")
    if outlines:
        area = sum(float(np.ptp(outline, axis=0).prod()) for outline in outlines)
        notes.spend("square km of lanes and paint", area / 1e6, where)


def read_objects(
    roads: Mapping[str, RoadRecord], lines: Mapping[str, ReferenceLine], notes: Notes
) -> Painted:
    """All objects of a map."""
    painted = Painted()
    for road in roads.values():
        line = lines[road.id]
        where = f"road {road.id}"
        elements = [
            e
            for o in road.element.iterfind("objects/object")
            for e in _repeats(o, where, notes)
            if beside(road, e, notes)
        ]
        for element, place in zip(elements, places(road, line, elements), strict=True):
            name, kind = element.get("name", ""), element.get("type", "-1")
            outlines = list(_outlines(element, place, road, line))
            _check_size(element, place, outlines, where, notes)
            if (sign := speed_sign(element, place)) is not None:
                painted.signs.append(sign)
            elif kind == "crosswalk":
                for outline in outlines or [_rectangle(element, place)]:
                    _paint(element, outline, painted)
            elif outlines and PAINTED.search(name):
                for outline in outlines:
                    _paint(element, outline, painted)
            else:
                painted.objects.append(_standing(element, place, outlines))
    return painted


def _standing(element: Element, place: Place, outlines: list[Array]) -> MapObject:
    kind, name = element.get("type", "-1"), element.get("name", "")
    yaw = float(wrap_angle(place.yaw + number(element, "hdg")))
    length, width = number(element, "length"), number(element, "width")
    radius = number(element, "radius")
    if radius > 0.0:
        length, width = 2.0 * radius, 2.0 * radius
    if outlines and not (length and width):
        sine, cosine = sincos_array(yaw)
        x, y = (np.vstack(outlines) - [place.x, place.y]).T
        length, width = float(np.ptp(x * cosine + y * sine)), float(np.ptp(y * cosine - x * sine))
    label = kind if kind not in ("-1", "none", "") else name
    return MapObject(label, place.x, place.y, place.z, yaw, length, width, number(element, "height"))
