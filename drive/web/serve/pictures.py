"""Camera pictures on their way to a browser: encoded once a size, and the size that a connection can take."""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.web.serve.protocol import Picture

# (share of the picture's size, JPEG quality), best first. The first is the picture for people, where there is
# one; the others are the camera's own.
LEVELS = ((1.0, 85), (1.0, 90), (1.0, 75), (1.0, 50), (0.5, 70), (0.5, 40), (0.25, 40))
RECORDED_QUALITY = 90
DISPLAY_PX = 960, 480  # largest width and height of the picture for people
LATE_S = 10.0  # without it, once it has made the drive late; twice as long each time [s]
WINDOW = 8  # pictures on their way to one client
QUEUE_S = 0.12  # more than this above the quickest way there and back: the connection is full [s]
PATIENCE_S = 5.0  # how long a connection must be quick before a better level is tried [s]
PULSE_S = 1.0  # a client that acknowledges nothing still gets a picture this often [s]


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = RECORDED_QUALITY) -> bytes:
    """An (H, W, 3) RGB picture as JPEG."""
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()


class Frame:
    """What the camera sees after one step; encoded when somebody wants it, once a level."""

    def __init__(
        self,
        step: int,
        echo: float | None,
        rgb: NDArray[np.uint8],
        display: NDArray[np.uint8] | None = None,
    ) -> None:
        self.step, self.echo, self.rgb, self.display = step, echo, rgb, display
        self._encoded: dict[int, bytes] = {}

    def jpeg(self) -> bytes:
        """The picture as it is recorded."""
        return self.picture(1).data

    def picture(self, level: int) -> Picture:
        """The picture at one of LEVELS."""
        if level == 0 and self.display is None:
            level = 1
        share, quality = LEVELS[level]
        small = self.display if level == 0 and self.display is not None else self.rgb
        height, width = round(small.shape[0] * share), round(small.shape[1] * share)
        if level not in self._encoded:
            if share != 1.0:
                small = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            self._encoded[level] = encode_jpeg(small, quality)
        return Picture(self.step, self.echo, level, width, height, self._encoded[level])


class DisplayGate:
    """Whether there is time for the picture for people: not while it makes the drive late."""

    def __init__(self) -> None:
        self._again = self._since = float("-inf")
        self._wait = LATE_S

    def open(self, late: bool, now: float) -> bool:
        """Ask before each picture.

        Args:
            late: whether the drive is slower than it should be.
            now: [s].
        """
        if now < self._again:
            self._since = now
            return False
        if late and now - self._since > 3.0:  # the rate has had time to tell
            self._again, self._wait = now + self._wait, min(2.0 * self._wait, 320.0)
            return False
        return True


@dataclass
class _Sent:
    step: int
    at: float


class Flow:
    """Decides which pictures one client gets, and how large, from what it acknowledges.

    Delay above the quickest seen is pictures that queue up somewhere: the level falls, and fewer are let on
    their way. A connection that has been quick for a while gets a better level; if that fills it again, the
    next try waits twice as long.
    """

    def __init__(self) -> None:
        self.level = 1
        self._sent: deque[_Sent] = deque()
        self._best = float("inf")
        self._delay = 0.0  # smoothed [s]
        self._changed = self._raised = float("-inf")
        self._patience = PATIENCE_S
        self._last = float("-inf")  # when a picture was sent

    def may_send(self, now: float) -> bool:
        """Whether the newest picture may go out now."""
        if len(self._sent) >= (2 if self._full else WINDOW):
            if now - self._last < PULSE_S:
                return False
            self._sent.popleft()
        return True

    def sent(self, step: int, now: float) -> None:
        """A picture has gone out."""
        self._sent.append(_Sent(step, now))
        self._last = now

    def acknowledged(self, step: int, now: float, held: float = 0.0) -> None:
        """The client has drawn a picture; those before it are through as well.

        Args:
            step: of the picture.
            now: [s].
            held: how long the client took from receiving to drawing: no fault of the connection [s].
        """
        at = None
        while self._sent and self._sent[0].step <= step:
            at = self._sent.popleft().at
        if at is None:
            return
        delay = max(now - at - held, 0.0)
        self._best = min(self._best, delay)
        self._delay = delay if self._delay == 0.0 else self._delay + 0.2 * (delay - self._delay)
        if self._full and now - self._changed > 1.0 and self.level < len(LEVELS) - 1:
            if now - self._raised < 2.0 * PATIENCE_S:
                self._patience, self._raised = min(2.0 * self._patience, 120.0), float("-inf")
            self.level, self._changed = self.level + 1, now
        elif not self._full and now - self._changed > self._patience and self.level > 0:
            self.level, self._changed, self._raised = self.level - 1, now, now

    @property
    def _full(self) -> bool:
        return self._delay > self._best + QUEUE_S
