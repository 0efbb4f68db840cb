import numpy as np
import pytest

from drive.sim.arrays import PATH_STEP
from drive.sim.maps.path import first_within, length, project, sample
from tests.sim.actors.paths import arc, path_from_curvature, straight


def beside(point, d):
    x, y, _, yaw = point[:4]
    return x - d * np.sin(yaw), y + d * np.cos(yaw)


@pytest.mark.parametrize("radius", [6.0, -6.0, 25.0, -80.0])
def test_samples_lie_on_the_circle(radius):
    points = arc(radius, 8.0)
    for s in np.arange(0.0, 8.0, 0.07):
        x, y, _, yaw, curvature, *_ = sample(points, 0, len(points), s)
        assert np.hypot(x, y - radius) == pytest.approx(abs(radius), abs=1e-6)
        assert yaw == pytest.approx(s / radius, abs=1e-5)
        assert curvature == pytest.approx(1.0 / radius)


@pytest.mark.parametrize("radius", [6.0, -6.0, 40.0])
@pytest.mark.parametrize("d", [-3.0, -0.4, 0.0, 1.0, 3.5])
def test_projection_on_an_arc_is_exact_to_a_tenth_of_a_millimetre(radius, d):
    points = arc(radius, 9.0)
    for s in np.arange(0.05, 9.0, 0.13):
        angle = s / radius
        x = (radius - d) * np.sin(angle)
        y = radius - (radius - d) * np.cos(angle)
        got = project(points, 0, len(points), x, y, s + 2.0)
        assert got[0] == pytest.approx(s, abs=1e-4)
        assert got[1] == pytest.approx(d, abs=1e-6)


def test_projection_inverts_sampling_on_clothoids_and_s_bends():
    points = path_from_curvature(lambda s: np.sin(s / 9.0) / 6.0, 90.0)
    guess = 0.0
    for s in np.arange(0.0, 90.0, 0.31):
        for d in (-2.0, 0.0, 1.3):
            x, y = beside(sample(points, 0, len(points), s), d)
            got_s, got_d = project(points, 0, len(points), x, y, guess)
            assert got_d == pytest.approx(d, abs=1e-6)
            assert got_s == pytest.approx(s, abs=1e-6)
            guess = got_s


def test_a_path_goes_on_straight_beyond_its_ends():
    points = arc(6.0, 6.0)
    total = length(0, len(points))
    assert total == 6.0
    for s in (-7.0, -0.01, total + 0.01, total + 9.0):
        at = sample(points, 0, len(points), s)
        x, y = beside(at, 0.5)
        assert project(points, 0, len(points), x, y, s) == pytest.approx((s, 0.5), abs=1e-9)
        assert at[4] == 0.0
    first = sample(points, 0, len(points), -2.0)
    assert first[0] == pytest.approx(-2.0)
    assert first[3] == 0.0


def test_samples_are_met_exactly_and_fields_are_interpolated():
    points = arc(20.0, 10.0)
    points["z"], points["left"] = np.arange(len(points)), 2.0 + np.arange(len(points))
    for i in range(len(points)):
        x, y, z, yaw, _, limit, left, right = sample(points, 0, len(points), i * PATH_STEP)
        assert (x, y, z, yaw) == pytest.approx(tuple(points[i][["x", "y", "z", "yaw"]]), abs=1e-12)
        assert (limit, left, right) == (13.9, 2.0 + i, 1.75)
    assert sample(points, 0, len(points), 0.25)[6] == pytest.approx(2.5)


def test_the_warm_started_search_stays_on_its_branch():
    """Out and back on parallel lanes 4 m apart: a point nearer to the way back still meets the way out."""

    def bend(s):
        return np.pi / 2.0 / np.pi if 30.0 <= s < 30.0 + 2.0 * np.pi else 0.0

    points = path_from_curvature(bend, 70.0)
    x, y = 15.0, 2.6
    assert project(points, 0, len(points), x, y, 14.0) == pytest.approx((15.0, 2.6), abs=1e-6)
    s, d = project(points, 0, len(points), x, y, 45.0)
    assert s > 40.0
    assert d == pytest.approx(1.4, abs=0.02)


def test_the_search_window_bounds_a_wrong_guess():
    points = straight(100.0)
    assert project(points, 0, len(points), 80.0, 1.0, 20.0)[0] <= 31.0
    assert project(points, 0, len(points), 10.0, 1.0, 50.0)[0] >= 44.0


def test_paths_in_one_array_do_not_see_each_other():
    points = np.concatenate([straight(20.0), straight(30.0, y=5.0)])
    begin = 41
    assert project(points, begin, len(points), 12.3, 4.0, 11.0) == pytest.approx((12.3, -1.0))
    assert sample(points, begin, len(points), -1.0)[:2] == pytest.approx((-1.0, 5.0))


def test_first_within_finds_the_first_touch_of_a_circle():
    points = straight(200.0)
    assert first_within(points, 0, len(points), 0.0, 200.0, 150.0, 3.0, 5.0) == pytest.approx(146.0, abs=0.5)
    assert first_within(points, 0, len(points), 0.0, 140.0, 150.0, 3.0, 5.0) == -1.0
    assert first_within(points, 0, len(points), 0.0, 200.0, 150.0, 6.0, 5.0) == -1.0
    assert first_within(points, 0, len(points), 160.0, 200.0, 150.0, 3.0, 5.0) == -1.0
