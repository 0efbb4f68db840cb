"""Many drives in worker processes; each builds its environment and agents once."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import Agent
from drive.camera import Camera
from drive.episode import Episode
from drive.scoring.suites import ScenarioRef, suite

TRACE = (
    "x",
    "y",
    "yaw",
    "speed",
    "center_s",
    "lateral_offset",
)  # states kept for reports, at steps 0 .. T - 1


@dataclass(frozen=True)
class Plan:
    """What a worker needs to know before its first drive."""

    suite: str
    map_file: str | None
    agents: dict[str, str]  # name in results -> what `make_agent` takes
    shadows: dict[str, str]
    shadowed: frozenset[str] = frozenset()  # the drivers that shadows ride with
    camera: Camera = field(default_factory=Camera)  # of every agent
    make_env: Callable[[], Any] | None = None  # other environments, for tests


@dataclass(frozen=True, eq=False)
class EpisodeRow:
    """One finished drive, as it travels back to the main process."""

    row: dict[str, Any]
    slot: ScenarioRef
    steering: NDArray[np.float64]  # (T,)
    shadow_steering: dict[str, NDArray[np.float32]]  # (T,) by name
    trace: dict[str, NDArray[np.float32]]  # TRACE, (T,) each
    route: NDArray[np.float32]  # (n, 4) the reference path: x, y [m], distance to the lane's borders [m]
    act_seconds: NDArray[np.float32]  # (T,)
    drive_seconds: float
    error: str | None = None


@dataclass
class Worker:
    """Drives scenarios of one plan, with one environment for all of them."""

    plan: Plan
    _agents: dict[str, Agent] = field(default_factory=dict)
    _scenario: tuple[ScenarioRef, Any] | None = None

    def __post_init__(self) -> None:
        import cv2

        from drive.sim.scenario import load_map

        cv2.setNumThreads(1)
        self._road_map = load_map(self.plan.map_file) if self.plan.map_file else None
        if self.plan.make_env is not None:
            self.env = self.plan.make_env()
        else:
            from drive.sim.env import LaneEnv

            self.env = LaneEnv(camera=self.plan.camera)

    def scenario(self, slot: ScenarioRef) -> Any:
        """The scenario of a slot; the last one is kept for the next agent."""
        if self._scenario is None or self._scenario[0] != slot:
            built = suite(self.plan.suite).scenario(
                slot.index, self._road_map, through_junction=slot.through_junction
            )
            self._scenario = slot, built
        return self._scenario[1]

    def agent(self, spec: str, part: str) -> Agent:
        """An agent built once for each part it plays: a driver and its shadow never share memory."""
        from drive.driving.agents import make_agent

        key = f"{part} {spec}"
        if key not in self._agents:
            self._agents[key] = make_agent(spec)[1]
        return self._agents[key]

    def drive(self, slot: ScenarioRef, names: Sequence[str]) -> list[EpisodeRow]:
        """Let the named agents drive one scenario, one after the other."""
        from drive.driving.rollout import rollout
        from drive.evaluation.summary import episode_row

        found = []
        for name in names:
            scenario = self.scenario(slot)
            shadows = {
                shadow: self.agent(spec, "shadow")
                for shadow, spec in self.plan.shadows.items()
                if name in self.plan.shadowed and shadow != name
            }
            driver = self.agent(self.plan.agents[name], "driver")
            started = perf_counter()
            episode = rollout(self.env, driver, scenario, name=name, shadows=shadows)
            seconds = perf_counter() - started
            points = scenario.route.points[::4]
            found.append(
                EpisodeRow(
                    row=episode_row(episode) if episode.error is None else _error_row(episode),
                    slot=slot,
                    steering=episode.steering,
                    shadow_steering={
                        key: values.astype(np.float32) for key, values in episode.shadow_steering.items()
                    },
                    trace={key: getattr(episode, key)[:-1].astype(np.float32) for key in TRACE},
                    route=np.stack([points[key] for key in ("x", "y", "left", "right")], 1).astype(
                        np.float32
                    ),
                    act_seconds=episode.act_seconds.astype(np.float32),
                    drive_seconds=seconds,
                    error=episode.error,
                )
            )
        return found

    def replay(self, slot: ScenarioRef, steering: NDArray[np.float64]) -> tuple[str, str]:
        """Drive stored actions again: SHA-256 over states and over frames.

        Raises:
            RuntimeError: the environment failed.
        """
        from drive.driving.rollout import ReplayAgent, rollout

        episode = rollout(self.env, ReplayAgent(steering), self.scenario(slot), name="recorded")
        if episode.error is not None:
            raise RuntimeError(episode.error)
        return episode.sha256_states, episode.sha256_frames

    def film(self, slot: ScenarioRef, order: Any) -> bytes | str:
        """Drive stored actions again and film a part of it; why there is no film, where that fails."""
        from drive.evaluation.films import make_film

        try:
            return make_film(self.env, self.scenario(slot), order)
        except Exception as error:  # whatever breaks here, the figures stand
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _error_row(episode: Episode) -> dict[str, Any]:
    return {
        "agent": episode.agent,
        "scenario": episode.scenario,
        "error": episode.error,
        "traceback": episode.extra["traceback"],
    }


_worker: Worker | None = None


def _start_worker(plan: Plan) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    _worker = Worker(plan)


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    assert _worker is not None, "the pool's initializer ran first"
    return getattr(_worker, method)(*arguments)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Numeric libraries of processes started inside take one thread: more would fight, and change bits."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Crew:
    """Workers of one plan: processes, or this process itself when one is enough.

    A context manager; on leaving, processes end, at once if an exception or Ctrl-C passes through.
    """

    def __init__(self, plan: Plan, workers: int) -> None:
        self._plan, self._workers = plan, workers
        self._pool: ProcessPoolExecutor | None = None
        self._local: Worker | None = None

    def __enter__(self) -> "Crew":
        if self._workers == 1:
            self._local = Worker(self._plan)
        else:
            self._pool = ProcessPoolExecutor(
                self._workers, get_context("spawn"), _start_worker, (self._plan,)
            )
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._pool is None:
            return
        if kind is not None:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, method: str, jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """Call a worker's method on each job's arguments; (index of the job, answer) as they come."""
        if self._pool is None:
            assert self._local is not None, "enter the crew first"
            for index, job in enumerate(jobs):
                yield index, getattr(self._local, method)(*job)
            return
        waiting = iter(enumerate(jobs))
        running: dict[Future[Any], int] = {}
        while True:
            while len(running) < 2 * self._workers and (entry := next(waiting, None)) is not None:
                with _one_thread_each():
                    running[self._pool.submit(_call, method, entry[1])] = entry[0]
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
