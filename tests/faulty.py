"""Agents that fail themselves, or take their process down with them, in one scenario only."""

import ctypes
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from drive.agent import AgentFailure, Context, Control, Observation
from drive.core.errors import UserError
from drive.scoring.suites import ScenarioRef
from tests.fakes import FakeEnv, FakeScenario

BAD = 1  # the scenario in which they fail
STEP = 3
EVERYWHERE = "FAULTY_EVERYWHERE"  # set: they fail in every scenario
_FOR_EVER = 3600.0  # [s]


class Odd(BaseException):
    """No Exception."""


class Faulty:
    """Steers a little, and fails in step 3 of the bad scenario."""

    def __init__(self, fail: Callable[[], Any]) -> None:
        self._fail = fail

    def reset(self, context: Context) -> None:
        self._step = -1

    def act(self, observation: Observation) -> Control:
        self._step += 1
        if self._step == STEP and self.is_bad(observation):
            answer = self._fail()
            if isinstance(answer, Control | tuple):
                return answer  # type: ignore[return-value]
        return Control(0.01 * (self._step % 3))

    def is_bad(self, observation: Observation) -> bool:
        return int(observation["speed_limit"][0]) == BAD or EVERYWHERE in os.environ


class Mute(Exception):
    """Its text raises."""

    def __str__(self) -> str:
        raise SystemExit("no text")


class MuteFailure(AgentFailure):
    """Its text raises."""

    __str__ = Mute.__str__


def _throw(error: BaseException) -> None:
    raise error


def _deaf_sleep() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(_FOR_EVER)
        except Exception:
            pass


def _blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    _busy()


def _busy() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def _eat() -> None:
    hoard = []
    while True:
        hoard.append(b"x" * 20_000_000)


def _start_thread() -> None:
    threading.Thread(target=time.sleep, args=(_FOR_EVER,)).start()


def _deadly_thread() -> None:
    threading.Timer(0.2, os._exit, (9,)).start()
    time.sleep(1.0)


def _fork_sleeper() -> None:
    if os.fork() == 0:
        time.sleep(_FOR_EVER)


def _fork_and_die() -> None:
    if os.fork() == 0:
        time.sleep(_FOR_EVER)
    os._exit(3)


def _close_files() -> None:
    os.closerange(0, 256)


def _open_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)


def _go_away() -> None:
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    os.rmdir(gone)


def _shout() -> None:
    print("x" * 1_000)
    print("y" * 1_000, file=sys.stderr)


def _set_numpy() -> None:
    np.seterr(all="raise")
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)


def _recurse() -> None:
    _recurse()


def _deep_stack() -> None:
    sys.setrecursionlimit(10**9)
    _recurse()


