"""Tasks of a `WorkerPool`: what they may take, and how they end."""

from dataclasses import dataclass
from typing import Any, Literal

from drive.core.errors import UserError
from drive.core.machine import memory_bytes

GB = 1e9  # [bytes]


@dataclass(frozen=True)
class Limits:
    """What a task may take."""

    beat_s: float = 60.0  # from one heartbeat to the next [s]
    memory_gb: float | None = None  # resident, of a process; None: a share of the machine, at least 2 GB

    def memory_of(self, workers: int) -> float:
        """The limit of each of so many workers [GB]."""
        if self.memory_gb is not None:
            return self.memory_gb
        return max(2.0, 0.8 * memory_bytes() / GB / workers)


# raised: an Exception; broke out: any other BaseException, such as KeyboardInterrupt
Cause = Literal["raised", "broke out", "user error", "exit", "signal", "time", "memory"]


@dataclass(frozen=True)
class Failure:
    """How a task failed; `str()` says it in one line."""

    cause: Cause
    what: str  # a predicate: "did not return within 60 s", "raised ValueError: no"
    beat: str  # the task's last heartbeat, such as "act of net at step 12"; empty: it told nothing
    exit_code: int | None = None  # of the process, where it ended by itself; negative: by that signal
    traceback: str = ""

    def __str__(self) -> str:
        return self.what if self.cause == "user error" else f"{self.beat or 'the task'} {self.what}"


@dataclass(frozen=True)
class Result:
    """A finished task."""

    ticket: int
    task: Any
    value: Any = None
    failure: Failure | None = None

    def unwrap(self) -> Any:
        """The value.

        Raises:
            UserError: the task raised it, or its process ended or was ended.
            RuntimeError: the task raised another exception; its traceback is in the message.
        """
        if self.failure is None:
            return self.value
        if self.failure.cause in ("raised", "broke out"):
            raise RuntimeError(f"in a worker process:\n{self.failure.traceback}")
        if self.failure.cause == "user error":
            raise UserError(self.failure.what)
        raise UserError(f"A worker process failed: {self.failure}.")
