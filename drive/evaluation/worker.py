"""What the worker processes of an evaluation do: build agents, drive, replay and film."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from drive.agent import Agent, AgentFailure, Context, Control, Observation
from drive.core.worker import Progress
from drive.evaluation.plan import Plan
from drive.scoring.suites import ScenarioRef, suite

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None  # type: ignore[assignment]


class Finished(NamedTuple):
    """A drive that ended; its episode is stored, unless an error of the program ended it."""

    agent: str
    ref: ScenarioRef
    error: str | None = None


class Task(Protocol):
    """Something to do in a worker process; picklable."""

    def run(self, worker: "Worker", progress: Progress) -> Any:
        """Do it."""
        ...


class Worker:
    """One environment and the agents of one plan, for task after task, in a process of a `WorkerPool`."""

    def __init__(self, plan: Plan) -> None:
        import cv2

        cv2.setNumThreads(1)
        self.plan = plan
        self._agents: dict[tuple[str, str], Agent] = {}
        self._scenario: tuple[ScenarioRef, Any] | None = None
        self.env, self._make_scenario = (plan.make_simulator or partial(_simulator, plan))()

    def __call__(self, task: Task, progress: Progress) -> Any:
        """Do one task."""
        return task.run(self, progress)

    def scenario(self, ref: ScenarioRef) -> Any:
        """The scenario of a place; the last one is kept for the next agent."""
        if self._scenario is None or self._scenario[0] != ref:
            self._scenario = ref, self._make_scenario(ref)
        return self._scenario[1]

    def agent(self, name: str, part: str, progress: Progress) -> Agent:
        """An agent built once for each part it plays: a driver and its shadow never share memory."""
        from drive.driving.agents import make_agent

        key = self.plan.spec(name), part
        if key not in self._agents:
            progress.beat(beat_text("building", name))
            self._agents[key] = make_agent(key[0], adapt=self.plan.adapt)[1]
        return self._agents[key]

    def forget(self, *names: str) -> None:
        """Build these agents anew before their next drive."""
        specs = {self.plan.spec(name) for name in names}
        self._agents = {key: agent for key, agent in self._agents.items() if key[0] not in specs}


def _simulator(plan: Plan) -> tuple[Any, Callable[[ScenarioRef], Any]]:
    """The lane environment, and the scenarios of the plan's suite."""
    from drive.sim.env import LaneEnv
    from drive.sim.scenario import load_map

    task, road_map = suite(plan.suite), load_map(plan.map_file) if plan.map_file else None

    def scenario(ref: ScenarioRef) -> Any:
        return task.scenario(ref.index, road_map, through_junction=ref.through_junction)

    return LaneEnv(camera=plan.camera, longitudinal=plan.longitudinal), scenario


def beat_text(what: str, name: str) -> str:
    """A heartbeat in the words of `rollout`'s."""
    return f"{what} of {name} at step 0"


@dataclass(frozen=True)
class Check:
    """Build the agents of one kind and let each drive half a metre.

    Reports which of them are privileged, before they drive.
    """

    ref: ScenarioRef
    drivers: tuple[str, ...]
    shadows: tuple[str, ...]

    def run(self, worker: Worker, progress: Progress) -> None:
        """Raises UserError where an agent cannot be built or cannot drive here."""
        from drive.driving.rollout import rollout

        parts = [(name, "driver") for name in self.drivers] + [(name, "shadow") for name in self.shadows]
        agents = {(name, part): worker.agent(name, part, progress) for name, part in parts}
        progress({name: bool(getattr(agent, "privileged", False)) for (name, _), agent in agents.items()})
        progress.unlimited("loading the first scenario")
        scenario = worker.scenario(self.ref)
        short = replace(scenario, goal_s=scenario.start_s + 0.5)
        for (name, _), agent in agents.items():
            rollout(worker.env, agent, short, name=name, heartbeat=progress.beat)


