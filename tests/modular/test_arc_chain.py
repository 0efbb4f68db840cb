from dataclasses import replace

import numpy as np
import pytest

from drive.modular import fit
from drive.modular.arc_chain import SEGMENTS, ArcChain
from drive.modular.lane_detector import MEASUREMENT
from drive.modular.lane_search import score_lane, search_lane
from drive.modular.local_map import CELL, CELLS, MARK, OFF, SEEN, LocalMap
from drive.modular.stages import Odometry


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
    chain = ArcChain.start(np.zeros(3))
    out = np.zeros(3 + SEGMENTS)
    starts = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -0.15], [0.15, 0.0, 0.0]])
    args = (memory.grid, chain.anchor, chain.width, chain.margin, chain.curvature)
    variance = np.full(SEGMENTS, 0.03**2)
    score = search_lane(*args, variance, chain.max_curvature, 0, SEGMENTS, starts, np.zeros(3), out)
    assert score > score_lane(*args, SEGMENTS) + 5.0
    found = np.zeros_like(chain.line)
    fit.trace(chain.anchor, out[3:], found)
    truth = np.zeros_like(chain.line)
    fit.trace(chain.anchor, curvature, truth)
    near = slice(0, 15 * fit.STATIONS)
    assert np.hypot(*(found - truth)[near, :2].T).max() < 0.5


def test_measured_borders_pull_a_wrong_lane_onto_the_painted_one():
    curvature = np.full(SEGMENTS, 0.002)
    memory = LocalMap()
    paint(memory, borders(curvature, 3.2, (-3.0, 0.25, 0.02)))
    chain = ArcChain.start(np.zeros(3))
    information, gradient = np.zeros((fit.CURVES + SEGMENTS,) * 2), np.zeros(fit.CURVES + SEGMENTS)
    found = np.zeros((len(chain.line), 4, 2))
    for _ in range(30):
        chain = chain.predicted(np.zeros(3), 8.0)
        gate = np.full(len(chain.line), 0.8)
        fit.measure_borders(
            memory.grid, chain.line, chain.width, chain.margin, gate, np.full(2, 0.5),
            information, gradient, found,
        )  # fmt: skip
        scale = 1.0 / MEASUREMENT**2
        chain = chain.corrected(scale * information, scale * gradient).located(np.zeros(3))
    assert chain.width == pytest.approx(3.2, abs=0.08)
    truth = np.zeros_like(chain.line)
    fit.trace(np.array([-3.0, 0.25, 0.02]), curvature, truth)
    assert np.abs(chain.line - truth)[:, 1].max() < 0.15


def test_the_lane_stands_still_while_the_car_drives_along_it():
    start = Odometry(0.0, np.zeros(3), 8.0, 0.0)
    anchor = np.array([20.0 * np.sin(-0.15), 20.0 - 20.0 * np.cos(0.15) + 0.2, -0.15])
    chain = ArcChain.start(start.pose)._replace(curvature=np.full(SEGMENTS, 0.05), anchor=anchor)
    chain = chain.located(start.pose)
    assert chain.offset == pytest.approx(-0.2, abs=0.01)
    pose = start.pose
    for _ in range(60):
        pose = replace(start, pose=pose).moved(0.4, 0.4 / 20.2)
        chain = chain.predicted(pose, 8.0)
    assert chain.offset == pytest.approx(-0.2, abs=0.05)
    assert chain.heading_error == pytest.approx(0.0, abs=0.02)
    assert 1.0 < chain.foot < 5.0
    assert (np.linalg.eigvalsh(chain.covariance) > 0.0).all()


def test_the_map_forgets_what_lies_far_behind_and_only_that():
    memory = LocalMap()
    memory.grid[...] = 1.0
    memory.center_on(np.array([10.0, 0.0, 0.3]))
    column = 0
    ahead = memory.grid[int(15.0 / CELL), column, SEEN]
    recycled = memory.grid[(int(10.0 / CELL) + CELLS // 2 - 1) & (CELLS - 1), column, SEEN]
    assert ahead == 1.0
    assert recycled == 0.0


def test_who_drives_fast_does_not_expect_a_corner_at_once():
    fast = ArcChain.start(np.zeros(3)).predicted(np.zeros(3), 15.0)
    ahead = np.arange(SEGMENTS) * fit.SEGMENT - fast.foot
    assert fast.max_curvature[(ahead > -1.0) & (ahead < 10.0)].max() < 0.03
    assert fast.max_curvature[-1] > fast.max_curvature[5]
    assert fast.predicted(np.zeros(3), 3.0).max_curvature.min() == fit.MAX_CURVATURE


def test_doubt_of_the_middle_is_the_covariances_along_the_chain():
    chain = ArcChain.start(np.zeros(3))
    assert chain.deviation()[0] == pytest.approx(0.3)
    # shift and turn at the anchor are independent there; curvature of the first 1.5 m adds as s^2 / 2
    doubt = 0.3**2 + (1.5 * 0.06) ** 2 + (0.5 * 1.5**2 * 0.02) ** 2
    assert chain.deviation()[fit.STATIONS] == pytest.approx(np.sqrt(doubt))
    assert (np.diff(chain.deviation()) > 0.0).all()


@pytest.mark.parametrize(("seen", "aside"), [((0.95, 0.4), 0.15), ((0.4, 0.95), -0.15), ((0.9, 0.9), 0.0)])
def test_between_stripes_wider_apart_than_a_lane_it_lies_along_the_broken_one(seen, aside):
    chain = ArcChain.start(np.zeros(3))
    chain = chain._replace(width=4.3)
    for _ in range(300):
        chain = chain.with_gutter(seen)
    assert chain.aside == pytest.approx(aside, abs=0.01)
    assert chain.lane_width == pytest.approx(4.3 - 2.0 * abs(aside), abs=0.02)
    shift = chain.middle - chain.line
    assert shift[:, 1] == pytest.approx(np.full(len(shift), aside), abs=0.01)


def test_the_roads_end_is_found_beyond_a_lane():
    memory = LocalMap()
    memory.grid[..., SEEN] = 1.0
    beyond = (np.arange(CELLS // 2) + 0.5) * CELL > 0.5 * 3.4 + 2.0
    memory.grid[:, : CELLS // 2][:, beyond, OFF] = 1.0
    chain = ArcChain.start(np.zeros(3))
    ends = np.zeros((2, fit.ENDS))
    fit.scan_ends(memory.grid, chain.line, 3.4, ends)
    assert np.flatnonzero(ends[1] > 0.9).mean() * fit.END_STEP == pytest.approx(2.0, abs=0.15)
    assert ends[1].max() == pytest.approx(1.0)
    assert ends[0].max() == 0.0
