"""Worker processes: what a task does to its process is its own failure, and the pool goes on."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

import drive.core.pool as pool_module
from drive.core.errors import UserError
from drive.core.pool import WorkerPool
from drive.core.tasks import Limits
from drive.core.worker import Progress
from tests.children import HEARS_CTRL_C, gone

ENDLESS = 3600.0  # [s]


class Odd(BaseException):
    """No Exception."""


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def deaf_loop() -> None:
    """Sleep, whatever is raised or sent."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(ENDLESS)
        except BaseException:
            pass


def eat_memory() -> None:
    hoard = []
    while True:
        hoard.append(b"x" * 20_000_000)


def close_everything() -> None:
    os.closerange(3, 64)
    time.sleep(ENDLESS)


def start_threads() -> None:
    threading.Thread(target=deaf_loop_thread).start()


def deaf_loop_thread() -> None:
    while True:
        time.sleep(ENDLESS)


def leave_group() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


WAYS: dict[str, Any] = {
    "user": lambda: (_ for _ in ()).throw(UserError("no road: take another.")),
    "error": lambda: 1 // 0,
    "odd": lambda: (_ for _ in ()).throw(Odd("odd")),
    "mute": lambda: (_ for _ in ()).throw(Mute()),
    "ctrl-c": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    "sys.exit": lambda: sys.exit(3),
    "os._exit": lambda: os._exit(3),
    "segfault": lambda: ctypes.string_at(0),
    "kill": leave_group,
    "hang": deaf_loop,
    "memory": eat_memory,
    "closed": close_everything,
    "threads": start_threads,
    "unpicklable": lambda: lambda: 0,
}


def act(task: tuple[str, int], progress: Progress) -> Any:
    """Do what a task says in its fourth step."""
    way, number = task
    for step in range(4):
        progress.beat(f"act at step {step}")
    progress(number)
    if way == "pid":
        return os.getpid()
    if way == "environment":
        return os.environ.get("OMP_NUM_THREADS"), signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    answer = WAYS.get(way, lambda: None)()
    return answer if callable(answer) else number


def make() -> Any:
    return act


def test_whatever_a_task_does_costs_itself_alone() -> None:
    ways = list(WAYS)
    tasks = [task for i, way in enumerate(ways) for task in (("good", 100 + i), (way, i))]
    reports: list[int] = []
    with WorkerPool(make, 2, limits=Limits(4.0, 0.3), report=reports.append) as pool:
        tickets = {pool.submit(task): task for task in tasks}
        found = {tickets[result.ticket]: result for result in pool.results()}
        assert pool.outstanding == 0
    assert len(found) == len(tasks) and sorted(reports) == sorted(number for _, number in tasks)
    for way, number in tasks:
        if way in ("good", "threads"):
            assert (found[way, number].value, found[way, number].failure) == (number, None)
    said = {way: str(result.failure) for (way, _), result in found.items() if result.failure}
    before = "act at step 3"
    assert said == {
        "user": "no road: take another.",
        "error": f"{before} raised ZeroDivisionError: integer division or modulo by zero",
        "odd": f"{before} raised Odd: odd",
        "mute": f"{before} raised Mute: (its text raised ValueError)",
        "ctrl-c": f"{before} raised KeyboardInterrupt",
        "sys.exit": f"{before} raised SystemExit: 3",
        "os._exit": f"{before} ended the process with exit code 3 (os._exit?)",
        "segfault": f"{before} was killed by signal 11 (segmentation fault)",
        "kill": f"{before} was killed by signal 9 (from outside, as where memory runs out)",
        "hang": f"{before} did not return within 4 s",
        "memory": f"{before} used more than 0.3 GB of memory",
        "closed": f"{before} closed the connection to its process",
        "unpicklable": said["unpicklable"],
    }
    assert "lambda" in said["unpicklable"]
    dead = found["segfault", ways.index("segfault")].failure
    assert dead is not None and (dead.cause, dead.exit_code) == ("signal", -11)


def test_results_come_in_the_order_asked_where_that_is_asked() -> None:
    with WorkerPool(make, 2) as pool:
        tickets = [pool.submit(("good", i)) for i in range(6)]
        assert [pool.take(ticket).unwrap() for ticket in tickets] == list(range(6))
        with pytest.raises(RuntimeError, match="no task is outstanding"):
            pool.take()
        pool.submit(("good", 6))
        with pytest.raises(RuntimeError, match="ticket 3 was taken before"):
            pool.take(tickets[3])


def test_a_process_serves_one_kind_only_and_again() -> None:
    with WorkerPool(make, 1) as pool:
        tickets = [pool.submit(("pid", 0), kind) for kind in "aabbab"]
        pids = [pool.take(ticket).unwrap() for ticket in tickets]
    assert pids[0] == pids[1] == pids[4] and pids[2] == pids[3] == pids[5] and pids[0] != pids[2]


def test_more_kinds_than_processes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "MAX_KINDS", 2)
    kinds = 3
    with WorkerPool(make, 2) as pool:
        tickets = [pool.submit(("pid", 0), f"kind {i % kinds}") for i in range(2 * kinds)]
        pids = [pool.take(ticket).unwrap() for ticket in tickets]
    assert len({(i % kinds, pid) for i, pid in enumerate(pids)}) == len(set(pids)) >= kinds


def test_libraries_take_one_thread_also_in_a_single_worker() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    with WorkerPool(make) as pool:
        assert pool.take(pool.submit(("environment", 0))).unwrap() == ("1", True)
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_a_process_that_dies_while_idle_costs_nothing() -> None:
    with WorkerPool(make) as pool:
        pid = pool.take(pool.submit(("pid", 0))).unwrap()
        os.kill(pid, signal.SIGKILL)
        assert gone({pid})
        assert pool.take(pool.submit(("good", 7))).unwrap() == 7


def cannot_start() -> Any:
    raise UserError("no such camera.")


def test_what_cannot_be_built_fails_each_task() -> None:
    with WorkerPool(cannot_start) as pool:
        for _ in range(2):
            with pytest.raises(UserError, match=r"^no such camera\.$"):
                pool.take(pool.submit(("good", 0))).unwrap()


def test_failures_that_nobody_expected_are_raised() -> None:
    with WorkerPool(make, limits=Limits(memory_gb=8.0)) as pool:
        with pytest.raises(RuntimeError, match=r"(?s)in a worker process:.*ZeroDivisionError"):
            pool.take(pool.submit(("error", 0))).unwrap()
        with pytest.raises(UserError, match=r"A worker process failed: act at step 3 was killed by signal 9"):
            pool.take(pool.submit(("kill", 0))).unwrap()


HANGING = """
import sys
from pathlib import Path
from drive.core.pool import WorkerPool
from tests.core.test_pool import make

def note(number):
    Path(sys.argv[1], str(number)).touch()

with WorkerPool(make, 2, report=note) as pool:
    for i in range(2):
        pool.submit(("hang", i))
    list(pool.results())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_program(tmp_path: Path, sent: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HEARS_CTRL_C + HANGING, str(tmp_path)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while len(list(tmp_path.iterdir())) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    children = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
    assert len(children) >= 2
    process.send_signal(sent)
    _, errors = process.communicate()
    assert process.returncode == -sent
    assert gone(children)
    if sent == signal.SIGINT:
        assert errors.decode().strip().endswith("KeyboardInterrupt")
