"""Agents that fail themselves, or take their process down with them, in one scenario only."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from drive.agent import Context, Control, Observation
from drive.scoring.suites import ScenarioRef
from tests.fakes import FakeEnv, FakeScenario

BAD = 1  # the scenario in which they fail
STEP = 3
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
            if isinstance(answer, float):
                return Control(answer)
        return Control(0.01 * (self._step % 3))

    def is_bad(self, observation: Observation) -> bool:
        return int(observation["speed_limit"][0]) == BAD


def _throw(error: BaseException) -> None:
    raise error


def _deaf_sleep() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(_FOR_EVER)
        except Exception:
            pass


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


FAULTS: dict[str, Callable[[], Any]] = {
    "raises": lambda: _throw(ValueError("no\nlane")),
    "nan": lambda: float("nan"),
    "sleeps": _deaf_sleep,
    "spins": _busy,
    "exits": lambda: os._exit(1),
    "leaves": lambda: sys.exit(4),
    "segfaults": lambda: ctypes.string_at(0),
    "eats": _eat,
    "interrupts": lambda: _throw(KeyboardInterrupt()),
    "odd": lambda: _throw(Odd("odd")),
    "threads": _start_thread,
}
raises, nan, sleeps, spins, exits, leaves, segfaults, eats, interrupts, odd, threads = (
    partial(Faulty, fail) for fail in FAULTS.values()
)


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
