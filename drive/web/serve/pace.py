"""When the next step is due: real time or slower, and never two steps to catch up with one that was late."""

import math
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Literal

from drive.agent import DT

Factor = float | Literal["max"]


class Pace:
    """The clock of the steps, and the rate at which they really come."""

    def __init__(self, factor: Factor = 1.0, clock: Callable[[], float] = perf_counter) -> None:
        """Set the pace.

        Args:
            factor: of real time, at most 1; "max": every step is due at once.
            clock: the time [s].
        """
        self.factor = factor
        self._clock = clock
        self._due = -math.inf
        self._steps: deque[float] = deque(maxlen=40)

    @property
    def wait(self) -> float:
        """How long until the next step is due [s]."""
        return 0.0 if self.factor == "max" else max(self._due - self._clock(), 0.0)

    def stepped(self) -> None:
        """A step begins; the next is due one interval later. Delays of half an interval are not made up."""
        now = self._clock()
        self._steps.append(now)
        if self.factor != "max":
            interval = DT / self.factor
            self._due = (now if now - self._due > 0.5 * interval else self._due) + interval

    def delay(self, seconds: float) -> None:
        """Let the next step wait for at least so long."""
        if self.factor != "max":
            self._due = max(self._due, self._clock() + seconds)

    @property
    def late(self) -> bool:
        """Whether the last two seconds' steps came later than they were due."""
        full = len(self._steps) == self._steps.maxlen
        return full and self.factor != "max" and 0.0 < self.rate < 0.95 * self.factor / DT

    @property
    def rate(self) -> float:
        """Steps a second over the last ones [Hz]."""
        if len(self._steps) < 2 or self._clock() - self._steps[-1] > 1.0:
            return 0.0
        return (len(self._steps) - 1) / max(self._steps[-1] - self._steps[0], 1e-9)
