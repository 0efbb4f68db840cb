"""Which lane follows which."""

import pytest

from tests.sim.maps.xodr import document, find, lane, read, road, section

NEXT = '<successor id="{}"/>'
BEFORE = '<predecessor id="{}"/>'
EAST = '<geometry s="0" x="100" y="0" hdg="0" length="100"><line/></geometry>'
WEST = '<geometry s="0" x="200" y="0" hdg="3.141592653589793" length="100"><line/></geometry>'


def test_sections_of_a_road(tmp_path) -> None:
    sections = section(lane(1, link=NEXT.format(2)), lane(-1, link=NEXT.format(-1))) + section(
        lane(2, link=BEFORE.format(1)) + lane(1), lane(-1, link=BEFORE.format(-1)), s=60
    )
    road_map = read(tmp_path, road(sections=sections))
    assert find(road_map, -1).successors == (find(road_map, -1, at=1).index,)
    assert find(road_map, 2, at=1).successors == (find(road_map, 1).index,)
    assert find(road_map, 1).predecessors == (find(road_map, 2, at=1).index,)
    assert find(road_map, 1, at=1).successors == ()


def test_roads_that_go_on(tmp_path) -> None:
    first = road(
        sections=section(lane(1, link=NEXT.format(1)), lane(-1, link=NEXT.format(-1))),
        link='<successor elementType="road" elementId="2" contactPoint="start"/>',
    )
    road_map = read(tmp_path, first, road(EAST, name="2"))
    assert find(road_map, -1).successors == (find(road_map, -1, "2").index,)
    assert find(road_map, 1, "2").successors == (find(road_map, 1).index,)


@pytest.mark.parametrize("contact", ['contactPoint="end"', ""])
def test_roads_that_meet_end_to_end(tmp_path, contact: str) -> None:
    first = road(
        sections=section(lane(1, link=NEXT.format(-1)), lane(-1, link=NEXT.format(1))),
        link=f'<successor elementType="road" elementId="2" {contact}/>',
    )
    road_map = read(tmp_path, first, road(WEST, name="2"))
    assert find(road_map, -1).successors == (find(road_map, 1, "2").index,)
    assert find(road_map, -1, "2").successors == (find(road_map, 1).index,)
    assert any("no contactPoint" in warning for warning in road_map.warnings) == (not contact)


def crossing(contact: str = "start") -> tuple[str, ...]:
    """Road 1 leads east into junction 9; road 5 goes on from its lane -1; road 2 follows."""
    first = road(link='<successor elementType="junction" elementId="9"/>')
    plan = EAST if contact == "start" else WEST
    inside = lane(-1, link=BEFORE.format(-1) + NEXT.format(-1))
    ends = ("predecessor", "successor")
    if contact == "end":
        inside, ends = lane(1, link=NEXT.format(-1) + BEFORE.format(-1)), ends[::-1]
    connecting = road(
        plan,
        section("", inside) if contact == "start" else section(inside, ""),
        name="5",
        junction="9",
        kind="",
        link=f'<{ends[0]} elementType="road" elementId="1" contactPoint="end"/>'
        f'<{ends[1]} elementType="road" elementId="2" contactPoint="start"/>',
    )
    last = road(
        EAST.replace('x="100"', 'x="200"'),
        name="2",
        link='<predecessor elementType="junction" elementId="9"/>',
    )
    to = -1 if contact == "start" else 1
    junction = (
        f'<junction id="9" name=""><connection id="0" incomingRoad="1" connectingRoad="5" '
        f'contactPoint="{contact}"><laneLink from="-1" to="{to}"/></connection></junction>'
    )
    return first, connecting, last, junction


@pytest.mark.parametrize("contact", ["start", "end"])
def test_a_junction(tmp_path, contact: str) -> None:
    road_map = read(tmp_path, *crossing(contact))
    inside = find(road_map, -1 if contact == "start" else 1, "5")
    assert inside.junction == "9" and [j.id for j in road_map.junctions] == ["9"]
    assert road_map.junctions[0].lanes == (inside.index,)
    assert find(road_map, -1).successors == (inside.index,)
    assert inside.successors == (find(road_map, -1, "2").index,)
    assert inside.predecessors == (find(road_map, -1).index,)


def test_connecting_lanes_take_the_speed_of_the_lane_before(tmp_path) -> None:
    assert find(read(tmp_path, *crossing()), -1, "5").speed_limit == pytest.approx(50 / 3.6)


def test_a_direct_junction_links_roads_without_connecting_ones(tmp_path) -> None:
    first = road(link='<successor elementType="junction" elementId="9"/>')
    second = road(EAST, name="2", link='<predecessor elementType="junction" elementId="9"/>')
    junction = (
        '<junction id="9" type="direct"><connection incomingRoad="1" linkedRoad="2" contactPoint="start">'
        '<laneLink from="-1" to="-1"/><laneLink from="1" to="1"/></connection></junction>'
    )
    road_map = read(tmp_path, first, second, junction)
    assert find(road_map, -1).successors == (find(road_map, -1, "2").index,)
    assert find(road_map, 1, "2").successors == (find(road_map, 1).index,)


def test_links_to_nowhere_are_noted(tmp_path) -> None:
    first = road(
        sections=section("", lane(-1, link=NEXT.format(-1))),
        link='<successor elementType="road" elementId="77" contactPoint="start"/>',
    )
    junction = '<junction id="9"><connection incomingRoad="1" connectingRoad="88"/></junction>'
    road_map = read(tmp_path, first, junction)
    assert sum("not there" in warning for warning in road_map.warnings) == 2


def test_links_are_mutual_and_lanes_are_numbered(tmp_path) -> None:
    road_map = read(tmp_path, *crossing())
    for i, x in enumerate(road_map.lanes):
        assert x.index == i
        assert all(i in road_map.lanes[k].predecessors for k in x.successors)
        assert all(i in road_map.lanes[k].successors for k in x.predecessors)
    assert "junction" in document(*crossing())
