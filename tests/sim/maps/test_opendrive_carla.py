"""Lanes, marks and links of real maps against CARLA's own reader."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drive.sim.maps.opendrive import load_root
from drive.sim.maps.opendrive_notes import Notes
from drive.sim.maps.opendrive_xml import parse_roads
from drive.sim.maps.road_map import Mark, RoadMap
from tests.polyline import Polyline
from tests.sim.maps.xodr import read_cached

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 13) or sys.platform != "linux" or platform.machine() != "x86_64",
    reason="the carla wheel exists for Python up to 3.12 on x86-64 Linux only",
)
TOWNS = ("Town01", "Town02", "Town07", "Town10HD")
ORACLE = Path(__file__).with_name("carla_oracle.py")
MARK_NAMES = {
    "none": "NONE",
    "solid": "Solid",
    "broken": "Broken",
    "solid solid": "SolidSolid",
    "solid broken": "SolidBroken",
    "broken solid": "BrokenSolid",
    "broken broken": "BrokenBroken",
    "curb": "Curb",
}
COLORS = {"white": ("White", "Standard"), "yellow": ("Yellow",)}
BEFORE_END = 0.005  # where a lane's successors are asked for [m]


class Answers:
    """What CARLA says about one map: waypoints by lane, every metre, and what follows each lane."""

    def __init__(self, path: Path, road_map: RoadMap, folder: Path) -> None:
        roads = parse_roads(load_root(path), Notes())
        asked: dict[str, list] = {
            "road": [],
            "lane": [],
            "s": [],
            "end_road": [],
            "end_lane": [],
            "end_s": [],
        }
        owner = []
        for lane in road_map.lanes:
            sections = roads[lane.road_id].sections
            first = sections[lane.section].s
            last = roads[lane.road_id].length
            if lane.section + 1 < len(sections):
                last = sections[lane.section + 1].s
            s = np.append(np.arange(first + 1e-4, last - 1e-3, 1.0), last - 1e-3)
            owner += [lane.index] * len(s)
            asked["road"] += [int(lane.road_id)] * len(s)
            asked["lane"] += [lane.lane_id] * len(s)
            asked["s"] += s.tolist()
            asked["end_road"].append(int(lane.road_id))
            asked["end_lane"].append(lane.lane_id)
            asked["end_s"].append(last - BEFORE_END if lane.forward else first + BEFORE_END)
        queries, answers = folder / "queries.npz", folder / "answers.json"
        np.savez(queries, step=2.0 * BEFORE_END, **{key: np.array(value) for key, value in asked.items()})
        subprocess.run([sys.executable, str(ORACLE), str(path), str(queries), str(answers)], check=True)
        found = json.loads(answers.read_text())
        self.following = found["following"]
        self.signals = found["signals"]
        self.points: dict[int, list] = {lane.index: [] for lane in road_map.lanes}
        assert all(point is not None for point in found["points"])
        for index, point in zip(owner, found["points"], strict=True):
            self.points[index].append(point)

    def column(self, lane: int, *columns: int) -> np.ndarray:
        return np.array([[point[c] for c in columns] for point in self.points[lane]])


@pytest.fixture(scope="module", params=TOWNS)
def town(request, shared: Path, tmp_path_factory) -> tuple[RoadMap, Answers]:
    path = shared / "maps" / "carla-2020" / f"{request.param}.xodr"
    road_map = read_cached(path)
    return road_map, Answers(path, road_map, tmp_path_factory.mktemp(request.param))


def test_lane_centres_agree_to_a_millimetre_every_metre(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    for lane in road_map.lanes:
        theirs = answers.column(lane.index, 0, 1, 2)
        s, d = Polyline(lane.center[:, :2]).local_coordinates(theirs[:, :2])
        assert np.abs(d).max() < 1e-3, f"road {lane.road_id} lane {lane.lane_id}"
        assert np.abs(np.interp(s, lane.s, lane.center[:, 2]) - theirs[:, 2]).max() < 1e-3
        ends = theirs[[0, -1]] if lane.forward else theirs[[-1, 0]]
        assert lane.center[[0, -1], :2] == pytest.approx(ends[:, :2], abs=2e-3)


def test_widths_agree_to_a_millimetre(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    for lane in road_map.lanes:
        s, _ = Polyline(lane.center[:, :2]).local_coordinates(answers.column(lane.index, 0, 1))
        theirs = answers.column(lane.index, 3)[:, 0]
        assert np.interp(s, lane.s, lane.width) == pytest.approx(theirs, abs=1e-3)


def mark_at(marks: tuple[Mark, ...], s: float) -> list[Mark]:
    """The mark at s; both where one changes into the other."""
    return [mark for mark in marks if mark.s_start - 2e-3 <= s <= mark.s_end + 2e-3]


def test_marks_have_the_same_types_and_colours(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    compared = 0
    for lane in road_map.lanes:
        places, _ = Polyline(lane.center[:, :2]).local_coordinates(answers.column(lane.index, 0, 1))
        for s, point in zip(places, answers.points[lane.index], strict=True):
            for marks, kind, color in ((lane.left_marks, *point[4:7:2]), (lane.right_marks, *point[5:8:2])):
                found = mark_at(marks, s)
                assert kind in [MARK_NAMES[mark.type] for mark in found], (lane.road_id, lane.lane_id, s)
                if kind not in ("NONE", "Curb"):
                    assert any(color in COLORS[mark.color] for mark in found)
                    compared += 1
    assert compared > 500


def test_lanes_follow_each_other_as_in_carla(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    for lane, theirs in zip(road_map.lanes, answers.following, strict=True):
        ours = [road_map.lanes[i] for i in lane.successors]
        assert sorted((int(x.road_id), x.section, x.lane_id) for x in ours) == sorted(map(tuple, theirs))


def test_kinds_of_lanes_and_junctions_agree(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    for lane in road_map.lanes:
        assert {point[8].lower() for point in answers.points[lane.index]} == {lane.type}
        assert {point[10] for point in answers.points[lane.index]} == {lane.junction is not None}


def test_every_light_and_sign_is_found(town: tuple[RoadMap, Answers]) -> None:
    road_map, answers = town
    theirs = {name for name, kind in answers.signals if kind in ("1000001", "205", "206")}
    ours = {signal.id for signal in road_map.signals if signal.type in ("light", "stop", "yield")}
    assert ours == theirs
    assert all(signal.lanes for signal in road_map.signals if signal.type in ("light", "stop", "yield"))
