"""The child's side of a `WorkerPool`: one process that builds a callable and then does task after task."""

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from multiprocessing import connection, parent_process
from multiprocessing.reduction import ForkingPickler
from time import monotonic
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from drive.core.errors import UserError, described, one_line
from drive.core.tasks import Cause

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Beat(NamedTuple):
    """The last heartbeat of a process."""

    time: float  # [s], monotonic; inf: none is due
    text: str  # what it is busy with; empty: its task has told nothing yet


class HeartbeatMemory:
    """The last heartbeat in shared memory, readable also when the process hangs or is dead.

    A beat costs about a microsecond and wakes nobody, so that it can be given before every act. What is read
    while the process writes may be half of one beat and half of another: look twice before acting on it.
    """

    _SIZE = 512  # of the text [bytes]

    def __init__(self, context: Any) -> None:
        self._time = context.RawValue(ctypes.c_double, inf)
        self._text = context.RawArray(ctypes.c_char, self._SIZE)

    def write(self, time: float, text: str) -> None:
        """Replace the last heartbeat."""
        self._text.value = text.encode("utf-8", "replace")[: self._SIZE - 1]
        self._time.value = time

    def read(self) -> Beat:
        """The last heartbeat."""
        return Beat(self._time.value, self._text.value.decode("utf-8", "replace"))


class Progress:
    """What a task tells the pool while it runs: `progress(value)` reports, `progress.beat(text)` is alive."""

    def __init__(self, send: Callable[[bytes], None], memory: HeartbeatMemory) -> None:
        self._send, self._memory, self._pid = send, memory, os.getpid()

    def __call__(self, value: Any) -> None:
        """Hand a value to the pool's `report`; all reports of a task come before its result."""
        self._end_copy()
        self._send(dumps(("report", value)))

    def beat(self, text: str) -> None:
        """Say what begins now; the pool's time limit counts from here to the next beat or the task's end."""
        self._end_copy()
        self._memory.write(monotonic(), text)

    def unlimited(self, text: str) -> None:
        """Say what begins now and may take any time, such as compiling."""
        self._end_copy()
        self._memory.write(inf, text)

    def _end_copy(self) -> None:
        """A fork that goes on with the task would do all a second time: it ends here."""
        if os.getpid() != self._pid:
            os._exit(0)


Call = Callable[[Any, Progress], Any]


def dumps(message: Any) -> bytes:
    """A message as bytes for `send_bytes`; read by `recv`."""
    return bytes(ForkingPickler.dumps(message))


def work(
    pipe: connection.Connection, memory: HeartbeatMemory, make: Callable[[], Call], parent: int
) -> NoReturn:
    """A worker's life: build the callable, then answer task after task until the pipe breaks."""
    _follow_parent(parent)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=pipe.close)  # or this process could end unnoticed
    progress = Progress(pipe.send_bytes, memory)
    call, broken = _guarded(make)
    try:
        while True:
            task = pipe.recv()
            answer = broken
            if call is not None:
                answer = _guarded(partial(call, task, progress), dumps)[1]
            memory.write(inf, memory.read().text)
            pipe.send_bytes(answer)
    except (EOFError, OSError):
        pass
    finally:
        end()


def end() -> NoReturn:
    """End at once, whatever threads and exit handlers are left."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(0)


def _guarded(call: Callable[[], Any], pack: Callable[[Any], bytes] | None = None) -> tuple[Any, bytes]:
    """What a call returns, and the message that tells it or how it failed."""
    try:
        found = call()
        return found, b"" if pack is None else pack(("answer", found))
    except UserError as error:
        return None, dumps(("user error", one_line(error, 2000), ""))
    except BaseException as error:  # an agent's KeyboardInterrupt or SystemExit is a failure like any other
        cause: Cause = "raised" if isinstance(error, Exception) else "broke out"
        return None, dumps((cause, described(error), traceback.format_exc()))


def _follow_parent(parent: int) -> None:
    """Leave Ctrl-C to the parent, lead a process group that can be killed whole, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.platform == "linux":  # the kernel does it even while a thread of native code holds the lock
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    else:
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    process = parent_process()
    if process is not None:
        connection.wait([process.sentinel])
    os._exit(1)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Processes started inside take one thread a library, no Ctrl-C, and do not run the main script again.

    More threads than processes would fight for the cores, and change bits. What is sent to such a process
    must come from importable modules, not from the script itself, which then needs no `if __name__` guard.
    """
    before = {name: os.environ.get(name) for name in THREAD_COUNTS}
    main = sys.modules["__main__"]
    masks = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else None
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
