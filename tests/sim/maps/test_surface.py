"""Surfaces from borders, and the ground between them."""

import cv2
import numpy as np
import pytest

from drive.sim.maps.road_map import Surface
from drive.sim.maps.surface import area, gaps, long_axis, offset_line, strip, zebra_bars


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def ring(material: str = "asphalt") -> list[Surface]:
    """Four strips, 4 m wide, around a hole of 6 m x 6 m."""
    corners = line((3, -3), (3, 3), (-3, 3), (-3, -3), (3, -3))
    outer = corners * (7.0 / 3.0)
    pairs = zip(range(4), range(1, 5), strict=True)
    return [strip(corners[[a, b]], outer[[a, b]], material) for a, b in pairs]


def size(surfaces: list[Surface]) -> float:
    return sum(cv2.contourArea(x.polygon.astype(np.float32)) for x in surfaces)


def covers(surfaces: list[Surface], x: float, y: float) -> bool:
    return any(cv2.pointPolygonTest(s.polygon.astype(np.float32), (x, y), False) >= 0 for s in surfaces)


def test_a_strip_goes_out_on_the_left_and_back_on_the_right() -> None:
    surface = strip(line((0, 1), (5, 1)), np.array([[0.0, -1.0, 7.0], [5.0, -1.0, 7.0]]), "median", 2)
    assert surface.polygon.tolist() == [[0, 1], [5, 1], [5, -1], [0, -1]]
    assert (surface.material, surface.layer) == ("median", 2)


def test_offset_lines_keep_their_distance() -> None:
    angles = np.linspace(0.0, np.pi, 400)
    circle = 10.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert np.hypot(*offset_line(circle, 2.0).T) == pytest.approx(8.0, abs=1e-3)
    assert offset_line(np.vstack([circle, circle[-1:]]), 0.0) == pytest.approx(circle)


def test_the_area_of_a_junction_has_no_hole_and_stays_below_its_strips() -> None:
    ground = area(ring())
    assert covers(ground, 0.0, 0.0) and covers(ground, 6.5, 0.0) and not covers(ground, 7.0, 0.0)
    assert size(ground) == pytest.approx(13.8**2, rel=0.02)


def test_gaps_are_what_lies_between() -> None:
    found = gaps(ring(), [])
    assert covers(found, 0.0, 0.0) and not covers(found, 5.0, 0.0)
    assert size(found) == pytest.approx(6.3**2, rel=0.1)


def test_large_holes_and_those_beside_sidewalks_stay_green() -> None:
    assert not covers(gaps(ring(), [], largest=30.0), 0.0, 0.0)
    assert gaps(ring("sidewalk"), []) == []


def test_zebra_bars_lie_along_the_short_side() -> None:
    square = line((0, 0), (6, 0), (6, 3), (0, 3))
    assert np.abs(long_axis(square)) == pytest.approx([1.0, 0.0], abs=1e-9)
    bars = zebra_bars(square)
    assert len(bars) == 6
    assert [np.ptp(bar, axis=0) for bar in bars] == [pytest.approx([0.5, 3.0])] * 6
