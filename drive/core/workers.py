"""Calls in worker processes whose answers come in the order asked, whatever the number of workers."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context
from typing import Any

from drive.core.errors import UserError

Report = Callable[[int], None]
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Workers:
    """Processes that each build one callable and then answer calls, or this process when one is enough.

        with Workers(2, partial(Recorder, camera), report) as workers:
            workers.ask(17)
            workers.ask(18)
            first = workers.answer()

    `make()` is called once in each process; what it gives is called as `call(task, report)`. Everything sent
    must be picklable. Workers end when this process does, even if it is killed: their pipe breaks.

    Args:
        count: processes; 1: none, calls run here.
        make: builds the callable.
        report: receives the numbers that calls report.
    """

    def __init__(self, count: int, make: Callable[[], Callable[[Any, Report], Any]], report: Report) -> None:
        self._count, self._make, self._report = count, make, report
        self._local: Callable[[Any, Report], Any] | None = None
        self._processes: dict[connection.Connection, Any] = {}
        self._idle: list[connection.Connection] = []
        self._busy: dict[connection.Connection, int] = {}
        self._waiting: list[tuple[int, Any]] = []
        self._answers: dict[int, Any] = {}
        self._asked = 0
        self._answered = 0

    def __enter__(self) -> "Workers":
        if self._count > 1:
            context = get_context("spawn")
            with _one_thread_each():
                for _ in range(self._count):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_work, args=(theirs, self._make), daemon=True)
                    process.start()
                    theirs.close()
                    self._processes[ours] = process
                    self._idle.append(ours)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.terminate()
        for pipe, process in self._processes.items():
            process.join()
            pipe.close()

    @property
    def outstanding(self) -> int:
        """Calls asked for whose answers were not taken yet."""
        return self._asked - self._answered

    def ask(self, task: Any) -> None:
        """Have a task done by whichever worker is free first."""
        self._waiting.append((self._asked, task))
        self._asked += 1
        self._hand_out()

    def answer(self) -> Any:
        """The answer to the oldest call not answered yet, waiting for it.

        Raises:
            UserError: the call raised it, or a worker process died.
            RuntimeError: the call raised another exception; its traceback is in the message.
        """
        if self.outstanding == 0:
            raise RuntimeError("Workers.answer: nothing was asked.")
        if self._count == 1:
            if self._local is None:
                self._local = self._make()
            _, task = self._waiting.pop(0)
            self._answered += 1
            return self._local(task, self._report)
        while self._answered not in self._answers:
            for pipe in connection.wait(list(self._busy)):
                assert isinstance(pipe, connection.Connection)
                self._receive(pipe)
        self._answered += 1
        return self._answers.pop(self._answered - 1)

    def _receive(self, pipe: connection.Connection) -> None:
        try:
            kind, value = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._death(pipe) from None
        if kind == "report":
            self._report(value)
        elif kind == "user error":
            raise UserError(value)
        elif kind == "error":
            raise RuntimeError(f"in a worker process:\n{value}")
        else:
            self._answers[self._busy.pop(pipe)] = value
            self._idle.append(pipe)
            self._hand_out()

    def _hand_out(self) -> None:
        while self._idle and self._waiting:
            number, task = self._waiting.pop(0)
            pipe = self._idle.pop(0)
            self._busy[pipe] = number
            try:
                pipe.send(task)
            except (BrokenPipeError, ConnectionResetError):
                raise self._death(pipe) from None

    def _death(self, pipe: connection.Connection) -> UserError:
        process = self._processes[pipe]
        process.join()
        return UserError(
            f"A worker process ended unexpectedly (exit code {process.exitcode}); -9 means that memory "
            "ran out: take fewer --workers."
        )


def _work(pipe: connection.Connection, make: Callable[[], Callable[[Any, Report], Any]]) -> None:
    """A worker's life: build, then answer until the pipe breaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    try:
        try:
            call = make()
            while True:
                answer = call(pipe.recv(), lambda count: pipe.send(("report", count)))
                pipe.send(("answer", answer))
        except UserError as error:
            pipe.send(("user error", str(error)))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except Exception:
            pipe.send(("error", traceback.format_exc()))
    except (BrokenPipeError, ConnectionResetError):
        return


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Numeric libraries of processes started inside take one thread: there are enough processes."""
    before = {name: os.environ.get(name) for name in _THREAD_COUNTS}
    os.environ.update(dict.fromkeys(_THREAD_COUNTS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
