"""A limit on how long an agent may think."""

import signal
import threading


class TooLong(Exception):
    """The time is over."""


class Watch:
    """Interrupts an agent that thinks too long, on systems with interval timers and in the main thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._armed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Watch":
        if self._armed:
            self._before = signal.signal(signal.SIGALRM, self._interrupt)
        return self

    def __exit__(self, *problem: object) -> None:
        if self._armed:
            signal.signal(signal.SIGALRM, self._before)

    @staticmethod
    def _interrupt(number: int, frame: object) -> None:
        raise TooLong

    def limit(self) -> "_Timer":
        """A context that raises TooLong when what runs inside takes longer than `seconds`."""
        return _Timer(self.seconds if self._armed else 0.0)


class _Timer:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        if self._seconds:
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *problem: object) -> None:
        if self._seconds:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
