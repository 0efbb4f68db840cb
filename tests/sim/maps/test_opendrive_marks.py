"""Road marks on lanes and as strokes."""

import numpy as np
import pytest

from drive.sim.maps.surface import drop_doubles, join_strokes, mark_strokes
from tests.sim.maps.xodr import MARK, find, lane, read, road, section


def kinds(marks) -> list[tuple[str, float, float]]:
    return [(m.type, round(m.s_start, 3), round(m.s_end, 3)) for m in marks]


def test_marks_belong_to_outer_borders_and_the_centre_line(tmp_path) -> None:
    right = lane(-1, MARK.format("broken")) + lane(-2, MARK.format("solid"))
    left = lane(1, MARK.format("curb"))
    center = '<roadMark sOffset="0" type="solid" color="yellow" width="0.15"/>'
    road_map = read(tmp_path, road(sections=section(left, right, center=center)))
    one, two, other = find(road_map, -1), find(road_map, -2), find(road_map, 1)
    assert kinds(one.left_marks) == [("solid", 0.0, 100.0)] and one.left_marks[0].color == "yellow"
    assert kinds(one.right_marks) == kinds(two.left_marks) == [("broken", 0.0, 100.0)]
    assert kinds(two.right_marks) == [("solid", 0.0, 100.0)]
    assert kinds(other.left_marks) == [("solid", 0.0, 100.0)] and kinds(other.right_marks) == [
        ("curb", 0.0, 100.0)
    ]
    assert sorted((s.type, round(float(s.points[0, 1]), 2)) for s in road_map.strokes) == [
        ("broken", -3.5),
        ("curb", 3.5),
        ("solid", -7.0),
        ("solid", 0.0),
    ]


def test_marks_change_along_the_lane(tmp_path) -> None:
    marks = MARK.format("broken").replace('sOffset="0"', 'sOffset="20"') + MARK.format("solid").replace(
        'sOffset="0"', 'sOffset="70"'
    )
    road_map = read(tmp_path, road(sections=section(lane(1, marks), lane(-1, marks))))
    assert kinds(find(road_map, -1).right_marks) == [("none", 0, 20), ("broken", 20, 70), ("solid", 70, 100)]
    assert kinds(find(road_map, 1).right_marks) == [("solid", 0, 30), ("broken", 30, 80), ("none", 80, 100)]
    for stroke in road_map.strokes:
        x = (20.0, 70.0) if stroke.type == "broken" else (70.0, 100.0)
        assert (stroke.points[0, 0], stroke.points[-1, 0]) == pytest.approx(x, abs=1e-6)


def test_a_double_mark_shows_each_lane_its_own_line(tmp_path) -> None:
    center = '<roadMark sOffset="0" type="solid broken" color="yellow" width="0.1"/>'
    road_map = read(tmp_path, road(sections=section(lane(1), lane(-1), center=center)))
    right, left = find(road_map, -1), find(road_map, 1)
    assert right.left_marks[0].type == "solid broken"  # left to right along -1
    assert left.left_marks[0].type == "broken solid"
    lines = {stroke.type: float(stroke.points[:, 1].mean()) for stroke in road_map.strokes}
    assert lines == pytest.approx({"solid": 0.1, "broken": -0.1})


def test_outer_double_marks_name_the_inner_line_first(tmp_path) -> None:
    sections = section(
        lane(2) + lane(1, MARK.format("broken solid")), lane(-1, MARK.format("broken solid")) + lane(-2)
    )
    road_map = read(tmp_path, road(sections=sections))
    for lane_id in (-1, 1):
        assert find(road_map, lane_id).right_marks[0].type == "broken solid"
    assert find(road_map, -2).left_marks[0].type == "broken solid"
    assert find(road_map, 2).left_marks[0].type == "broken solid"
    broken = sorted(round(float(s.points[0, 1]), 2) for s in road_map.strokes if s.type == "broken")
    assert broken == [-3.38, 3.38]


def test_described_lines_give_dashes_and_offsets(tmp_path) -> None:
    lines = (
        '<roadMark sOffset="0" type="broken broken" color="standard" width="0.15"><type name="" '
        'width="0.15"><line length="6" space="12" tOffset="0.2" sOffset="0" width="0.15"/>'
        '<line length="6" space="12" tOffset="-0.2" sOffset="0" width="0"/></type></roadMark>'
    )
    strokes = read(tmp_path, road(sections=section("", lane(-1, lines)))).strokes
    assert [(s.type, s.dash, s.gap, s.width, s.color) for s in strokes] == [
        ("broken", 6.0, 12.0, 0.15, "white")
    ] * 2
    assert sorted(float(s.points[0, 1]) for s in strokes) == pytest.approx([-3.7, -3.3])


def test_explicit_lines_are_drawn_where_they_are(tmp_path) -> None:
    mark = (
        '<roadMark sOffset="10" type="custom" color="white" width="0.2"><explicit>'
        '<line length="5" sOffset="3" tOffset="0"/><line length="4" sOffset="20" tOffset="1"/>'
        "</explicit></roadMark>"
    )
    strokes = read(tmp_path, road(sections=section("", lane(-1, mark)))).strokes
    ends = [(s.points[0, 0], s.points[-1, 0], s.points[0, 1]) for s in strokes]
    assert ends == [pytest.approx((13.0, 18.0, -3.5), abs=1e-6), pytest.approx((30.0, 34.0, -2.5), abs=1e-6)]


def test_weight_gives_the_width(tmp_path) -> None:
    mark = '<roadMark sOffset="0" type="solid" weight="bold" color="white"/>'
    assert find(read(tmp_path, road(sections=section("", lane(-1, mark)))), -1).right_marks[0].width == 0.25