@dataclass(frozen=True)
class Drive:
    """Let agents drive one scenario, one after the other; reports each as `Finished`."""

    folder: Path
    ref: ScenarioRef
    names: tuple[str, ...]
    silenced: Mapping[str, str] = field(default_factory=dict)  # shadows that failed by now, and how
    again: bool = False  # its process ended once, and perhaps by no fault of the agent's

    def run(self, worker: Worker, progress: Progress) -> None:
        """Drive and store."""
        from drive.driving.rollout import rollout

        for name in self.names:
            progress.unlimited("loading a scenario")
            scenario = worker.scenario(self.ref)
            driver = worker.agent(name, "driver", progress)
            riding = worker.plan.riding(name, self.silenced)
            shadows = {shadow: worker.agent(shadow, "shadow", progress) for shadow in riding}
            threads = set(threading.enumerate())
            progress.unlimited("loading a scenario")
            started = perf_counter()
            episode = rollout(
                worker.env,
                driver,
                scenario,
                name=name,
                shadows=shadows,
                heartbeat=progress.beat,
                frames=False,
            )
            seconds = perf_counter() - started
            progress.unlimited("storing a drive")
            _make_room()
            extra = dict(episode.extra)
            if left := len(set(threading.enumerate()) - threads):
                extra["threads_left"] = left
            if worker.plan.kind(name) and (left := _end_children()):
                extra["processes_left"] = left
                worker.forget(name, *shadows)  # those that they worked for are built anew
            if absent := {
                shadow: why for shadow, why in self.silenced.items() if name in worker.plan.shadowed
            }:
                extra["shadow_failures"] = {**extra["shadow_failures"], **absent}
            silent = {shadow: np.full(episode.steps, np.nan) for shadow in absent}
            episode = replace(episode, extra=extra, shadow_steering={**episode.shadow_steering, **silent})
            _store(self.folder, self.ref, scenario, episode, seconds)
            progress(Finished(name, self.ref, episode.error))


def _make_room() -> None:
    """Let this process open files again, where an agent has used up what it may."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _end_children() -> int:
    """End the processes that an agent started; how many there were."""
    import psutil

    children, alive = psutil.Process().children(recursive=True), 0
    for child in children:
        with suppress(psutil.Error):
            alive += child.status() != psutil.STATUS_ZOMBIE
            child.kill()
    psutil.wait_procs(children, 1.0)
    return alive


@dataclass(frozen=True)
class Fail:
    """Store the drive of an agent that took its process down with it: a failure at the start line."""

    folder: Path
    ref: ScenarioRef
    name: str
    failure: str

    def run(self, worker: Worker, progress: Progress) -> None:
        """Store an episode without a step."""
        from drive.driving.rollout import rollout

        scenario = worker.scenario(self.ref)
        episode = rollout(worker.env, _Absent(), scenario, name=self.name, frames=False)
        silent = {shadow: np.zeros(0) for shadow in worker.plan.riding(self.name)}
        episode = replace(episode, failure=self.failure, shadow_steering=silent)
        _store(self.folder, self.ref, scenario, episode, 0.0)
        progress(Finished(self.name, self.ref, episode.error))


class _Absent:
    """Never drives."""

    def reset(self, context: Context) -> None:
        raise AgentFailure

    def act(self, observation: Observation) -> Control:
        raise AgentFailure


def _store(folder: Path, ref: ScenarioRef, scenario: Any, episode: Any, seconds: float) -> None:
    from drive.evaluation.episodes import write_episode

    points = scenario.route.points[::4]
    route = np.stack([points[key] for key in ("x", "y", "left", "right")], 1).astype(np.float32)
    write_episode(folder, ref, episode, route, seconds)


@dataclass(frozen=True, eq=False)
class Replay:
    """Drive stored actions again; gives SHA-256 over states and over frames, None where none are drawn."""

    ref: ScenarioRef
    steering: NDArray[np.float64]
    acceleration: NDArray[np.float64] | None
    frames: bool = True

    def run(self, worker: Worker, progress: Progress) -> tuple[str, str | None]:
        """Raises RuntimeError where the environment failed."""
        from drive.driving.rollout import ReplayAgent, rollout

        agent = ReplayAgent(self.steering, self.acceleration)
        scenario = worker.scenario(self.ref)
        episode = rollout(worker.env, agent, scenario, name="recorded", frames=self.frames)
        if episode.error is not None:
            raise RuntimeError(episode.error)
        return episode.sha256_states, episode.sha256_frames


@dataclass(frozen=True, eq=False)
class FilmDrive:
    """Drive stored actions again and film a part of it; gives why there is no film, where that fails."""

    folder: Path
    ref: ScenarioRef
    order: Any  # a FilmOrder

    def run(self, worker: Worker, progress: Progress) -> str | None:
        """Film and store."""
        from drive.evaluation.episodes import write_film
        from drive.evaluation.films import make_film

        try:
            film = make_film(worker.env, worker.scenario(self.ref), self.order)
            write_film(self.folder, self.order.agent, self.ref, film)
        except Exception as error:  # whatever breaks here, the figures stand
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return None
