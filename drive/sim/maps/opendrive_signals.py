"""Traffic lights and signs of an OpenDRIVE map: where they stand, and the lanes that must obey them."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

import numpy as np

from drive.core.geometry import wrap_angle
from drive.core.portable_math_arrays import sincos_array
from drive.sim.maps.opendrive_geometry import ReferenceLine
from drive.sim.maps.opendrive_notes import FARTHEST, Notes
from drive.sim.maps.opendrive_xml import SPEED_UNITS, RoadRecord, number
from drive.sim.maps.road_map import Lane, Signal

# Types of the country "OpenDRIVE" (dynamic) and of the German catalogue that its tools write (static).
LIGHTS = frozenset({"1000001", "1000009", "1000010", "1000011", "1000012", "F"})
PEDESTRIAN_LIGHTS = frozenset({"1000002", "1000007", "1000013"})
STOPS = frozenset({"206", "R1-1", "B2a"})
YIELDS = frozenset({"205", "R1-2", "B1"})
SPEEDS = frozenset({"274", "274.1", "R2-1", "C14", "maxspeed"})
SIGN_HEIGHT = 2.1  # of a sign's middle, where a file gives none [m]


@dataclass(frozen=True)
class Place:
    """A place given by road coordinates: in the plane, with the road's heading there."""

    x: float  # [m]
    y: float
    z: float
    yaw: float  # of the reference line [rad]


def places(road: RoadRecord, line: ReferenceLine, elements: Sequence[Element]) -> list[Place]:
    """Where elements with `s`, `t` and `zOffset` stand."""
    if not elements:
        return []
    s = np.array([number(e, "s") for e in elements])
    t = np.array([number(e, "t") for e in elements])
    x, y, yaw = line.evaluate(s)
    z = road.elevation(s) + t * sincos_array(road.superelevation(s))[0]
    z = z + np.array([number(e, "zOffset") for e in elements])
    sine, cosine = sincos_array(yaw)
    columns = (x - t * sine, y + t * cosine, z, yaw)
    return [Place(*map(float, row)) for row in zip(*columns, strict=True)]


def beside(road: RoadRecord, element: Element, notes: Notes) -> bool:
    """Whether an element stands beside its road; counts it."""
    notes.spend("road marks, objects and signals", 1, f"road {road.id}")
    s, t = number(element, "s"), number(element, "t")
    if -FARTHEST <= s <= road.length + FARTHEST and abs(t) <= 2.0 * FARTHEST:
        return True
    notes.add("Something stands far from its road: left out", f"road {road.id} s={s:g} t={t:g}")
    return False


def signal_type(element: Element) -> str:
    """What a signal is: "light", "pedestrian light", "stop", "yield", "speed", or the file's own type."""
    kind, name = element.get("type", "-1"), element.get("name", "").lower()
    for word, types in (
        ("light", LIGHTS),
        ("pedestrian light", PEDESTRIAN_LIGHTS),
        ("stop", STOPS),
        ("yield", YIELDS),
        ("speed", SPEEDS),
    ):
        if kind in types:
            return word
    if "stopline" in name.replace("_", "") or "holdingline" in name:
        return kind
    if re.fullmatch(r".*(sign_?stop|stop_?sign).*", name):
        return "stop"
    return "yield" if re.fullmatch(r".*(sign_?yield|yield_?sign).*", name) else kind


def _value(element: Element, kind: str) -> float:
    """A speed sign's limit [m/s]; the file's number for other signs."""
    value = number(element, "value", -1.0)
    if kind != "speed":
        return max(value, 0.0)
    if value <= 0.0:  # German signs name the limit in tens of km/h as the subtype 274-5x
        return max(number(element, "subtype") - 50.0, 0.0) * 10.0 / 3.6
    return value * SPEED_UNITS.get(element.get("unit", "km/h").lower(), 1.0 / 3.6)


def _face(element: Element, place: Place, from_line: bool) -> float:
    """Where a signal looks: against the traffic it is for.

    Some editors give hOffset as the direction of that traffic, from the reference line on, whatever the
    orientation says.
    """
    offset = number(element, "hOffset")
    against = math.pi if from_line or element.get("orientation") == "+" else 0.0
    return float(wrap_angle(place.yaw + against + offset))