def test_strokes_go_on_over_sections(tmp_path) -> None:
    part = lane(-1, MARK.format("broken"))
    road_map = read(
        tmp_path, road(sections=section("", part) + section("", part, s=33) + section("", part, s=70))
    )
    (stroke,) = road_map.strokes
    assert np.ptp(stroke.points[:, 0]) == pytest.approx(100.0, abs=1e-6)


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def test_joined_strokes_may_turn_round_but_do_not_choose_at_forks() -> None:
    (a,) = mark_strokes(line((0, 0), (10, 0)), "broken")
    (b,) = mark_strokes(line((20, 0), (10, 0.001)), "broken")
    (c,) = mark_strokes(line((10, 0), (10, 5)), "broken")
    (solid,) = mark_strokes(line((20, 0), (30, 0)), "solid")
    (joined, other) = join_strokes([a, b, solid])
    assert len(joined.points) == 3 and other is not joined
    assert len(join_strokes([a, b, c])) == 3


def test_a_ring_is_joined_once() -> None:
    angles = np.linspace(0.0, 2.0 * np.pi, 9)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) * 10.0
    strokes = [x for i in range(8) for x in mark_strokes(circle[i : i + 2], "solid")]
    (ring,) = join_strokes(strokes)
    assert len(ring.points) == 9


def test_doubles_are_dropped() -> None:
    strokes = mark_strokes(line((0, 0), (20, 0)), "solid") + mark_strokes(
        line((15, 0.02), (5, 0.02)), "solid"
    )
    strokes += mark_strokes(line((5, 0.0), (15, 0.0)), "solid", "yellow") + mark_strokes(
        line((5, 0), (15, 4)), "solid"
    )
    assert drop_doubles(strokes) == [strokes[0], strokes[3], strokes[2]]


def test_double_marks_stand_apart_by_their_width() -> None:
    left, right = mark_strokes(line((0, 0), (10, 0)), "solid broken", width=0.15)
    assert (left.type, right.type) == ("solid", "broken")
    assert left.points[:, 1] == pytest.approx(0.15) and right.points[:, 1] == pytest.approx(-0.15)
    assert mark_strokes(line((0, 0), (10, 0)), "none") == []


NORTH = '<geometry s="0" x="50" y="-50" hdg="1.5707963267948966" length="100"><line/></geometry>'
BESIDE = '<geometry s="0" x="0" y="7.5" hdg="0" length="100"><line/></geometry>'
EAST = '<geometry s="0" x="100" y="0" hdg="0" length="100"><line/></geometry>'


def test_paint_below_another_road_is_not_drawn(tmp_path) -> None:
    sides = section(lane(1, MARK.format("solid")), lane(-1, MARK.format("solid")))
    stop = (
        '<objects><object id="1" type="-1" name="StopLine" s="50" t="-2"><outline>'
        '<cornerRoad s="48" t="-3"/><cornerRoad s="48" t="3"/></outline></object></objects>'
    )
    crossing = road(NORTH, section(lane(1, MARK.format("curb")), lane(-1, MARK.format("curb"))), name="2")
    road_map = read(tmp_path, road(sections=sides, after_lanes=stop), crossing)
    for line in ("solid", "curb"):
        strokes = [s for s in road_map.strokes if s.type == line and s.width < 0.3]
        along = 0 if line == "solid" else 1
        ends = sorted(round(float(v), 1) for s in strokes for v in sorted(s.points[[0, -1], along]))
        middle = 50.0 if line == "solid" else 0.0
        gaps = [v for v in ends if abs(v - middle) < 10.0]
        assert len(strokes) == 4 and len(gaps) == 4
        assert gaps == pytest.approx([middle - 3.5] * 2 + [middle + 3.5] * 2, abs=0.6)
    assert [len(s.points) for s in road_map.strokes if s.width == 0.3] == [2]  # the stop line crosses


@pytest.mark.parametrize("plan", [BESIDE, EAST])
def test_roads_side_by_side_or_end_to_end_keep_their_lines(tmp_path, plan: str) -> None:
    sides = section(lane(1, MARK.format("solid")), lane(-1, MARK.format("solid")))
    road_map = read(tmp_path, road(sections=sides), road(plan, sides, name="2"))
    assert sum(round(float(np.ptp(s.points[:, 0]))) for s in road_map.strokes) == 400


@pytest.mark.parametrize("height, gaps", [(8.0, [0]), (-8.0, [1]), (1.0, [0, 1])])
def test_the_lines_of_the_upper_of_two_roads_go_on(tmp_path, height: float, gaps: list[int]) -> None:
    profile = f'<elevationProfile><elevation s="0" a="{height}" b="0" c="0" d="0"/></elevationProfile>'
    sides = section(lane(1, MARK.format("solid")), lane(-1, MARK.format("solid")))
    road_map = read(tmp_path, road(sections=sides), road(NORTH, sides, name="2", before_lanes=profile))
    for axis in (0, 1):  # along the road to the east, along the one to the north
        lengths = [np.ptp(s.points[:, axis]) for s in road_map.strokes if np.ptp(s.points[:, axis]) > 1.0]
        assert sum(lengths) == pytest.approx(186.0 if axis in gaps else 200.0, abs=2.0)


@pytest.mark.parametrize("crossed", [False, True])
def test_lanes_of_junctions_know_what_stays_painted(tmp_path, crossed: bool) -> None:
    sides = section(right=lane(-1, MARK.format("solid")))
    wide = road(NORTH, section(lane(1, width="35"), lane(-1, width="35")), name="2", junction="9")
    road_map = read(tmp_path, road(sections=sides, junction="9"), *([wide] if crossed else []))
    assert find(road_map, -1).right_marks[0].type == "solid"
    assert find(road_map, -1).painted == pytest.approx(0.3 if crossed else 1.0, abs=0.02)
