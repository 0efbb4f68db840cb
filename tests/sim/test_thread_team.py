import itertools
import threading
import time

import numpy as np
import pytest

from drive.sim.thread_team import ThreadTeam, shares
from tests.children import HANG_S


@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (8, 2), (64, 2), (100, 3), (5, 4)])
def test_shares_cover_the_batch_once_and_never_grow(batch, threads):
    slices = list(shares(batch, threads))
    assert [i for lo, hi in slices for i in range(lo, hi)] == list(range(batch))
    sizes = [hi - lo for lo, hi in slices]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert sizes[0] <= max(1, batch // (2 * threads)), "one slice must not be more than half a share"


def test_every_world_is_worked_on_once_by_several_threads():
    crew, counts, names = ThreadTeam(64, 2), np.zeros(64, int), set()
    both = threading.Barrier(2)

    def task(lo, hi):
        counts[lo:hi] += 1
        name = threading.current_thread().name
        if name not in names:
            names.add(name)
            both.wait(HANG_S)  # the other one takes its share, too

    for _ in range(3):
        crew.run(task)
    crew.close()
    assert (counts == 3).all()
    assert len(names) == 2, "the caller's thread and one other"


def test_what_was_begun_is_done_when_waited_for_or_when_the_next_task_begins():
    crew, log = ThreadTeam(16, 2), []

    def first(lo, hi):
        time.sleep(0.001)
        log.extend(["first"] * (hi - lo))

    crew.start(first)
    crew.run(lambda lo, hi: log.extend(["second"] * (hi - lo)))
    crew.close()
    assert log == ["first"] * 16 + ["second"] * 16


@pytest.mark.parametrize("threads", [1, 2])
def test_the_fault_of_a_task_reaches_the_caller_and_the_crew_goes_on(threads):
    crew, seen = ThreadTeam(16, threads), []

    def broken(lo, hi):
        raise ArithmeticError(f"world {lo}")

    with pytest.raises(ArithmeticError):
        crew.run(broken)
    crew.run(lambda lo, hi: seen.extend(range(lo, hi)))
    crew.close()
    assert sorted(seen) == list(range(16))


def test_a_fault_waits_until_no_thread_is_at_work():
    crew = ThreadTeam(16, 3)
    for _ in range(8):  # which of the two threads fails is left to chance
        turns, both, ended = itertools.count(), threading.Event(), []

        def task(lo, hi, turns=turns, both=both, ended=ended):
            if threading.current_thread() is threading.main_thread():
                both.wait(HANG_S)
                return
            turn = next(turns)
            if turn == 0:
                both.wait(HANG_S)
                raise ArithmeticError
            if turn == 1:
                both.set()
                time.sleep(0.03)
                ended.append(lo)

        with pytest.raises(ArithmeticError):
            crew.run(task)
        assert ended
    crew.close()


def test_a_closed_crew_works_on_the_callers_thread():
    crew, names = ThreadTeam(16, 2), set()
    crew.close()
    crew.run(lambda lo, hi: names.add(threading.current_thread().name))
    assert names == {threading.current_thread().name}


@pytest.mark.parametrize("threads", [1, 2])
def test_what_the_next_task_has_ended_is_not_done_again(threads):
    crew, log = ThreadTeam(8, threads), []
    finish = crew.start(lambda lo, hi: log.extend(range(lo, hi)))
    crew.run(lambda lo, hi: None)
    finish()
    crew.close()
    assert sorted(log) == list(range(8))