FAULTS: dict[str, tuple[Callable[[], Any], str | None]] = {
    "raises": (lambda: _throw(ValueError("no\nlane")), "act raised ValueError: no lane at step 3"),
    "mute": (lambda: _throw(Mute()), "act raised Mute: (its text raised SystemExit) at step 3"),
    "mute_failure": (lambda: _throw(MuteFailure()), "(its text raised SystemExit) at step 3"),
    "escapes": (
        lambda: _throw(ValueError("\x1b[2J\ud800")),
        "act raised ValueError: \ufffd[2J\ufffd at step 3",
    ),
    "user_error": (lambda: _throw(UserError("mine")), "act raised UserError: mine at step 3"),
    "nan": (lambda: Control(float("nan")), "steering is nan, not in [-1, 1], at step 3"),
    "inf": (lambda: Control(0.0, float("-inf")), "acceleration is -inf, not in [-1, 1], at step 3"),
    "shape": (
        lambda: Control(np.zeros(3)),  # type: ignore[arg-type]
        "steering is a ndarray of the shape (3,), not a number, at step 3",
    ),
    "dtype": (lambda: Control(1j), "act raised TypeError: "),  # type: ignore[arg-type]
    "text": (lambda: Control("0.1"), "steering is a str, not a number, at step 3"),  # type: ignore[arg-type]
    "nothing": (lambda: Control(None), "act raised TypeError: "),  # type: ignore[arg-type]
    "no_control": (lambda: (0.1, 0.2), "act returned a tuple, not a Control, at step 3"),
    "sleeps": (_deaf_sleep, "act did not return within 6 s at step 3"),
    "spins": (_busy, "act did not return within 6 s at step 3"),
    "blocks": (_blocked, "act did not return within 6 s at step 3"),
    "stops": (lambda: os.kill(os.getpid(), signal.SIGSTOP), "act did not return within 6 s at step 3"),
    "exits": (lambda: os._exit(1), "act ended the process with exit code 1 (os._exit?) at step 3"),
    "leaves": (lambda: sys.exit(4), "act raised SystemExit: 4 at step 3"),
    "segfaults": (lambda: ctypes.string_at(0), "act was killed by signal 11 (segmentation fault) at step 3"),
    "aborts": (os.abort, "act was killed by signal 6 (abort) at step 3"),
    "kills": (lambda: os.kill(os.getpid(), signal.SIGKILL), "act was killed by signal 9 (from outside"),
    "eats": (_eat, "act used more than 0.6 GB of memory at step 3"),
    "interrupts": (lambda: _throw(KeyboardInterrupt()), "act raised KeyboardInterrupt at step 3"),
    "odd": (lambda: _throw(Odd("odd")), "act raised Odd: odd at step 3"),
    "generator": (lambda: _throw(GeneratorExit()), "act raised GeneratorExit at step 3"),
    "recurses": (_recurse, "act raised RecursionError: maximum recursion depth exceeded"),
    "deep": (_deep_stack, "act "),  # an end of the process or of its memory, by the version of Python
    "closes": (_close_files, "closed the connection to its process | ended the process with exit code 0"),
    "thread_exits": (_deadly_thread, "act ended the process with exit code 9 (os._exit?) at step 3"),
    "fork_dies": (_fork_and_die, "act ended the process with exit code 3 (os._exit?) at step 3"),
    "threads": (_start_thread, None),
    "forks": (os.fork, None),  # the child drives on
    "fork_sleeps": (_fork_sleeper, None),
    "wanders": (_go_away, None),
    "opens": (_open_files, None),
    "shouts": (_shout, None),
    "numpy": (_set_numpy, None),
    "scribbles": (lambda: None, None),  # by the class below
}


class Scribbler(Faulty):
    """Writes into what it is shown, and takes the rest away."""

    def act(self, observation: Observation) -> Control:
        control = super().act(observation)
        observation["camera"][:] = 7
        for key in list(observation):
            del observation[key]  # type: ignore[misc]
        return control


for _name, (_fail, _) in FAULTS.items():  # `tests.faulty:NAME` is its factory
    globals()[_name] = partial(Scribbler if _name == "scribbles" else Faulty, _fail)


def dies_when_built() -> Faulty:
    os._exit(5)


def hangs_when_built() -> Faulty:
    _deaf_sleep()
    raise AssertionError


def good() -> Faulty:
    return Faulty(lambda: None)


class Slow(Faulty):
    """Takes a millisecond for each step."""

    def act(self, observation: Observation) -> Control:
        time.sleep(0.001)
        return super().act(observation)


slow = partial(Slow, lambda: None)


def fake_simulator() -> tuple[FakeEnv, Callable[[ScenarioRef], FakeScenario]]:
    """Roads of 30 m, told apart by their speed limits."""

    def scenario(ref: ScenarioRef) -> FakeScenario:
        return FakeScenario(
            name=f"fake/{ref.index}",
            seed=1_000_000 + ref.index,
            speed_limit=ref.index,
            fail_at=4 if ref.index > 100 else -1,
        )

    return FakeEnv(), scenario


def use_toy_simulator(patch: Callable[[Any, str, Any], None]) -> None:
    """Let `drive evaluate` drive on these roads; of those from number 101 on each breaks the simulator."""
    from drive import evaluate
    from drive.core import machine

    make_plan = evaluate._plan
    patch(evaluate, "_plan", lambda config: replace(make_plan(config), make_simulator=fake_simulator))
    patch(machine, "kernels_compiled", lambda: True)
