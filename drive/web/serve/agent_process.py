"""An agent in a process of its own: one that hangs or ends its process cannot freeze or end the page."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from typing import Any

from drive.agent import AgentFailure, Context, Control, Observation
from drive.core.errors import UserError
from drive.core.worker import HeartbeatMemory, quiet_start, work
from drive.driving.agents import make_agent

ACT_S = 2.0  # an agent that has not answered a frame by then has failed [s]
START_S = 60.0  # likewise for building it, its reset and its first frame, where libraries load [s]


class _Host:
    """The child's side: holds the agent and does what it is asked."""

    def __init__(self, spec: str, adapt: bool) -> None:
        self._agent = make_agent(spec, adapt=adapt)[1]

    def __call__(self, task: Context | Observation | None, progress: Any) -> Any:
        """Answer None by whether it is privileged, a context by a reset, an observation by a control."""
        if task is None:
            return bool(getattr(self._agent, "privileged", False))
        if isinstance(task, Context):
            self._agent.reset(task)
            return None
        control = self._agent.act(task)
        if not isinstance(control, Control):
            return type(control).__name__
        acceleration = None if control.acceleration is None else float(control.acceleration)
        return float(control.steering), acceleration


class AgentProcess:
    """An agent whose every answer has a time limit; a process that exceeds it is killed.

    After a failure, the next `reset` starts a new process, unless it was a reset that did not answer.

    Args:
        spec: as `make_agent` takes it.
        adapt: likewise.

    Raises:
        UserError: the agent cannot be built.
    """

    def __init__(self, spec: str, adapt: bool = True) -> None:
        self._spec, self._adapt = spec, adapt
        self._process: Any = None
        self._pipe: Any = None
        self._refused = ""  # why it is not started again
        self._acted = False  # whether this process has answered a frame
        self._start()
        try:
            self.privileged = bool(self._ask(None, START_S, "building"))
        except UserError:
            self.stop()
            raise
        except (AgentFailure, TimeoutError) as failure:
            self.stop()
            raise UserError(f"Agent {spec!r}: {failure}.") from None

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Of its process."""
        return self._process.pid if self._process is not None else None

    def reset(self, context: Context) -> None:
        """Begin a drive, in a new process where there is none.

        Raises:
            UserError: the agent cannot be built, or cannot drive here.
            AgentFailure: it raised, ended its process or did not answer.
        """
        if self._refused:
            raise AgentFailure(self._refused)
        if self._process is None:
            self._start()
        try:
            self._ask(context, START_S, "reset")
        except TimeoutError as late:
            self._refused = str(late)
            raise AgentFailure(self._refused) from None

    def act(self, observation: Observation) -> Control:
        """The agent's answer to a frame.

        Raises:
            AgentFailure: it raised, ended its process or did not answer.
        """
        try:
            answer = self._ask(observation, ACT_S if self._acted else START_S, "act")
        except TimeoutError as late:
            raise AgentFailure(str(late)) from None
        if isinstance(answer, str):
            raise AgentFailure(f"act returned a {answer}, not a Control")
        self._acted = True
        return Control(*answer)

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
            process.join()
            process.close()
            self._pipe.close()

    def interrupt(self) -> None:
        """End the process for good, while another thread may be waiting for its answer."""
        self._refused = "the server ends"
        if (process := self._process) is not None:
            _kill(process)

    def _start(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        make, memory = partial(_Host, self._spec, self._adapt), HeartbeatMemory(context)
        self._process = context.Process(
            target=work, args=(theirs, memory, make, os.getpid()), name="agent", daemon=True
        )
        with quiet_start():
            self._process.start()
        theirs.close()
        self._acted = False

    def _ask(self, task: Context | Observation | None, limit_s: float, verb: str) -> Any:
        """What the child answers to a task.

        Raises:
            UserError: the agent raised it.
            TimeoutError: it did not answer in time; its process is ended.
            AgentFailure: it raised or ended its process.
        """
        process, late = self._process, threading.Event()
        if process is None:
            raise AgentFailure("its process has ended")
        limit = threading.Timer(limit_s, _kill_late, (process, late.set))
        limit.daemon = True
        limit.start()
        try:
            self._pipe.send(task)  # may block, too, where the child stands still
            kind, *content = self._pipe.recv()
        except (EOFError, OSError):
            process.join(1.0)  # longer where it only closed its end of the pipe
            kind, content = "ended", [process.exitcode]
        finally:
            limit.cancel()
        if late.is_set() or kind == "ended":
            self.stop()
        if late.is_set():
            raise TimeoutError(f"{verb} did not answer for {limit_s:g} s")
        if kind == "ended":
            raise AgentFailure(f"{verb} ended its process (exit code {content[0]})")
        if kind == "answer":
            return content[0]
        if kind == "user error":
            raise UserError(content[0])
        raise AgentFailure(f"{verb} raised {content[0]}")


def _kill_late(process: Any, note: Callable[[], None]) -> None:
    note()
    _kill(process)


def _kill(process: Any) -> None:
    """End a process and what it started."""
    with suppress(ValueError):  # another thread has done so
        if hasattr(os, "killpg") and process.exitcode is None:
            with suppress(OSError):  # it leads no group yet
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
