"""An evaluation's drives in worker processes: what an agent does to its process costs its own drive alone."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from drive.core.errors import UserError
from drive.core.pool import WorkerPool
from drive.core.tasks import Failure, Limits
from drive.driving.agents import is_built_in
from drive.evaluation.plan import Plan
from drive.evaluation.worker import Check, Drive, Fail, FilmDrive, Finished, Replay, Worker
from drive.scoring.roles import CEILING, FLOOR
from drive.scoring.suites import ScenarioRef

_FROM_OUTSIDE = (-1, -9, -15)  # ended by SIGHUP, SIGKILL or SIGTERM
_BEAT = re.compile(r"(building|reset|act) of (.+) at step (\d+)\Z")


class Runner:
    """The workers of one plan.

    A drive fails by its agent where an agent raises, or its process ends, hangs or takes too much memory,
    while that agent is in its reset or act. A process that ends elsewhere, or by a signal that others may
    send (SIGKILL, SIGTERM, SIGHUP), is replaced and the drive repeated once; if it ends again, the one agent
    in it that is not ours has failed, and where all are ours, the program.

        with Runner(plan, workers=2) as runner:
            privileged = runner.check()
            for finished in runner.drive(folder):
                ...

    Args:
        plan: what is driven.
        workers: how many drives run at the same time.
        limits: of each act, and of each process.
    """

    def __init__(self, plan: Plan, workers: int, limits: Limits | None = None) -> None:
        self._plan, self._workers = plan, workers
        self._reports: deque[Any] = deque()
        self._ended: set[tuple[str, ScenarioRef]] = set()
        self._pool = WorkerPool(partial(Worker, plan), workers, limits=limits, report=self._reports.append)

    def __enter__(self) -> "Runner":
        self._pool.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._pool.__exit__(*problem)

    def check(self) -> dict[str, bool]:
        """Build every agent where it will drive, and let it drive half a metre: in all workers at once.

        Returns:
            Which agents and shadows are privileged.

        Raises:
            UserError: one cannot be built, or cannot drive here.
        """
        plan = self._plan
        kinds: dict[str, list[str]] = {}
        for name in plan.agents:
            kinds.setdefault(plan.kind(name), []).append(name)
        tickets = []
        for kind, names in kinds.items():
            riding = dict.fromkeys(shadow for name in names for shadow in plan.riding(name))
            check = Check(plan.scenarios[0], tuple(names), tuple(riding))
            for _ in range(max(self._workers // len(kinds), 1)):
                tickets.append(self._pool.submit(check, kind))
        privileged: dict[str, bool] = {}
        for ticket in tickets:
            result = self._pool.take(ticket)
            beat = _BEAT.match(result.failure.beat) if result.failure else None
            if result.failure is None or result.failure.cause == "user error" or beat is None:
                result.unwrap()
            elif beat[1] == "building":
                spec = plan.spec(beat[2])
                raise UserError(f"Agent {spec!r}: building it {result.failure.what}.")
            # What it does at the wheel, its drives will tell.
        while self._reports:
            privileged |= self._reports.popleft()
        return privileged

    def drive(self, folder: Path) -> Iterator[Finished]:
        """Let every agent drive every scenario; their episodes are stored in `folder`.

        Yields:
            Each drive once, as it ends.

        Raises:
            UserError: an agent cannot drive here, or the disk is full.
        """
        for ref, names in self._schedule():
            self._submit(Drive(folder.absolute(), ref, names))  # an agent may go elsewhere
        for result in self._pool.results():
            while self._reports:
                finished: Finished = self._reports.popleft()
                self._ended.add((finished.agent, finished.ref))
                yield finished
            if result.failure is not None:
                yield from self._failed(result.task, result.failure)

    def _schedule(self) -> Iterator[tuple[ScenarioRef, tuple[str, ...]]]:
        """What each task drives: agents that may share a process take a scenario together, made once.

        The last scenarios are driven agent by agent, references last, so that no worker is left with much.
        """
        plan = self._plan
        shared = tuple(name for name in plan.agents if not plan.kind(name))  # no foreign agent in the process
        groups = [shared] if shared else []
        groups += [(name,) for name in plan.agents if name not in shared]
        first = max(len(plan.scenarios) - 2 * self._workers, 0)
        for ref in plan.scenarios[:first]:
            for names in groups:
                yield ref, names
        for name in sorted(plan.agents, key=lambda name: name in (CEILING, FLOOR)):
            for ref in plan.scenarios[first:]:
                yield ref, (name,)

    def _submit(self, task: Drive) -> None:
        self._pool.submit(task, self._plan.kind(task.names[0], task.silenced))

    def _failed(self, task: Drive | Fail, failure: Failure) -> Iterator[Finished]:
        """Name who failed, and have the rest of the task done."""
        if failure.cause == "user error":
            raise UserError(failure.what)
        names = (task.name,) if isinstance(task, Fail) else task.names
        left = [name for name in names if (name, task.ref) not in self._ended]
        if not left:  # it died when all was stored
            return
        if isinstance(task, Fail):
            yield Finished(left[0], task.ref, str(failure))
            return
        beat = _BEAT.match(failure.beat)
        if beat is not None and not is_built_in(self._plan.spec(beat[2])):
            who, how = beat[2], f"{beat[1]} {failure.what} at step {beat[3]}"
            certain = failure.exit_code not in _FROM_OUTSIDE
        else:
            who, how = self._suspect(task, left[0]), f"{failure.what} ({failure.beat or 'at its start'})"
            certain = failure.cause == "raised"
            who = None if certain else who
        if not (certain or task.again):
            self._submit(replace(task, names=tuple(left), again=True))
            return
        if who is None:
            yield Finished(left[0], task.ref, str(failure))
        elif who == left[0]:
            self._pool.submit(Fail(task.folder, task.ref, who, how))
        else:
            self._submit(replace(task, names=(left[0],), silenced={**task.silenced, who: how}, again=False))
        if left[1:]:
            self._submit(replace(task, names=tuple(left[1:]), again=False))

    def _suspect(self, task: Drive, driver: str) -> str | None:
        """The agent in a drive's process that is not ours, if it is one."""
        riding = self._plan.riding(driver, task.silenced)
        foreign = [name for name in (driver, *riding) if not is_built_in(self._plan.spec(name))]
        return foreign[0] if len(foreign) == 1 else None

    def film(self, folder: Path, orders: Sequence[tuple[Any, Any]]) -> list[str | None]:
        """Film drives by their stored actions, given as (ScenarioRef, FilmOrder).

        Returns:
            For each, why there is no film, or None.
        """
        tickets = [self._pool.submit(FilmDrive(folder, ref, order)) for ref, order in orders]
        found = []
        for ticket in tickets:
            result = self._pool.take(ticket)
            found.append(result.value if result.failure is None else str(result.failure))
        return found

    def replay(self, tasks: Sequence[Replay], tell: Callable[[int, tuple[str, str | None]], None]) -> None:
        """Drive stored actions again; `tell` receives the index of a task and its hashes, as they come.

        Raises:
            RuntimeError: the environment failed.
        """
        tickets = {self._pool.submit(task): i for i, task in enumerate(tasks)}
        for result in self._pool.results():
            tell(tickets[result.ticket], result.unwrap())
