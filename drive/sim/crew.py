"""Threads that share out the worlds of a batch; the caller's own thread is one of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event

Task = Callable[[int, int], None]


class Crew:
    """Calls task(lo, hi) until every world of a batch has been in one slice [lo, hi).

    Slices become smaller towards the end, so that nobody waits long for a thread with slow worlds. Tasks
    must not depend on how the batch is cut, and release the GIL.

    Args:
        batch: worlds.
        threads: how many work, the caller's included.
    """

    def __init__(self, batch: int, threads: int) -> None:
        self.batch = batch
        self.threads = threads
        self._executor = ThreadPoolExecutor(threads - 1) if threads > 1 else None
        self._slices = list(shares(batch, threads))
        self._running: Callable[[], None] | None = None

    def close(self) -> None:
        """End the threads; what comes afterwards runs on the caller's own."""
        if self._executor is not None:
            self._executor.shutdown()
            self._executor, self.threads = None, 1

    def run(self, task: Task) -> None:
        """Call the task over the whole batch and wait."""
        self.start(task)()

    def start(self, *tasks: Task) -> Callable[[], None]:
        """Do tasks one after the other; return when only the last one is left, and the others have begun it.

        The threads go from task to task without a rest: to wake one up takes as long as a world's picture.
        A task begins when the one before it is over in the whole batch.

        The function returned does what is left of the last task and waits. It must be called before
        anything changes that the task reads; what was never waited for is finished before the next start.

        Raises:
            Exception: what a task raised, from here or from the function returned.
        """
        if self._running is not None:
            self._running()
        slices = self._slices if self._executor is not None else [(0, self.batch)]
        *before, last = [_Round(task, slices) for task in tasks]
        helpers: list[Future[None]] = []
        if self._executor is not None:
            helpers = [self._executor.submit(_help, before, last) for _ in range(self.threads - 1)]

        def finish() -> None:
            self._running = None
            try:
                last.work()
            finally:
                for helper in helpers:
                    helper.result()

        try:
            _go_through(before)
        except BaseException:
            wait(helpers)
            raise
        self._running = finish
        return finish


class _Round:
    """One task over the whole batch, by several threads."""

    def __init__(self, task: Task, slices: Sequence[tuple[int, int]]) -> None:
        self._task = task
        self._count = len(slices)
        self._queue = iter(slices)  # `next` on an iterator of a list is safe from several threads
        self._ended: list[int] = []  # and so is `append`
        self._done = Event()

    def work(self) -> None:
        """Take slices until none is left."""
        for lo, hi in self._queue:
            try:
                self._task(lo, hi)
            finally:
                self._ended.append(lo)
                if len(self._ended) == self._count:
                    self._done.set()

    def wait(self) -> None:
        """Return when the last slice has ended."""
        self._done.wait()


def shares(batch: int, threads: int) -> Iterator[tuple[int, int]]:
    """Slices of [0, batch), each half of an equal share of what is left."""
    lo = 0
    while lo < batch:
        hi = lo + max(1, (batch - lo) // (2 * threads))
        yield lo, hi
        lo = hi


def _go_through(rounds: Sequence[_Round]) -> None:
    """Work on rounds in turn, each over before the next one begins."""
    for this in rounds:
        this.work()
        this.wait()


def _help(before: Sequence[_Round], last: _Round) -> None:
    _go_through(before)
    last.work()
