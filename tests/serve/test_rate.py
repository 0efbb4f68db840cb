"""Twenty pictures a second for all who watch, no step skipped, and a hand's movement seen at once."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from drive.agent import DT
from tests.serve.rate import Measured, Seen, driven, measure, report

SECONDS = 3.0
FULL_HZ, WORST_HZ = 19.5, 12.0
QUICK_S, WORST_S = 0.060, 0.150


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, int]]:
    with driven() as started:
        yield started


def least_hz(denied: float | None, seconds: float) -> float:
    """Steps a second that there must be.

    A step may be late by no more than the threads were kept from running: on a machine that has nothing else
    to do, this is the full rate.
    """
    return WORST_HZ if denied is None else max(FULL_HZ - denied / seconds / DT, WORST_HZ)


def most_s(measured: Measured) -> float:
    """Median delay that there may be: half of all steps are denied less than twice the mean."""
    if measured.server_denied is None or measured.clients_denied is None:
        return WORST_S
    return QUICK_S + 2.0 * (measured.server_denied + measured.clients_denied) / (measured.seconds / DT)


def expect_smooth(measured: Measured) -> None:
    said = report(measured)
    for seen in measured.seen:
        assert seen.skipped == 0, said
        # Each state is of one step more, and simulation time is steps times DT.
        for (_, step, simulated), (_, after, simulated_after) in pairwise(seen.states):
            assert simulated_after - simulated == pytest.approx((after - step) * DT, abs=0.001), said
        shown = [step for _, step in seen.pictures]
        assert shown == sorted(set(shown)), said
        assert seen.steps_hz >= least_hz(measured.server_denied, measured.seconds), said
    denied = (measured.server_denied, measured.clients_denied)
    both = None if None in denied else sum(part for part in denied if part is not None)
    for seen in measured.seen:
        assert seen.shown_hz >= least_hz(both, measured.seconds), said
        if both is not None and both < 0.1 * measured.seconds:  # else they may become smaller
            assert seen.sizes == {(320, 160)}, said
    assert len(measured.delays) > 10, said
    assert np.median(measured.delays) < most_s(measured), said


@pytest.mark.slow
@pytest.mark.parametrize("viewers", [1, 4])
def test_a_drive_is_smooth_for_its_driver_and_all_who_watch(server: tuple[int, int], viewers: int) -> None:
    measured = measure(*server, viewers, SECONDS)
    print(report(measured))
    assert [seen.role.split()[0] for seen in measured.seen] == ["driver", *["viewer"] * viewers]
    expect_smooth(measured)


def made(
    step_s: float = DT, delay_s: float = 0.04, denied: float | None = 0.0, missing: int | None = None
) -> Measured:
    """A drive of 100 steps, as a measurement would give it."""
    seen = Seen("driver", sizes={(320, 160)})
    for step in range(100):
        if step != missing:
            seen.states.append((step * step_s, step, step * DT))
            seen.pictures.append((step * step_s, step))
    seen.delays = [delay_s] * 50
    return Measured((seen,), 100 * step_s, denied, denied)


def test_the_rate_the_gaps_and_the_delay_are_judged_by_what_the_machine_gave() -> None:
    expect_smooth(made())
    assert made().seen[0].steps_hz == pytest.approx(20.0) == made().seen[0].shown_hz
    gap = made(missing=40)
    assert gap.seen[0].skipped == gap.seen[0].missed == 1
    for bad in (gap, made(step_s=0.053), made(delay_s=0.061), made(step_s=0.09, denied=None)):
        with pytest.raises(AssertionError, match="pictures/s"):
            expect_smooth(bad)
    expect_smooth(made(step_s=0.053, denied=0.4))  # 0.4 of 5.3 s without a processor
    expect_smooth(made(delay_s=0.061, denied=0.05))
    expect_smooth(made(step_s=0.08, delay_s=0.1, denied=None))
