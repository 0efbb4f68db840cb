"""Which lane follows which: road links, lane links and junction connections as one graph."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element

from drive.sim.maps.opendrive_notes import Notes
from drive.sim.maps.opendrive_xml import RoadLink, RoadRecord, number

LaneKey = tuple[str, int, int]  # road id, section, lane id
End = tuple[LaneKey, bool]  # a lane and whether its start (along the reference line) is meant
Nearest = Callable[[RoadRecord, bool, RoadRecord], bool]


class LaneGraph:
    """Which ends of lanes touch.

    Links are gathered without direction, since files give them from one side or from both; the direction
    of travel then says which lane follows which.
    """

    def __init__(self) -> None:
        self._touching: dict[End, dict[End, None]] = defaultdict(dict)

    def connect(self, a: End, b: End) -> None:
        """Note that two ends touch."""
        self._touching[a][b] = None
        self._touching[b][a] = None

    def _across(self, end: End, alive: Mapping[LaneKey, bool], notes: Notes) -> list[LaneKey]:
        """Lanes that begin where `end` leads, through lanes that are too short to be kept."""
        found, seen, ends = [], {end}, [end]
        while ends:
            for key, at_start in self._touching.get(ends.pop(), ()):
                if (key, at_start) in seen:
                    continue
                notes.spend("links of lanes", 1, f"road {key[0]} lane {key[2]}")
                seen.add((key, at_start))
                if key not in alive:
                    ends.append((key, not at_start))
                elif alive[key] == at_start:  # it is driven away from this end
                    found.append(key)
        return found

    def successors(self, forward: Mapping[LaneKey, bool], notes: Notes) -> dict[LaneKey, list[LaneKey]]:
        """The lanes that follow each lane; `forward` holds the lanes that are kept."""
        return {key: self._across((key, not along), forward, notes) for key, along in forward.items()}


def _contact(
    road: RoadRecord,
    at_start: bool,
    link: RoadLink,
    other: RoadRecord,
    nearest: Nearest,
    notes: Notes,
) -> bool:
    """Whether a road link meets the other road's start."""
    if link.at_start is not None:
        return link.at_start
    notes.add("A road link has no contactPoint: the nearer end taken", f"road {road.id}")
    return nearest(road, at_start, other)


def _end_section(road: RoadRecord, at_start: bool) -> int:
    return 0 if at_start else len(road.sections) - 1


def _link_road(
    graph: LaneGraph, road: RoadRecord, roads: Mapping[str, RoadRecord], nearest: Nearest, notes: Notes
) -> None:
    count = len(road.sections)
    for index, section in enumerate(road.sections):
        for lane in section.lanes.values():
            for at_start, ids in ((True, lane.predecessors), (False, lane.successors)):
                if not ids:
                    continue
                here: End = ((road.id, index, lane.id), at_start)
                beside = index - 1 if at_start else index + 1
                if 0 <= beside < count:
                    for i in ids:
                        graph.connect(here, ((road.id, beside, i), not at_start))
                    continue
                link = road.predecessor if at_start else road.successor
                if link is None or link.junction:
                    continue
                other = roads.get(link.id)
                if other is None:
                    notes.add("A road links to a road that is not there", f"road {road.id} to {link.id}")
                    continue
                met = _contact(road, at_start, link, other, nearest, notes)
                for i in ids:
                    graph.connect(here, ((other.id, _end_section(other, met), i), met))


def _incoming_end(
    incoming: RoadRecord, connecting: RoadRecord, at_start: bool, junction: str, nearest: Nearest
) -> bool:
    """Which end of the incoming road (its start: True) a connecting road's end touches."""
    link = connecting.predecessor if at_start else connecting.successor
    if link is not None and not link.junction and link.id == incoming.id and link.at_start is not None:
        return link.at_start
    ends = [
        at
        for at, own in ((True, incoming.predecessor), (False, incoming.successor))
        if own is not None and own.junction and own.id == junction
    ]
    return ends[0] if len(ends) == 1 else nearest(connecting, at_start, incoming)


def _link_junction(
    graph: LaneGraph, junction: Element, roads: Mapping[str, RoadRecord], nearest: Nearest, notes: Notes
) -> None:
    name = junction.get("id", "")
    for connection in junction.iterfind("connection"):
        incoming = roads.get(connection.get("incomingRoad", ""))
        connecting = roads.get(connection.get("connectingRoad") or connection.get("linkedRoad") or "")
        if incoming is None or connecting is None:
            notes.add("A junction connects a road that is not there", f"junction {name}")
            continue
        contact = connection.get("contactPoint")
        if contact not in ("start", "end"):
            notes.add("A junction connection has no contactPoint: start taken", f"junction {name}")
        at_start = contact != "end"
        met = _incoming_end(incoming, connecting, at_start, name, nearest)
        for link in connection.iterfind("laneLink"):
            a = (incoming.id, _end_section(incoming, met), int(number(link, "from")))
            b = (connecting.id, _end_section(connecting, at_start), int(number(link, "to")))
            graph.connect((a, met), (b, at_start))


def build_graph(root: Element, roads: Mapping[str, RoadRecord], nearest: Nearest, notes: Notes) -> LaneGraph:
    """All touching lane ends of a map.

    Args:
        root: the OpenDRIVE element, for its junctions.
        roads: by id.
        nearest: (road, at_start, other) -> whether the other road's start is nearer to that end than its end.
        notes: what had to be assumed.
    """
    graph = LaneGraph()
    for road in roads.values():
        _link_road(graph, road, roads, nearest, notes)
    for junction in root.iterfind("junction"):
        _link_junction(graph, junction, roads, nearest, notes)
    return graph
