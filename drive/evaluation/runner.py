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
from drive.scoring.suites import ScenarioRef

_BEAT = re.compile(r"(building|reset|act) of (.+) at step (\d+)\Z")


class Runner:
    """The workers of one plan.

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
        """Build every agent where it will drive, and let it drive half a metre.

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
            tickets.append(self._pool.submit(Check(plan.scenarios[0], tuple(names), tuple(riding)), kind))
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
        plan = self._plan
        shared = [name for name in plan.agents if not plan.kind(name)]  # no foreign agent in the process
        together = len(plan.scenarios) >= 2 * self._workers
        groups = [tuple(shared)] if shared and together else [(name,) for name in shared]
        groups += [(name,) for name in plan.agents if name not in shared]
        for ref in plan.scenarios:
            for names in groups:
                self._submit(Drive(folder, ref, names))
        for result in self._pool.results():
            while self._reports:
                finished: Finished = self._reports.popleft()
                self._ended.add((finished.agent, finished.ref))
                yield finished
            if result.failure is not None:
                yield from self._failed(result.task, result.failure)

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
        beat = _BEAT.match(failure.beat)
        if isinstance(task, Fail) or beat is None or is_built_in(self._plan.spec(beat[2])):
            yield Finished(left[0], task.ref, str(failure))
        else:
            how = f"{beat[1]} {failure.what} at step {beat[3]}"
            if beat[2] == left[0]:
                self._pool.submit(Fail(task.folder, task.ref, left[0], how))
            else:
                self._submit(replace(task, names=(left[0],), silenced={**task.silenced, beat[2]: how}))
        if not isinstance(task, Fail) and left[1:]:
            self._submit(replace(task, names=tuple(left[1:])))

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

    def replay(self, tasks: Sequence[Replay], tell: Callable[[int, tuple[str, str]], None]) -> None:
        """Drive stored actions again; `tell` receives the index of a task and its hashes, as they come.

        Raises:
            RuntimeError: the environment failed.
        """
        tickets = {self._pool.submit(task): i for i, task in enumerate(tasks)}
        for result in self._pool.results():
            tell(tickets[result.ticket], result.unwrap())
