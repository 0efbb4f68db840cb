"""How smoothly `drive serve` drives: steps and pictures a second, and from the hand to the picture.

The server is a process of its own; its pages are threads here, which decode and acknowledge every picture as
a browser does. The driver's page steers as the expert shows, moves once the picture of its last movement is
there and a random part of a step has passed: so movements fall anywhere between two steps, as a person's do.
"""

import json
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

SETTLE_S = 1.0  # driven before anything is measured
PAUSE_S = (0.01, 0.06)  # between a movement's picture and the next movement: one step, any part of it
LOST_S = 1.0  # a movement whose picture does not come by then is made again


@dataclass
class Seen:
    """What one page got while it was measured."""

    pictures: list[tuple[float, int]] = field(default_factory=list)  # when it was decoded [s], step
    states: list[tuple[float, int]] = field(default_factory=list)  # when [s], step
    delays: list[float] = field(default_factory=list)  # from a movement to its picture [s]


class _Page(threading.Thread):
    """Reads, decodes and acknowledges; the driver's steers as well."""

    def __init__(self, url: str, *, drives: bool, seed: int) -> None:
        super().__init__(daemon=True)
        self.seen = Seen()
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self._url, self._drives, self._seed = url, drives, seed
        self._moved: float | None = None  # when the movement that has not come back was made [s]
        self._due = 0.0  # the next one [s]
        self._wanted = 0.0  # what the expert would steer
        self._rng = random.Random(0)
        self._connection: Any = None

    def run(self) -> None:
        from websockets.sync.client import connect

        try:
            with connect(self._url, max_size=None, max_queue=None, compression=None) as self._connection:
                if self._drives:
                    self._send("start", seed=self._seed, agent="person")
                while not self.ended.is_set():
                    self._steer()
                    try:
                        self._take(self._connection.recv(0.005))
                    except TimeoutError:
                        continue
        except BaseException as problem:  # raised by whoever measures
            self.failure = problem

    def _send(self, kind: str, **values: Any) -> None:
        self._connection.send(json.dumps({"type": kind, **values}))

    def _steer(self) -> None:
        now = time.perf_counter()
        lost = self._moved is not None and now - self._moved > LOST_S
        if self._drives and now >= self._due and (self._moved is None or lost):
            self._moved = now
            self._send("controls", t=1000.0 * now, steering=self._wanted)

    def _take(self, received: str | bytes) -> None:
        import cv2
        import numpy as np

        from drive.web.serve.protocol import unpack_picture

        if isinstance(received, str):
            message = json.loads(received)
            if message["type"] == "state":
                self.seen.states.append((time.perf_counter(), message["step"]))
                self._wanted = message["expert_steering"] or 0.0
                if message["end"] is not None:
                    raise RuntimeError(f"the drive ended: {message['end']}")
            return
        picture = unpack_picture(received)
        cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
        self._send("viewer_ack", step=picture.step)
        now = time.perf_counter()
        self.seen.pictures.append((now, picture.step))
        if self._moved is not None and picture.echo == 1000.0 * self._moved:
            self.seen.delays.append(now - self._moved)
            self._moved, self._due = None, now + self._rng.uniform(*PAUSE_S)


@contextmanager
def _server(flags: tuple[str, ...]) -> Iterator[str]:
    """The address of a server's WebSocket."""
    command = [sys.executable, "-m", "drive", "serve", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            printed = []
            for line in process.stdout or ():
                printed.append(line)
                if found := re.search(r"Drive here: http://(\S+?)/", line):
                    yield f"ws://{found[1]}/ws"
                    return
            raise RuntimeError(f"the server ended at once: {''.join(printed)}")
        finally:
            process.kill()


def watch(viewers: int, seconds: float, flags: tuple[str, ...] = (), seed: int = 5) -> list[Seen]:
    """Drive a road from its start while others watch; what each page got, the driver's first.

    Args:
        viewers: pages beside the driver's.
        seconds: to measure.
        flags: for `drive serve`.
        seed: of the road.

    Raises:
        RuntimeError: the server or the drive ended, or a page failed.
    """
    with _server(flags) as url:
        pages = [_Page(url, drives=True, seed=seed)]
        pages[0].start()
        _wait(lambda: pages[0].seen.delays, pages)
        pages += [_Page(url, drives=False, seed=seed) for _ in range(viewers)]
        for page in pages[1:]:
            page.start()
        _wait(lambda: all(page.seen.pictures for page in pages), pages)
        time.sleep(SETTLE_S)
        for page in pages:
            page.seen = Seen()
        time.sleep(seconds)
        seen = [page.seen for page in pages]
        for page in pages:
            page.ended.set()
            page.join()
        _raise_failures(pages)
    return seen


def _wait(holds: Any, pages: list[_Page]) -> None:
    while not holds():
        _raise_failures(pages)
        time.sleep(0.01)


def _raise_failures(pages: list[_Page]) -> None:
    for page in pages:
        if page.failure is not None:
            raise RuntimeError("a page failed") from page.failure


def measure(viewers: int = 4, seconds: float = 5.0) -> dict[str, Any]:
    """The figures of one measurement; rates are those of the page that got least."""
    import numpy as np

    seen = watch(viewers, seconds)
    delays_ms = 1000.0 * np.array(seen[0].delays)
    return {
        "viewers": viewers,
        "steps_per_second": round(min(_rate(one.states) for one in seen), 2),
        "pictures_per_second": round(min(_rate(one.pictures) for one in seen), 2),
        "steps_skipped": sum(skipped(one) for one in seen),
        "hand_to_picture_ms_p50": round(float(np.median(delays_ms)), 1),
        "hand_to_picture_ms_p95": round(float(np.percentile(delays_ms, 95.0)), 1),
    }


def skipped(seen: Seen) -> int:
    """Steps that a page was not told of, between two that it was."""
    return sum(max(after - step - 1, 0) for (_, step), (_, after) in pairwise(seen.states))


def _rate(events: list[tuple[float, int]]) -> float:
    """Different steps a second."""
    first = {step: at for at, step in reversed(events)}
    times = sorted(first.values())
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
