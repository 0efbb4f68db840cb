"""When the learner counts as unsure, and how well it is said to drive: by hand-made numbers."""

import pytest

from drive.agent import DT
from drive.models.training.uncertainty import FLOOR, Autonomy, UncertaintyMonitor


def update(monitor: UncertaintyMonitor, std: float | None, seconds: float, threshold: float = 0.1) -> None:
    for _ in range(round(seconds / DT)):
        monitor.update(std, threshold)


def test_it_is_unsure_above_the_threshold_after_a_moment() -> None:
    monitor = UncertaintyMonitor()
    update(monitor, 0.04, 5.0)
    assert not monitor.unsure and monitor.share == pytest.approx(0.4)
    monitor.update(0.5, 0.1)
    update(monitor, 0.04, 0.3)
    assert not monitor.unsure, "one odd frame is no reason"
    update(monitor, 0.2, 0.5)
    assert monitor.unsure
    update(monitor, 0.2, 1.0)
    assert 1.0 <= monitor.unsure_s <= 1.5


def test_it_is_sure_again_only_well_below_the_threshold() -> None:
    monitor = UncertaintyMonitor()
    update(monitor, 0.2, 1.0)
    update(monitor, 0.09, 3.0)
    assert monitor.unsure
    update(monitor, 0.07, 3.0)
    assert not monitor.unsure and monitor.unsure_s == 0.0
    update(monitor, 0.09, 3.0)
    assert not monitor.unsure


def test_a_small_deviation_is_no_doubt_whatever_the_known_frames_show() -> None:
    monitor = UncertaintyMonitor()
    update(monitor, 0.9 * FLOOR, 5.0, threshold=0.001)
    assert not monitor.unsure
    update(monitor, 1.2 * FLOOR, 5.0, threshold=0.001)
    assert monitor.unsure


@pytest.mark.parametrize("std", [None, float("nan"), float("inf")])
def test_without_an_answer_it_begins_anew(std: float | None) -> None:
    monitor = UncertaintyMonitor()
    update(monitor, 0.5, 2.0)
    monitor.update(std, 0.1)
    assert (monitor.std, monitor.share, monitor.unsure, monitor.unsure_s) == (None, None, False, 0.0)


def drive(autonomy: Autonomy, seconds: float, in_lane: bool = True) -> None:
    for _ in range(round(seconds / DT)):
        autonomy.drove(in_lane)


def test_autonomy_counts_takeovers_as_six_seconds_and_time_out_of_the_lane() -> None:
    autonomy = Autonomy()
    autonomy.taken_over()  # before it ever drove
    drive(autonomy, 4.0)
    assert autonomy.share is None
    drive(autonomy, 26.0)
    assert autonomy.share == 1.0
    drive(autonomy, 3.0, in_lane=False)
    autonomy.taken_over()
    assert autonomy.share == pytest.approx(1.0 - (6.0 + 3.0) / 33.0)
    drive(autonomy, 57.0)
    assert autonomy.share == pytest.approx(1.0 - 9.0 / 60.0)
    drive(autonomy, 3.0)
    assert autonomy.share == 1.0, "what is older than a minute counts no more"


def test_autonomy_is_never_below_zero() -> None:
    autonomy = Autonomy()
    for _ in range(4):
        drive(autonomy, 2.0)
        autonomy.taken_over()
    assert autonomy.share == 0.0
