"""OpenDRIVE maps reflected at the x axis: right-hand traffic becomes left-hand traffic and back."""

import math
import xml.etree.ElementTree as ET
from xml.etree.ElementTree import Element

from drive.sim.maps.opendrive_marks import swap_sides
from drive.sim.maps.opendrive_xml import strip_namespaces

_CUBIC = ("a", "b", "c", "d")
_NEGATED = {  # attributes that change sign, by element
    "geometry": ("y", "hdg"),
    "arc": ("curvature",),
    "spiral": ("curvStart", "curvEnd"),
    "poly3": _CUBIC,
    "paramPoly3": ("aV", "bV", "cV", "dV"),
    "laneOffset": _CUBIC,
    "border": _CUBIC,
    "superelevation": _CUBIC,
    "shape": ("t",),
    "line": ("tOffset",),
    "signal": ("t", "hOffset", "roll"),
    "signalReference": ("t",),
    "positionRoad": ("t", "hOffset", "roll"),
    "positionInertial": ("y", "hdg", "roll"),
    "object": ("t", "hdg", "roll"),
    "objectReference": ("t",),
    "cornerLocal": ("v",),
    "cornerRoad": ("t",),
    "repeat": ("tStart", "tEnd"),
    "offset": ("y", "hdg"),
}


def mirror_opendrive(text: str) -> str:
    """Reflect a map: y becomes -y, left and right lanes change places, and so does the rule of traffic.

    A car that drives on the result sees the mirror image of what it saw before. Comments and the place on
    earth (`geoReference`) are lost.

    Args:
        text: of an .xodr file.

    Returns:
        The text of the mirrored file.
    """
    root = ET.fromstring(text)
    strip_namespaces(root)
    for element in root.iter():
        for name in _NEGATED.get(element.tag, ()):
            _negate(element, name)
    for road in root.iterfind("road"):
        road.set("rule", "RHT" if road.get("rule") == "LHT" else "LHT")
        for section in road.iterfind("lanes/laneSection"):
            _mirror_section(section)
    for link in root.iterfind("junction/connection/laneLink"):
        _negate_id(link, "from")
        _negate_id(link, "to")
    for validity in root.iter("validity"):
        _negate_id(validity, "fromLane")
        _negate_id(validity, "toLane")
    if (header := root.find("header")) is not None:
        north, south = header.get("north"), header.get("south")
        if north is not None and south is not None:
            header.set("north", south)
            header.set("south", north)
            _negate(header, "north")
            _negate(header, "south")
        for reference in header.findall("geoReference"):
            header.remove(reference)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _mirror_section(section: Element) -> None:
    left, right = section.find("left"), section.find("right")
    if left is not None:
        left.tag = "right"
    if right is not None:
        right.tag = "left"
    order = {"left": 0, "center": 1, "right": 2}
    section[:] = sorted(section, key=lambda e: order.get(e.tag, 3))
    for group in section:
        lanes = group.findall("lane")
        for lane in lanes:
            _negate_id(lane, "id")
            for link in (*lane.iterfind("link/predecessor"), *lane.iterfind("link/successor")):
                _negate_id(link, "id")
        if group.tag == "center":
            for mark in group.iter("roadMark"):
                mark.set("type", swap_sides(mark.get("type", "none")))
        elif lanes:
            others = [e for e in group if e.tag != "lane"]
            group[:] = [*lanes[::-1], *others]


def _negate(element: Element, name: str) -> None:
    value = element.get(name)
    if value is None:
        return
    try:
        number = -float(value)
    except ValueError:
        return
    if math.isfinite(number):
        element.set(name, repr(number + 0.0))


def _negate_id(element: Element, name: str) -> None:
    value = element.get(name, "")
    try:
        element.set(name, str(-int(value)))
    except ValueError:
        return
