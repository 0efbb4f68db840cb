"""A map for left-hand traffic is the mirror image of the one for right-hand traffic."""

from pathlib import Path

import numpy as np
import pytest

from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.opendrive_marks import swap_sides
from drive.sim.maps.opendrive_mirror import mirror_opendrive
from drive.sim.maps.road_map import Mark, RoadMap
from tests.sim.maps.xodr import read_cached

MAPS = ("carla-2020/Town02", "carla-2020/Town07", "carla-2020/Town10HD", "esmini/multi_intersections")
FLIP = np.array([1.0, -1.0, 1.0])


@pytest.fixture(scope="module", params=(*MAPS, "esmini/soderleden"))
def pair(request, shared: Path, tmp_path_factory) -> tuple[RoadMap, RoadMap]:
    path = shared / "maps" / f"{request.param}.xodr"
    mirrored = tmp_path_factory.mktemp("mirror") / path.name
    mirrored.write_text(mirror_opendrive(path.read_text(encoding="utf-8")), encoding="utf-8")
    return read_cached(path), read_opendrive(mirrored)


def swapped(marks: tuple[Mark, ...]) -> list[tuple]:
    return [(m.s_start, m.s_end, swap_sides(m.type), m.color, m.width) for m in marks]


def plain(marks: tuple[Mark, ...]) -> list[tuple]:
    return [(m.s_start, m.s_end, m.type, m.color, m.width) for m in marks]


def test_every_lane_is_the_image_of_one(pair: tuple[RoadMap, RoadMap]) -> None:
    original, mirrored = pair
    assert mirrored.left_hand and not original.left_hand
    images = {(x.road_id, x.section, -x.lane_id): x for x in mirrored.lanes}
    assert len(images) == len(original.lanes)
    image_of = {x.index: images[x.road_id, x.section, x.lane_id].index for x in original.lanes}
    image_of[None] = None
    for x in original.lanes:
        image = mirrored.lanes[image_of[x.index]]
        assert image.center == pytest.approx(x.center * FLIP, abs=1e-9)
        assert image.width == pytest.approx(x.width, abs=1e-9)
        assert (image.type, image.junction, image.forward) == (x.type, x.junction, x.forward)
        assert image.speed_limit == x.speed_limit
        assert sorted(image.successors) == sorted(image_of[i] for i in x.successors)
        assert image.left_neighbour == image_of[x.right_neighbour]
        assert image.right_neighbour == image_of[x.left_neighbour]
        for ours, theirs in ((image.left_marks, x.right_marks), (image.right_marks, x.left_marks)):
            for a, b in zip(plain(ours), swapped(theirs), strict=True):
                assert a[2:] == b[2:] and a[:2] == pytest.approx(b[:2], abs=1e-9)


def test_signals_govern_the_images_of_their_lanes(pair: tuple[RoadMap, RoadMap]) -> None:
    original, mirrored = pair
    images = {(x.road_id, x.section, -x.lane_id): x.index for x in mirrored.lanes}
    for ours, theirs in zip(mirrored.signals, original.signals, strict=True):
        assert (ours.id, ours.type, ours.value) == (theirs.id, theirs.type, theirs.value)
        assert (ours.x, ours.y, ours.z) == pytest.approx((theirs.x, -theirs.y, theirs.z))
        assert np.cos(ours.yaw + theirs.yaw) == pytest.approx(1.0)
        governed = [original.lanes[i] for i in theirs.lanes]
        assert list(ours.lanes) == sorted(images[x.road_id, x.section, x.lane_id] for x in governed)


def test_paint_is_the_image_of_the_paint(pair: tuple[RoadMap, RoadMap]) -> None:
    original, mirrored = pair
    total = [
        sum(np.hypot(*np.diff(s.points, axis=0).T).sum() for s in x.strokes if s.type == "solid")
        for x in pair
    ]
    assert total[0] == pytest.approx(total[1], rel=0.01)
    assert len(original.surfaces) == pytest.approx(len(mirrored.surfaces), rel=0.1)


def test_twice_mirrored_is_the_map_itself(shared: Path, tmp_path: Path) -> None:
    path = shared / "maps" / "carla-2020" / "Town02.xodr"
    twice = tmp_path / path.name
    twice.write_text(mirror_opendrive(mirror_opendrive(path.read_text(encoding="utf-8"))), encoding="utf-8")
    original, again = read_cached(path), read_opendrive(twice)
    assert not again.left_hand
    for a, b in zip(original.lanes, again.lanes, strict=True):
        assert np.array_equal(a.center, b.center) and plain(a.left_marks) == plain(b.left_marks)
