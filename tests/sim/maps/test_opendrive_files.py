"""Real files read whole, and bad ones refused in one line."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from drive.commands.map import summarize
from drive.core.errors import UserError
from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.road_map import RoadMap
from tests.polyline import Polyline
from tests.sim.maps.xodr import document, lane, read_cached, road, section

FILES = (
    *(f"carla-2019/Town{n}" for n in ("01", "02", "07")),
    *(f"carla-2020/Town{n}" for n in ("01", "02", "07", "10HD")),
    *(f"esmini/{n}" for n in ("straight_500m", "curve_r100", "curves", "multi_intersections", "soderleden")),
    *(f"esmini/{n}" for n in ("e6mini", "fabriksgatan_traffic_lights")),
)
# roads, junctions, lane-km, of it in junctions, extent, z, lights
FIGURES = {
    "Town01": (122, 12, 6.40, 1.44, (407, 341), (0.0, 0.0), 36),
    "Town02": (84, 8, 2.92, 0.81, (210, 210), (0.0, 0.0), 24),
    "Town07": (277, 31, 7.15, 2.67, (294, 377), (-0.7, 9.4), 17),
    "Town10HD": (108, 9, 5.93, 2.82, (239, 225), (0.0, 0.0), 17),
}


@pytest.fixture(scope="module", params=FILES)
def road_map(request, shared: Path) -> RoadMap:
    return read_cached(shared / "maps" / f"{request.param}.xodr")


def test_lanes_are_whole_curves(road_map: RoadMap) -> None:
    for x in road_map.lanes:
        assert x.center.shape == (len(x.s), 3) and x.width.shape == x.s.shape and len(x.s) >= 2
        assert np.all(np.isfinite(x.center)) and x.width.min() >= 0.0 and x.s[0] == 0.0
        assert np.all(np.diff(x.s) > 0.0)
        assert Polyline(x.center[:, :2]).s == pytest.approx(x.s, abs=1e-9)
        assert 1.0 < x.speed_limit < 45.0


def test_marks_cover_each_border(road_map: RoadMap) -> None:
    for x in road_map.lanes:
        for marks in (x.left_marks, x.right_marks):
            if x.length > 0.01:
                edges = [marks[0].s_start, *(m.s_end for m in marks)]
                assert edges[0] == pytest.approx(0.0, abs=1e-4) and edges[-1] == pytest.approx(
                    x.length, abs=1e-4
                )
                assert all(a.s_end == pytest.approx(b.s_start) for a, b in itertools.pairwise(marks))


def test_linked_lanes_touch(road_map: RoadMap) -> None:
    for x in road_map.lanes:
        for y in (road_map.lanes[i] for i in x.successors):
            if x.type == "driving" and min(x.width[-1], y.width[0]) > 0.5:
                assert np.hypot(*(y.center[0] - x.center[-1])[:2]) < 0.05
                turn = np.angle(np.exp(1j * (y.headings[0] - x.headings[-1])))
                assert abs(turn) < 0.1 or min(x.length, y.length) < 0.5


def test_neighbours_lie_beside(road_map: RoadMap) -> None:
    for x in road_map.lanes:
        if x.left_neighbour is None or x.length < 1.0 or x.width.min() < 0.5:
            continue
        beside = road_map.lanes[x.left_neighbour]
        if beside.width.min() < 0.5:
            continue
        _, d = Polyline(x.center[:, :2]).local_coordinates(beside.center[len(beside.s) // 2, :2])
        assert d > 0.0


def test_strokes_and_surfaces_are_proper(road_map: RoadMap) -> None:
    assert road_map.surfaces and road_map.strokes
    for stroke in road_map.strokes:
        assert len(stroke.points) >= 2 and np.all(np.isfinite(stroke.points))
        assert (
            stroke.type in ("solid", "broken", "curb", "botts dots", "grass", "edge") and stroke.width > 0.0
        )
    for surface in road_map.surfaces:
        assert len(surface.polygon) >= 3 and np.all(np.isfinite(surface.polygon))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_the_towns(shared: Path, name: str) -> None:
    roads, junctions, total, inside, extent, z, lights = FIGURES[name]
    facts = summarize(read_cached(shared / "maps" / "carla-2020" / f"{name}.xodr"))
    assert (facts["roads"], facts["junctions"], facts["traffic_lights"]) == (roads, junctions, lights)
    assert facts["driving_lane_km"] == pytest.approx(total, abs=0.0051)
    assert facts["driving_lane_in_junctions_km"] == pytest.approx(inside, abs=0.0051)
    assert facts["extent_m"] == pytest.approx(extent, abs=0.51)
    assert facts["z_m"] == pytest.approx(z, abs=0.051)
    if name == "Town07":
        assert (facts["yield_signs"], facts["stop_signs"]) == (20, 19)


def test_esmini_curves_have_the_radius_of_their_name(shared: Path) -> None:
    road_map = read_opendrive(shared / "maps" / "esmini" / "curve_r100.xodr")
    (right,) = [x for x in road_map.lanes if x.type == "driving" and x.lane_id == -1]
    curvature = np.gradient(right.headings, right.s)
    assert np.abs(curvature).max() == pytest.approx(1.0 / 100.0, rel=0.03)


BAD = {
    "empty": b"",
    "blank": b" \n\t ",
    "binary": bytes(range(256)) * 20,
    "text": b"this is a shopping list",
    "html": b"<html><body/></html>",
    "no roads": document().encode(),
    "no lanes": document(road(sections=section())).encode(),
    "no drivable lane": document(
        road(sections=section(lane(1, kind="sidewalk"), lane(-1, kind="biking")))
    ).encode(),
    "only narrow lanes": document(road(sections=section("", lane(-1, width="1.2")))).encode(),
    "no geometry": document(road(plan="")).encode(),
    "bad encoding": b'<?xml version="1.0" encoding="klingon"?><OpenDRIVE/>',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.xodr"
    path.write_bytes(BAD[name])
    with pytest.raises(UserError) as caught:
        read_opendrive(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and ("; " in message or ", " in message)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.999])
def test_truncated_files_are_refused(shared: Path, tmp_path: Path, share: float) -> None:
    data = (shared / "maps" / "carla-2020" / "Town02.xodr").read_bytes()
    path = tmp_path / "cut.xodr"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match=r"damaged or cut off.*again"):
        read_opendrive(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_opendrive(tmp_path / "nowhere.xodr")
    with pytest.raises(UserError, match="is a folder"):
        read_opendrive(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.xodr"
    path.write_text(document(road()))
    path.chmod(0)
    with pytest.raises(UserError, match="permissions"):
        read_opendrive(path)


def test_namespaces_and_other_encodings_are_read(tmp_path: Path) -> None:
    text = document(road()).replace("<OpenDRIVE>", '<OpenDRIVE xmlns="http://code.asam.net/simulation">')
    path = tmp_path / "map.xodr"
    path.write_bytes(text.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"))
    assert len(read_opendrive(str(path)).lanes) == 2
