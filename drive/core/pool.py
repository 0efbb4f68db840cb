"""Worker processes with limits from outside: what one task does to its process never costs another.

Pebble's pool was measured first (0.1 ms a task). It limits the time of a whole task, but knows no heartbeat,
no memory limit and no workers of different kinds; hence a manager of our own, on `multiprocessing.Process`
and `connection.wait`.
"""

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from time import monotonic, sleep
from typing import Any

import psutil

from drive.core.tasks import GB, Cause, Failure, Limits, Result
from drive.core.worker import Call, HeartbeatMemory, quiet_start, work

POLL_S = 0.1  # between two looks at the workers' times and memory [s]
MAX_KINDS = 8  # processes of so many kinds are kept, though fewer may be busy
_SIGNALS: dict[int, str] = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "abort",
    signal.SIGILL: "illegal instruction",
    signal.SIGFPE: "arithmetic error",
}


@dataclass(frozen=True, eq=False)
class _Job:
    ticket: int
    task: Any
    kind: str
    attempt: int = 0


@dataclass(eq=False)
class _Worker:
    """A process as its pool sees it."""

    kind: str
    process: Any
    pipe: connection.Connection
    memory: HeartbeatMemory
    job: _Job | None = None
    usage: psutil.Process | None = field(default=None, repr=False)

    def give(self, job: _Job) -> None:
        self.job = job
        self.memory.write(float("inf"), "")
        self.pipe.send(job.task)

    def exit_code(self) -> int | None:
        """Of a process that ended or is about to; None: it only closed its end of the pipe."""
        deadline = monotonic() + 1.0
        while self.process.exitcode is None and monotonic() < deadline:  # `join` would wait for ever
            sleep(0.005)
        code: int | None = self.process.exitcode
        return code

    def kill(self) -> None:
        """End the process and what it started, at once."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # Windows, or it leads no group yet
            pass
        self.process.kill()
        self.process.join()
        self.pipe.close()


class WorkerPool:
    """Does tasks in worker processes, one task each at a time; a fresh process replaces one that died.

        with WorkerPool(partial(Recorder, camera), 2, report=count) as pool:
            tickets = [pool.submit(seed) for seed in range(8)]
            first = pool.take(tickets[0])   # in the order asked ...
            for result in pool.results():   # ... or as they end
                print(result.value, result.failure)

    A task that raises, ends its process, stops giving heartbeats or takes too much memory has a `Failure`,
    and the pool goes on. Processes end with the pool, and with this process even if it is killed.

    Args:
        make: builds what a worker calls as `call(task, progress)`, once in each process. All that is sent
            must be picklable and from importable modules.
        workers: how many tasks run at the same time.
        limits: of each task.
        report: receives the values that tasks report.
    """

    def __init__(
        self,
        make: Callable[[], Call],
        workers: int = 1,
        *,
        limits: Limits | None = None,
        report: Callable[[Any], None] | None = None,
    ) -> None:
        self._make, self._count, self._report = make, workers, report
        self._limits = limits or Limits()
        self._memory_gb = self._limits.memory_of(workers)
        self._context = get_context("spawn")
        self._workers: list[_Worker] = []
        self._waiting: deque[_Job] = deque()
        self._finished: dict[int, Result] = {}  # in the order of their ends
        self._tickets = 0
        self._taken = 0
        self._looked = 0.0  # when limits were last checked [s]

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.pop().kill()

    @property
    def outstanding(self) -> int:
        """Tasks submitted whose results were not taken yet."""
        return self._tickets - self._taken

    def submit(self, task: Any, kind: str = "") -> int:
        """Have a task done; tasks begin in the order asked as far as their workers are free.

        Args:
            task: what a worker is called with.
            kind: tasks of different kinds never share a process.

        Returns:
            A ticket for `take`.
        """
        self._waiting.append(_Job(self._tickets, task, kind))
        self._tickets += 1
        self._hand_out()
        return self._tickets - 1

    def take(self, ticket: int | None = None) -> Result:
        """Wait for the result of one task, or of whichever ends first."""
        if self.outstanding == 0:
            raise RuntimeError("WorkerPool.take: no task is outstanding.")
        while ticket not in self._finished and (ticket is not None or not self._finished):
            if not self._waiting and all(worker.job is None for worker in self._workers):
                raise RuntimeError(f"WorkerPool.take: ticket {ticket} was taken before.")
            self._wait()
        self._taken += 1
        return self._finished.pop(next(iter(self._finished)) if ticket is None else ticket)

    def results(self) -> Iterator[Result]:
        """Results as tasks end, until none is outstanding; tasks may be submitted meanwhile."""
        while self.outstanding:
            yield self.take()

    def _wait(self) -> None:
        """Receive what comes within POLL_S, then look after limits."""
        ends = {end: w for w in self._workers for end in (w.pipe, w.process.sentinel)}
        ready = connection.wait(list(ends), POLL_S)
        for worker in {id(ends[end]): ends[end] for end in ready}.values():
            self._receive(worker, ended=worker.process.sentinel in ready)
        if monotonic() - self._looked >= POLL_S:
            for worker in [w for w in self._workers if w.job is not None]:
                self._enforce(worker)
            self._looked = monotonic()

    def _receive(self, worker: _Worker, ended: bool) -> None:
        try:
            while worker in self._workers and worker.pipe.poll():
                kind, *content = worker.pipe.recv()
                if kind == "report":
                    if self._report is not None:
                        self._report(content[0])
                elif kind == "answer":
                    self._finish(worker, value=content[0])
                else:
                    what = content[0] if kind == "user error" else f"raised {content[0]}"
                    beat = worker.memory.read().text
                    self._finish(worker, failure=Failure(kind, what, beat, traceback=content[1]))
        except (EOFError, OSError):
            ended = True
        if ended and worker in self._workers:
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        """A process ended by itself: its task failed, or goes to another one if it had not begun."""
        code, beat, job = worker.exit_code(), worker.memory.read().text, worker.job
        self._dismiss(worker)
        if job is None:
            self._hand_out()
        elif not beat and job.attempt == 0:
            self._waiting.appendleft(_Job(job.ticket, job.task, job.kind, attempt=1))
            self._hand_out()
        elif code is None:
            self._finish(worker, failure=Failure("exit", "closed the connection to its process", beat))
        elif code < 0:
            name = _SIGNALS.get(-code, "from outside, as where memory runs out" if code == -9 else "")
            what = f"was killed by signal {-code}" + (f" ({name})" if name else "")
            self._finish(worker, failure=Failure("signal", what, beat, code))
        else:
            what = f"ended the process with exit code {code} (os._exit?)"
            self._finish(worker, failure=Failure("exit", what, beat, code))

    def _enforce(self, worker: _Worker) -> None:
        """End a process that is beyond a limit."""
        cause: Cause
        if self._is_late(worker) and self._is_late(worker):  # see HeartbeatMemory
            cause, what = "time", f"did not return within {self._limits.beat_s:g} s"
        elif self._memory_used(worker) > self._memory_gb * GB:
            cause, what = "memory", f"used more than {self._memory_gb:.1f} GB of memory"
        else:
            return
        self._dismiss(worker)
        self._finish(worker, failure=Failure(cause, what, worker.memory.read().text))

    def _is_late(self, worker: _Worker) -> bool:
        return monotonic() - worker.memory.read().time > self._limits.beat_s

    def _memory_used(self, worker: _Worker) -> int:
        """Resident memory [bytes]."""
        try:
            worker.usage = worker.usage or psutil.Process(worker.process.pid)
            return int(worker.usage.memory_info().rss)
        except psutil.Error:  # it is about to be buried
            return 0

    def _finish(self, worker: _Worker, value: Any = None, failure: Failure | None = None) -> None:
        job, worker.job = worker.job, None
        assert job is not None
        self._finished[job.ticket] = Result(job.ticket, job.task, value, failure)
        self._hand_out()

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()

    def _hand_out(self) -> None:
        """Give waiting tasks to free workers of their kinds, and start processes where they lack."""
        for job in tuple(self._waiting):
            if sum(w.job is not None for w in self._workers) >= self._count:
                break
            self._give(job)
        while (kind := self._lacking()) is not None:
            self._start(kind)
            for job in tuple(self._waiting):
                if job.kind == kind and sum(w.job is not None for w in self._workers) < self._count:
                    self._give(job)
                    break

    def _give(self, job: _Job) -> None:
        for worker in [w for w in self._workers if w.job is None and w.kind == job.kind]:
            try:
                worker.give(job)
            except OSError:  # it died while it was idle
                worker.job = None
                self._dismiss(worker)
                continue
            self._waiting.remove(job)
            return

    def _lacking(self) -> str | None:
        """The kind to start a process for, if any; makes room for it."""
        waiting = Counter(job.kind for job in self._waiting)
        if not waiting:
            return None
        alive = Counter(worker.kind for worker in self._workers)
        idle = Counter(worker.kind for worker in self._workers if worker.job is None)
        room = self._count
        kind = next((kind for kind in waiting if not alive[kind]), None)
        if kind is not None:
            room = max(room, MAX_KINDS)  # started ahead, so that it is ready when its turn comes
        else:
            kind = max(waiting, key=lambda kind: waiting[kind] / alive[kind])
            if waiting[kind] <= idle[kind]:
                return None
        if len(self._workers) >= room:
            spare = next((w for w in self._workers if w.job is None and not waiting[w.kind]), None)
            if spare is None:
                return None
            self._dismiss(spare)
        return kind

    def _start(self, kind: str) -> None:
        ours, theirs = self._context.Pipe()
        memory = HeartbeatMemory(self._context)
        process = self._context.Process(target=work, args=(theirs, memory, self._make, os.getpid()))
        with quiet_start():
            process.start()
        theirs.close()
        self._workers.append(_Worker(kind, process, ours, memory))
