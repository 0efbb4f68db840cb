"""Lanes of small maps, computed by hand."""

import numpy as np
import pytest

from tests.polyline import Polyline
from tests.sim.maps.xodr import find, lane, read, road, section

ARC = '<geometry s="0" x="0" y="0" hdg="0" length="94.24777960769379"><arc curvature="0.05"/></geometry>'


def test_lanes_run_in_the_direction_of_travel(tmp_path) -> None:
    road_map = read(tmp_path, road())
    right, left = find(road_map, -1), find(road_map, 1)
    assert right.forward and not left.forward and not road_map.left_hand
    assert right.center[0].tolist() == pytest.approx([0.0, -1.75, 0.0])
    assert right.center[-1].tolist() == pytest.approx([100.0, -1.75, 0.0], abs=1e-6)
    assert left.center[0].tolist() == pytest.approx([100.0, 1.75, 0.0], abs=1e-6)
    assert left.headings == pytest.approx(np.pi)
    assert right.length == pytest.approx(100.0, abs=1e-6)


def test_neighbours_are_seen_in_the_direction_of_travel(tmp_path) -> None:
    road_map = read(tmp_path, road(sections=section(lane(2) + lane(1), lane(-1) + lane(-2))))
    one, two, left = find(road_map, -1), find(road_map, -2), find(road_map, 1)
    assert one.left_neighbour == left.index and one.right_neighbour == two.index
    assert left.left_neighbour == one.index and left.right_neighbour == find(road_map, 2).index
    assert two.right_neighbour is None


def test_left_hand_traffic_turns_directions_round(tmp_path) -> None:
    road_map = read(tmp_path, road(rule="LHT"))
    assert road_map.left_hand
    assert find(road_map, 1).forward and not find(road_map, -1).forward
    assert find(road_map, -1).right_neighbour == find(road_map, 1).index


def test_lane_direction_reversed(tmp_path) -> None:
    text = lane(-1).replace("<lane ", '<lane direction="reversed" ')
    assert not find(read(tmp_path, road(sections=section("", text))), -1).forward


def test_lanes_of_an_arc_have_their_own_radius(tmp_path) -> None:
    road_map = read(tmp_path, road(ARC, length=94.24777960769379))
    for lane_id, radius in ((-1, 21.75), (1, 18.25)):
        points = find(road_map, lane_id).center
        middles = 0.5 * (points[1:] + points[:-1])
        for places, tolerance in ((points, 1e-9), (middles, 2e-4)):
            assert np.hypot(places[:, 0], places[:, 1] - 20.0) == pytest.approx(radius, abs=tolerance)
        assert find(road_map, lane_id).length == pytest.approx(1.5 * np.pi * radius, rel=2e-5)


def test_straight_lanes_are_sampled_every_metre(tmp_path) -> None:
    assert len(find(read(tmp_path, road()), -1).s) == 101


def test_width_tapers_as_its_cubic(tmp_path) -> None:
    taper = '<width sOffset="0" a="0" b="0" c="0.0105" d="-0.00007"/>'
    right = find(read(tmp_path, road(sections=section("", lane(-1) + lane(-2, taper, width="")))), -2)
    x = right.center[:, 0]
    assert right.width == pytest.approx(0.0105 * x**2 - 7e-5 * x**3, abs=1e-5)
    assert right.center[:, 1] == pytest.approx(-3.5 - 0.5 * right.width)
    assert right.width[-1] == pytest.approx(35.0, abs=1e-4)


def test_borders_are_measured_from_the_centre_line(tmp_path) -> None:
    first = '<border sOffset="0" a="-3" b="-0.01" c="0" d="0"/>'
    second = '<border sOffset="0" a="-7" b="0" c="0" d="0"/>'
    sections = section("", lane(-1, first, width="") + lane(-2, second, width=""))
    offset = '<laneOffset s="0" a="1" b="0" c="0" d="0"/>'
    road_map = read(tmp_path, road(sections=sections, lane_offset=offset))
    one, two = find(road_map, -1), find(road_map, -2)
    assert one.width == pytest.approx(3.0 + 0.01 * one.center[:, 0], abs=1e-6)
    assert one.center[0, 1] == pytest.approx(1.0 - 1.5)
    assert two.width == pytest.approx(4.0 - 0.01 * two.center[:, 0], abs=1e-6)


def test_border_wins_only_without_width(tmp_path) -> None:
    both = '<border sOffset="0" a="-9" b="0" c="0" d="0"/>'
    assert find(read(tmp_path, road(sections=section("", lane(-1, both)))), -1).width == pytest.approx(3.5)


