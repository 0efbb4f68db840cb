from dataclasses import replace

import numpy as np
import pytest

from drive.agent import Context
from drive.control.lane_estimate import LaneLine, LineColor, LineType
from drive.modular.arc_chain import SEGMENTS, SIZE, ArcChain
from drive.modular.fit import CURVES
from drive.modular.lane_tracker import ChainLane, LaneTracker, fused
from drive.modular.stages import Odometry
from tests.control.lanes import lane

HERE = Odometry(0.0, np.zeros(3), 8.0, 0.0)
NO_LINE = LaneLine(0.0, 0.0)


def values(chain: ArcChain) -> np.ndarray:
    return ChainLane.of(chain, HERE, NO_LINE, NO_LINE).values


def test_the_covariance_is_the_chains_carried_over_by_how_each_number_changes_the_estimate():
    here = HERE.moved(0.7, 0.0)  # not where one segment ends and the next begins
    chain = ArcChain.start(HERE.pose).located(here)
    h = np.zeros((5, SIZE))
    for i in range(SIZE):
        for sign in (1.0, -1.0):
            change = np.zeros(SIZE)
            change[i] = sign * 1e-4
            h[:, i] += sign * values(chain._changed(change).located(here)) / 2e-4
    assert ChainLane.of(chain, HERE, NO_LINE, NO_LINE).covariance == pytest.approx(
        h @ chain.covariance @ h.T, rel=1e-2, abs=1e-6
    )


@pytest.mark.parametrize("radius", [20.0, -60.0])
def test_on_a_circle_the_estimate_is_the_circle(radius):
    back = -3.0 / radius
    anchor = np.array([radius * np.sin(back), radius * (1.0 - np.cos(back)), back])
    chain = ArcChain.start(HERE.pose)._replace(anchor=anchor, curvature=np.full(SEGMENTS, 1.0 / radius))
    estimate = ChainLane.of(chain.located(HERE.pose), HERE, NO_LINE, replace(NO_LINE, reach=15.0))
    assert estimate.values == pytest.approx([0.0, 0.0, 1.0 / radius, 0.0, chain.width], abs=2e-3)
    points = estimate.border(-1)
    outer = abs(radius + 0.5 * chain.width)
    assert np.hypot(points[:, 0], points[:, 1] - radius) == pytest.approx(
        np.full(len(points), outer), abs=0.02
    )


def test_a_sure_lane_is_believed_and_an_unsure_one_hardly_moves_the_tracker():
    seen = lane(0.3, 0.05, 0.01, 0.0, 3.6)
    start = ArcChain.start(HERE.pose)
    sure = fused(start, replace(seen, covariance=1e-4 * seen.covariance), HERE.pose)
    assert values(sure) == pytest.approx(seen.values, abs=0.01)
    assert np.linalg.det(sure.covariance[:CURVES, :CURVES]) < np.linalg.det(
        start.covariance[:CURVES, :CURVES]
    )
    unsure = fused(start, replace(seen, covariance=1e4 * seen.covariance), HERE.pose)
    assert values(unsure) == pytest.approx(values(start), abs=0.01)


def test_seen_again_and_again_from_a_moving_car_the_lane_is_the_one_that_was_seen():
    tracker, pose = LaneTracker(), HERE.pose
    tracker.reset(Context())
    for step in range(60):
        odometry = replace(HERE, time=0.05 * step, pose=pose)
        expected = tracker.expect(odometry)
        assert (expected is None) == (step == 0)
        tracked = tracker.track(lane(-0.4, 0.0, 0.02, 0.0, 3.0), odometry)
        pose = odometry.moved(0.4, 0.4 * 0.02 / (1.0 - 0.02 * -0.4))
    assert tracked.values == pytest.approx([-0.4, 0.0, 0.02, 0.0, 3.0], abs=0.03)
    assert tracked.time == pytest.approx(2.95)
    assert (tracked.left.type, tracked.right.type) == (LineType.BROKEN, LineType.SOLID)
    assert tracked.left.color is LineColor.UNKNOWN


@pytest.mark.parametrize("foot", [-40.0, 0.0, 500.0])
def test_a_car_that_left_the_line_behind_is_still_found_on_it(foot: float) -> None:
    chain = ArcChain.start(np.zeros(3))._replace(foot=foot).located(np.array([-30.0, 2.0, 0.4]))
    assert np.isfinite([chain.foot, chain.offset, chain.heading_error]).all()
