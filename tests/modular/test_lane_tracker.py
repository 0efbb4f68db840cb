import numpy as np
import pytest

from drive.modular import fit
from drive.modular.lane_search import score_lane, search_lane
from drive.modular.lane_tracker import SEGMENTS, LaneTracker
from drive.modular.local_map import CELL, CELLS, MARK, SEEN, LocalMap


def paint(memory: LocalMap, points: np.ndarray) -> None:
    """Marks of a cell and its softer neighbours, as the detector leaves them."""
    memory.grid[..., SEEN] = 1.0
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            rows = (np.floor(points[:, 0] / CELL).astype(int) + dx) & (CELLS - 1)
            columns = (np.floor(points[:, 1] / CELL).astype(int) + dy) & (CELLS - 1)
            memory.grid[rows, columns, MARK] = np.maximum(
                memory.grid[rows, columns, MARK], 1.0 - 0.35 * (abs(dx) + abs(dy))
            )


def borders(curvature, width: float, anchor=(-3.0, 0.0, 0.0)) -> np.ndarray:
    line = np.zeros((len(curvature) * fit.STATIONS + 1, 3))
    fit.trace(np.array(anchor), np.asarray(curvature, float), line)
    fine = np.stack(
        [np.interp(np.linspace(0, len(line) - 1, 900), np.arange(len(line)), c) for c in line.T], 1
    )
    normal = np.stack([-np.sin(fine[:, 2]), np.cos(fine[:, 2])], axis=1)
    return np.concatenate([fine[:, :2] + 0.5 * side * width * normal for side in (1, -1)])


def test_trace_of_constant_curvature_is_a_circle():
    line = np.zeros((SEGMENTS * fit.STATIONS + 1, 3))
    fit.trace(np.zeros(3), np.full(SEGMENTS, 0.1), line)
    assert np.hypot(line[:, 0], line[:, 1] - 10.0) == pytest.approx(np.full(len(line), 10.0), abs=0.01)


@pytest.mark.parametrize("radius", [6.0, -6.0, 25.0])
def test_the_search_finds_a_corner_ten_metres_ahead_of_a_lane_believed_straight(radius):
    curvature = np.zeros(SEGMENTS)
    curvature[8:14] = 1.0 / radius
    memory = LocalMap()
    paint(memory, borders(curvature, 3.4))
    tracker = LaneTracker(memory.pose)
    out = np.zeros(3 + SEGMENTS)
    starts = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -0.15], [0.15, 0.0, 0.0]])
    args = (memory.grid, tracker.anchor, tracker.width, tracker.margin, tracker.curvature)
    variance = np.full(SEGMENTS, 0.03**2)
    score = search_lane(*args, variance, 0, SEGMENTS, starts, np.zeros(3), out)
    assert score > score_lane(*args, SEGMENTS) + 5.0
    found = np.zeros_like(tracker.line)
    fit.trace(tracker.anchor, out[3:], found)
    truth = np.zeros_like(tracker.line)
    fit.trace(tracker.anchor, curvature, truth)
    near = slice(0, 15 * fit.STATIONS)
    assert np.hypot(*(found - truth)[near, :2].T).max() < 0.5


def test_measured_borders_pull_a_wrong_lane_onto_the_painted_one():
    curvature = np.full(SEGMENTS, 0.002)
    memory = LocalMap()
    paint(memory, borders(curvature, 3.2, (-3.0, 0.25, 0.02)))
    tracker = LaneTracker(memory.pose)
    information, gradient = np.zeros((fit.CURVES + SEGMENTS,) * 2), np.zeros(fit.CURVES + SEGMENTS)
    found = np.zeros((len(tracker.line), 4, 2))
    for _ in range(30):
        tracker.predict(memory.pose)
        gate = np.full(len(tracker.line), 0.8)
        fit.measure_borders(
            memory.grid, tracker.line, tracker.width, tracker.margin, gate, np.full(2, 0.5),
            information, gradient, found,
        )  # fmt: skip
        tracker.update(information, gradient)
        tracker.locate(memory.pose)
    assert tracker.width == pytest.approx(3.2, abs=0.08)
    truth = np.zeros_like(tracker.line)
    fit.trace(np.array([-3.0, 0.25, 0.02]), curvature, truth)
    assert np.abs(tracker.line - truth)[:, 1].max() < 0.15


def test_the_lane_stands_still_while_the_car_drives_along_it():
    memory = LocalMap()
    tracker = LaneTracker(memory.pose)
    tracker.curvature[:] = 0.05
    tracker.anchor[:] = (20.0 * np.sin(-0.15), 20.0 - 20.0 * np.cos(0.15) + 0.2, -0.15)
    tracker.locate(memory.pose)
    assert tracker.offset == pytest.approx(-0.2, abs=0.01)
    for _ in range(60):
        memory.move(0.4, 0.4 / 20.2)
        tracker.predict(memory.pose)
    assert tracker.offset == pytest.approx(-0.2, abs=0.05)
    assert tracker.heading_error == pytest.approx(0.0, abs=0.02)
    assert 1.0 < tracker.foot < 5.0
    assert (np.linalg.eigvalsh(tracker.covariance) > 0.0).all()


def test_the_map_forgets_what_lies_far_behind_and_only_that():
    memory = LocalMap()
    memory.grid[...] = 1.0
    memory.move(10.0, 0.0)
    column = 0
    ahead = memory.grid[int(15.0 / CELL), column, SEEN]
    recycled = memory.grid[(int(10.0 / CELL) + CELLS // 2 - 1) & (CELLS - 1), column, SEEN]
    assert ahead == 1.0
    assert recycled == 0.0
    memory.move(-10.0, 0.0)
    assert memory.pose == pytest.approx([0.0, 0.0, 0.0])