def speed_sign(element: Element, place: Place) -> Signal | None:
    """An object named like "Speed_30" as a sign: a limit in km/h, for traffic in the direction of its hdg."""
    match = re.fullmatch(r"speed[_ ]?(?:limit[_ ]?)?(\d+)", element.get("name", "").lower())
    if match is None:
        return None
    yaw = float(wrap_angle(place.yaw + number(element, "hdg") + math.pi))
    height = number(element, "height") or SIGN_HEIGHT
    value = float(match.group(1)) / 3.6
    return Signal(element.get("id", ""), "speed", place.x, place.y, place.z, yaw, height, value)


class Obedience:
    """Which lanes obey a signal that is valid at some place of a road.

    In a junction these are the connecting lanes themselves, whose start is the stop line; elsewhere the
    lanes that follow the road's last lane in the direction of travel.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._by_section: dict[tuple[str, int], list[Lane]] = defaultdict(list)
        for lane in lanes:
            if lane.drivable:
                self._by_section[lane.road_id, lane.section].append(lane)
        self._found: dict[int, tuple[int, ...]] = {}

    def lanes(self, road: RoadRecord, element: Element, from_line: bool) -> Iterator[int]:
        """Indices of the lanes that obey the `signal` or `signalReference` element."""
        s = number(element, "s")
        starts = [section.s for section in road.sections]
        at = max(int(np.searchsorted(starts, s + 1e-6, side="right")) - 1, 0)
        ranges = [
            (int(number(e, "fromLane")), int(number(e, "toLane"))) for e in element.iterfind("validity")
        ]
        orientation = element.get("orientation", "none")
        travels_forward = {"+": not from_line, "-": from_line}.get(orientation)
        for lane in self._by_section.get((road.id, at), ()):
            if ranges:
                found = [r for r in ranges if min(r) <= lane.lane_id <= max(r)]
                if not found:
                    continue
                one_side = all(min(r) * max(r) > 0 for r in found)
            else:
                one_side = False
            if one_side or travels_forward is None or lane.forward == travels_forward:
                if lane.index not in self._found:
                    self._found[lane.index] = tuple(self._entered(lane))
                yield from self._found[lane.index]

    def _entered(self, lane: Lane) -> Iterator[int]:
        if lane.junction is not None:
            yield lane.index
            return
        seen = {lane.index}
        while True:
            ahead = [self._lanes[i] for i in lane.successors]
            same = [x for x in ahead if x.road_id == lane.road_id and x.index not in seen]
            if not same:
                yield from (x.index for x in ahead)
                return
            lane = same[0]
            seen.add(lane.index)


def read_signals(
    roads: Mapping[str, RoadRecord],
    lines: Mapping[str, ReferenceLine],
    lanes: Sequence[Lane],
    from_line: bool,
    notes: Notes,
) -> list[Signal]:
    """All signals of a map.

    Args:
        roads: by id.
        lines: their reference lines.
        lanes: of the whole map, linked.
        from_line: the file's editor measures hOffset from the reference line, whatever the orientation,
            and gives each orientation to the traffic against it.
        notes: what had to be assumed.
    """
    obedience = Obedience(lanes)
    signals: dict[str, Signal] = {}
    governed: dict[str, set[int]] = defaultdict(set)
    for road in roads.values():
        own = [e for e in road.element.iterfind("signals/signal") if beside(road, e, notes)]
        for element, place in zip(own, places(road, lines[road.id], own), strict=True):
            kind = signal_type(element)
            name = element.get("id", "")
            signals[name] = Signal(
                name,
                kind,
                place.x,
                place.y,
                place.z,
                _face(element, place, from_line),
                number(element, "height") or 1.0,
                _value(element, kind),
            )
        for element in (*own, *road.element.iterfind("signals/signalReference")):
            governed[element.get("id", "")].update(obedience.lanes(road, element, from_line))
    return [replace(signal, lanes=tuple(sorted(governed[name]))) for name, signal in signals.items()]
