"""Pictures from above."""

import numpy as np
import pytest

from drive.sim.maps.road_map import Stroke
from drive.sim.maps.topdown import GRASS, MATERIAL_COLORS, PAINT_COLORS, dashes, draw_map, draw_scale
from tests.sim.maps.xodr import lane, read, road, section

CENTER_LINE = '<roadMark sOffset="0" type="solid" color="yellow" width="0.4"/>'


@pytest.fixture
def street(tmp_path):
    sections = section(lane(1), lane(-1) + lane(-2, kind="sidewalk"), center=CENTER_LINE)
    return read(tmp_path, road(sections=sections))


def pixel(transform: np.ndarray, x: float, y: float) -> tuple[int, int]:
    """(row, column)."""
    column, row, one = transform @ [x, y, 1.0]
    assert one == 1.0
    return round(row), round(column)


def test_what_lies_where_is_seen_there(street) -> None:
    picture, transform = draw_map(street, 640, 200)
    assert picture.shape == (200, 640, 3) and picture.dtype == np.uint8
    for (x, y), color in {
        (20.0, -2.2): MATERIAL_COLORS["asphalt"],
        (20.0, -5.2): MATERIAL_COLORS["sidewalk"],
        (20.0, 0.0): PAINT_COLORS["yellow"],
        (20.0, 8.0): GRASS,
        (-4.0, 0.0): GRASS,
    }.items():
        assert picture[pixel(transform, x, y)] == pytest.approx(np.array(color), abs=3)


def test_scale_and_centre_are_those_asked_for(street) -> None:
    picture, transform = draw_map(street, 301, 201, center=(30.0, -1.0), meters_per_px=0.1)
    assert pixel(transform, 30.0, -1.0) == (100, 150)
    assert pixel(transform, 31.0, 1.0) == (80, 160)
    assert picture.shape == (201, 301, 3)
    assert picture[pixel(transform, 25.0, -3.2)] == pytest.approx(np.array(MATERIAL_COLORS["asphalt"]), abs=3)


def test_the_whole_map_fits(street) -> None:
    picture, transform = draw_map(street, 200, 400)
    for x, y in ((0.0, 3.5), (100.0, -7.0)):
        row, column = pixel(transform, x, y)
        assert 0 <= row < 400 and 0 <= column < 200
    assert tuple(picture[0, 0]) == GRASS


def test_large_pictures_look_the_same(street, monkeypatch) -> None:
    fine, _ = draw_map(street, 400, 300)
    monkeypatch.setattr("drive.sim.maps.topdown.FINE_PIXELS", 0)
    coarse, _ = draw_map(street, 400, 300)
    assert np.abs(fine.astype(int) - coarse).mean() < 3.0


def test_dashes_keep_their_lengths() -> None:
    bent = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    parts = list(dashes(Stroke(bent, "broken", dash=3.0, gap=6.0)))
    assert [tuple(p[0]) for p in parts] == [(0.0, 0.0), (9.0, 0.0), (10.0, 8.0)]
    assert tuple(parts[1][-1]) == (10.0, 2.0) and tuple(parts[2][-1]) == (10.0, 10.0)
    assert len(list(dashes(Stroke(bent, "solid")))) == 1


def test_the_scale_is_drawn_into_the_corner(street) -> None:
    picture, transform = draw_map(street, 640, 200)
    before = picture.copy()
    draw_scale(picture, float(1.0 / transform[0, 0]))
    changed = np.argwhere((picture != before).any(axis=2))
    assert len(changed) and changed[:, 0].min() > 120 and changed[:, 1].max() < 200