def test_a_section_ends_before_the_next_one_begins(tmp_path) -> None:
    offsets = '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="50" a="3.5" b="0" c="0" d="0"/>'
    sections = section("", lane(-1)) + section("", lane(-1) + lane(-2), s=50)
    road_map = read(tmp_path, road(sections=sections, lane_offset=offsets))
    first, second = find(road_map, -1), find(road_map, -2, at=1)
    assert first.center[:, 1] == pytest.approx(-1.75)
    assert second.center[:, 1] == pytest.approx(-1.75)
    assert first.center[-1] == pytest.approx(second.center[0], abs=1e-6)


def test_heights_are_kept_and_said_to_be_drawn_flat(tmp_path) -> None:
    profile = (
        '<elevationProfile><elevation s="0" a="10" b="0.05" c="0" d="0"/></elevationProfile>'
        '<lateralProfile><superelevation s="0" a="0.1" b="0" c="0" d="0"/></lateralProfile>'
    )
    road_map = read(tmp_path, road(before_lanes=profile))
    right = find(road_map, -1)
    assert right.center[:, 2] == pytest.approx(10.0 + 0.05 * right.center[:, 0] - 1.75 * np.sin(0.1))
    assert right.center[:, 1] == pytest.approx(-1.75)
    assert sum("flat" in warning for warning in road_map.warnings) == 2


def test_bridges_are_noted(tmp_path) -> None:
    across = '<geometry s="0" x="50" y="-50" hdg="1.5707963" length="100"><line/></geometry>'
    high = '<elevationProfile><elevation s="0" a="6" b="0" c="0" d="0"/></elevationProfile>'
    road_map = read(tmp_path, road(), road(across, name="2", before_lanes=high))
    assert any("bridges" in warning for warning in road_map.warnings)


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        ('max="30" unit="mph"', 13.4112),
        ('max="36" unit="km/h"', 10.0),
        ('max="7"', 7.0),
        ('max="5" unit="m/s"', 5.0),
    ],
)
def test_speed_units(tmp_path, speed: str, expected: float) -> None:
    kind = f'<type s="0" type="town"><speed {speed}/></type>'
    assert find(read(tmp_path, road(kind=kind)), -1).speed_limit == pytest.approx(expected)


def test_a_lane_speed_overrides_the_road(tmp_path) -> None:
    sections = section(lane(1), lane(-1, '<speed sOffset="0" max="18" unit="km/h"/>'))
    road_map = read(tmp_path, road(sections=sections))
    assert find(road_map, -1).speed_limit == pytest.approx(5.0)
    assert find(road_map, 1).speed_limit == pytest.approx(50 / 3.6)


def test_a_missing_speed_is_assumed_and_said(tmp_path) -> None:
    road_map = read(tmp_path, road(kind=""))
    assert find(road_map, -1).speed_limit == pytest.approx(50 / 3.6)
    assert any("no speed limit: 50 km/h" in warning for warning in road_map.warnings)


def test_far_coordinates_are_moved_to_an_origin(tmp_path) -> None:
    utm = '<geometry s="0" x="691234.5" y="5334567.25" hdg="0.3" length="100"><line/></geometry>'
    road_map, near = (
        read(tmp_path, road(utm)),
        read(tmp_path, road(utm.replace("691234.5", "0").replace("5334567.25", "0"))),
    )
    assert road_map.origin[0] == pytest.approx(691234.5, abs=100)
    shift = np.array([691234.5, 5334567.25]) - road_map.origin[:2]
    assert find(road_map, -1).center[:, :2] == pytest.approx(find(near, -1).center[:, :2] + shift, abs=1e-8)
    assert near.origin == (0.0, 0.0, 0.0)


def test_sloppy_files_are_read_with_warnings(tmp_path) -> None:
    plan = (
        '<geometry s="0" x="0" y="0" hdg="0" length="0"><line/></geometry>'
        '<geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry>'
    )
    sections = (
        section("", lane(-1, link='<successor id="-1"/>'))
        + section("", lane(-1, link='<predecessor id="-1"/><successor id="-1"/>'), s=40)
        + section("", lane(-1, link='<predecessor id="-1"/>'), s=40)
        + section("", lane(-1, '<width sOffset="0" a="-0.4" b="0" c="0" d="0"/>', width=""), s=70)
    )
    road_map = read(tmp_path, road(plan, sections, length=120.0))
    text = " ".join(road_map.warnings)
    for words in (
        "no length, or more than 100 km",
        "bridged",
        "width is negative",
        "length is not that of its geometry",
    ):
        assert words in text
    first, third = find(road_map, -1), find(road_map, -1, at=2)
    assert first.successors == (third.index,)
    assert find(road_map, -1, at=3).width == pytest.approx(0.0)


def test_every_sample_is_a_place_of_its_own(tmp_path) -> None:
    road_map = read(tmp_path, road(sections=section("", lane(-1)) + section("", lane(-1), s=99.995)))
    for x in road_map.lanes:
        assert Polyline(x.center[:, :2]).length == pytest.approx(x.length)
    assert find(road_map, -1, at=1).length == pytest.approx(0.005, abs=1e-6)
