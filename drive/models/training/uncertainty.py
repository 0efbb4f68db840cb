"""How unsure the learner is, and how well it drives by now; both from numbers alone."""

import math
from collections import deque

from drive.agent import DT

SMOOTH_S = 0.3  # over which the std is averaged: one odd frame is no reason to call for help
FLOOR = 0.03  # of full steering: heads that differ by less agree, however alike the frames they know are
RELEASE = 0.8  # of the threshold, below which it is sure again
WINDOW_S = 60.0  # of driving that the autonomy counts
TAKEOVER_S = 6.0  # that a takeover counts, as in Bojarski et al. 2016
MIN_S = 5.0  # of driving before an autonomy is told


class UncertaintyMonitor:
    """Whether the heads differ by more than they do on frames of the kind they know."""

    def __init__(self) -> None:
        self.std: float | None = None  # smoothed
        self.share: float | None = None  # of the threshold: above 1 it is unsure
        self.unsure = False
        self._unsure_steps = 0  # without a break

    def update(self, std: float | None, threshold: float) -> None:
        """Take in one more frame.

        Args:
            std: of the heads' steering, >= 0; None: there was no answer, which starts afresh.
            threshold: what the std rarely exceeds on known frames.
        """
        if std is None or not math.isfinite(std):
            self.__init__()  # type: ignore[misc]
            return
        if self.std is None:
            self.std = std
        self.std += (1.0 - math.exp(-DT / SMOOTH_S)) * (std - self.std)
        limit = max(threshold, FLOOR)
        self.share = self.std / limit
        self.unsure = self.share > (RELEASE if self.unsure else 1.0)
        self._unsure_steps = self._unsure_steps + 1 if self.unsure else 0

    @property
    def unsure_s(self) -> float:
        """How long it has been unsure without a break [s]."""
        return round(self._unsure_steps * DT, 6)


class Autonomy:
    """The share of its last minute at the wheel that the learner drove in its lane and unaided.

        autonomy = 1 - (6 s * takeovers + time out of the lane) / time,  at least 0

    A takeover is a hand that takes the wheel from it, a halt to ask for help, or a crash. The 6 s are those
    of Bojarski et al. 2016, End to End Learning for Self-Driving Cars, section 7.
    """

    def __init__(self) -> None:
        self._lost: deque[float] = deque(maxlen=round(WINDOW_S / DT))  # of each step it drove [s]

    def drove(self, in_lane: bool) -> None:
        """The learner drove one step."""
        self._lost.append(0.0 if in_lane else DT)

    def taken_over(self) -> None:
        """The learner's driving came to an end that it did not choose."""
        if self._lost:
            self._lost[-1] += TAKEOVER_S

    @property
    def share(self) -> float | None:
        """0 to 1; None where it has driven for less than 5 s."""
        time = len(self._lost) * DT
        return None if time < MIN_S - 1e-9 else max(1.0 - sum(self._lost) / time, 0.0)
