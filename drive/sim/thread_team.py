"""Threads that share out the worlds of a batch; the caller's own thread is one of them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event

Task = Callable[[int, int], None]
_HANDOVER = 0.001  # longest wait until another thread has begun [s]


class ThreadTeam:
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

    def start(self, task: Task) -> Callable[[], None]:
        """Set the other threads to work; the function returned does what is left and waits for them.

        It must be called before anything changes that the task reads. A task that was never waited for is
        finished before the next one starts.

        Raises:
            Exception: what the task raised, from the function returned.
        """
        if self._executor is None:
            return self._alone(task)
        begun = Event()
        finish = self._hand_out(task, begun, self._executor)
        # A thread that wakes up while the caller holds the GIL would wait until the caller is done.
        begun.wait(_HANDOVER)
        return finish

    def run(self, task: Task) -> None:
        """Call the task over the whole batch and wait."""
        if self._executor is None:
            self._alone(task)()
        else:
            self._hand_out(task, Event(), self._executor)()

    def _alone(self, task: Task) -> Callable[[], None]:
        if self._running is not None:
            self._running()
        queue = iter([(0, self.batch)])

        def finish() -> None:
            self._running = None
            _work(task, queue)

        self._running = finish
        return finish

    def _hand_out(self, task: Task, begun: Event, executor: ThreadPoolExecutor) -> Callable[[], None]:
        if self._running is not None:
            self._running()
        queue = iter(self._slices)
        helpers: list[Future[None]] = [
            executor.submit(_help, task, queue, begun) for _ in range(self.threads - 1)
        ]

        def finish() -> None:
            self._running = None
            try:
                _work(task, queue)
            finally:
                wait(helpers)  # none may still write when the fault of another reaches the caller
                for helper in helpers:
                    helper.result()

        self._running = finish
        return finish


def shares(batch: int, threads: int) -> Iterator[tuple[int, int]]:
    """Slices of [0, batch), each half of an equal share of what is left."""
    lo = 0
    while lo < batch:
        hi = lo + max(1, (batch - lo) // (2 * threads))
        yield lo, hi
        lo = hi


def _help(task: Task, queue: Iterator[tuple[int, int]], begun: Event) -> None:
    begun.set()
    _work(task, queue)


def _work(task: Task, queue: Iterator[tuple[int, int]]) -> None:
    """Take slices until none is left; `next` on an iterator of a list is safe from several threads."""
    for lo, hi in queue:
        task(lo, hi)
