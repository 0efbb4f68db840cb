"""How smooth a drive is: pictures a second at each client, steps skipped, and from the hand to the picture.

    python -m tests.web.serve.rate --viewers 4 --seconds 10

The server is a process of its own, the clients are threads here: they decode each picture and acknowledge it,
as a page does. The driver steers as the expert shows. It moves once the picture of the last movement is there
and a random part of a step has passed: so its movements fall anywhere between two steps, as a person's do.
"""

import argparse
import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.web.serve.served import Page, page, process

PAUSE_S = (0.01, 0.06)  # between a movement's picture and the next movement: one step, any part of it
SETTLE_S = 1.0  # driven before anything is measured


@dataclass
class Seen:
    """What one client got while it was measured."""

    role: str
    pictures: list[tuple[float, int]] = field(default_factory=list)  # when it was decoded [s], step
    states: list[tuple[float, int, float]] = field(
        default_factory=list
    )  # when [s], step, simulation time [s]
    delays: list[float] = field(default_factory=list)  # from a movement to its picture [s]
    sizes: set[tuple[int, int]] = field(default_factory=set)  # of the pictures, width and height

    @property
    def shown_hz(self) -> float:
        """Pictures a second."""
        return _rate([at for at, _ in self.pictures])

    @property
    def steps_hz(self) -> float:
        """Steps a second that it was told of."""
        return _rate([at for (at, step, _), (_, after, _) in pairwise(self.states) if after != step])

    @property
    def skipped(self) -> int:
        """Steps that it was not told of, between two that it was."""
        return sum(max(after - step - 1, 0) for (_, step, _), (_, after, _) in pairwise(self.states))

    @property
    def missed(self) -> int:
        """Steps whose picture it was not sent, between two whose pictures it was."""
        return sum(after - step - 1 for (_, step), (_, after) in pairwise(self.pictures))


def _rate(times: Sequence[float]) -> float:
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


@dataclass(frozen=True)
class Measured:
    """One measurement."""

    seen: tuple[Seen, ...]  # the driver's first
    seconds: float
    server_waited: float | None  # [s] in which its threads wanted a processor and got none; None: unknown
    clients_waited: float | None  # the same for the clients
    stolen: float = 0.0  # [s] in which a virtual machine's host kept a processor from it

    @property
    def server_denied(self) -> float | None:
        """How much later the server may be than on a machine of its own [s]."""
        return None if self.server_waited is None else self.server_waited + self.stolen

    @property
    def denied(self) -> float | None:
        """How much later server and clients together may be [s]."""
        if self.server_waited is None or self.clients_waited is None:
            return None
        return self.server_waited + self.clients_waited + self.stolen

    @property
    def delays(self) -> list[float]:
        """From a movement of the driver's hand to the picture that shows it [s]."""
        return self.seen[0].delays


class _Client(threading.Thread):
    """Reads, decodes and acknowledges; the driver steers as well."""

    def __init__(self, opened: Page, role: str) -> None:
        super().__init__(name=role, daemon=True)
        self.seen = Seen(role)
        self.stopped = threading.Event()
        self.failure: BaseException | None = None
        self._page, self._drives = opened, role == "driver"
        self._pending: float | None = None  # when the movement that has not come back was made [s]
        self._due = 0.0  # the next one
        self._rng = random.Random(0)

    def run(self) -> None:
        """Go on until it is stopped."""
        try:
            while not self.stopped.is_set():
                if (
                    self._drives
                    and (self._pending is None or self._late)
                    and time.perf_counter() >= self._due
                ):
                    self._move()
                wait = self._due - time.perf_counter() if self._drives and self._pending is None else 0.1
                try:
                    message = self._page.take(min(max(wait, 0.0005), 0.1))
                except TimeoutError:
                    continue
                self._take(message)
        except BaseException as problem:  # told by whoever measures
            self.failure = problem

    @property
    def _late(self) -> bool:
        return self._pending is not None and time.perf_counter() - self._pending > 1.0

    def _move(self) -> None:
        self._pending = time.perf_counter()
        shown = self._page.states[-1]["expert_steering"] if self._page.states else None
        self._page.send("controls", t=1000.0 * self._pending, steering=shown or 0.0)

    def _take(self, message: Any) -> None:
        if isinstance(message, dict):
            if message["type"] == "state":
                self.seen.states.append((time.perf_counter(), message["step"], message["time_s"]))
            return
        decoded = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        self._page.send("viewer_ack", step=message.step)
        now = time.perf_counter()
        self.seen.pictures.append((now, message.step))
        self.seen.sizes.add((decoded.shape[1], decoded.shape[0]))
        if self._pending is not None and message.echo == 1000.0 * self._pending:
            self.seen.delays.append(now - self._pending)
            self._pending, self._due = None, now + self._rng.uniform(*PAUSE_S)


@contextmanager
def driven(*flags: str) -> Iterator[tuple[int, int]]:
    """A server as anyone starts it: its port and its process."""
    with process(*flags) as (running, port, _, _):
        yield port, running.pid


def measure(port: int, pid: int, viewers: int, seconds: float, seed: int = 5) -> Measured:
    """Drive a road from its start, watched by `viewers` more clients, and count.

    Args:
        port: of the server.
        pid: of its process.
        viewers: clients beside the driver.
        seconds: to measure.
        seed: of the road.

    Raises:
        RuntimeError: the drive ended.
    """
    with ExitStack() as stack:
        roles = ["driver", *(f"viewer {i + 1}" for i in range(viewers))]
        pages = [stack.enter_context(page(port)) for _ in roles]
        for opened in pages:
            opened.acknowledge = False  # after the picture is decoded
        pages[0].send("start", seed=seed, agent="person")
        pages[0].until(steering=0.0, type="state", mode="driving")
        clients = [_Client(opened, role) for opened, role in zip(pages, roles, strict=True)]
        for client in clients:
            client.start()
        time.sleep(SETTLE_S)
        for client in clients:
            client.seen = Seen(client.seen.role)
        began, before, stolen = time.perf_counter(), [_waits(one) for one in (pid, os.getpid())], _stolen()
        time.sleep(seconds)
        took, after = time.perf_counter() - began, [_waits(one) for one in (pid, os.getpid())]
        stolen = _stolen() - stolen
        seen = tuple(client.seen for client in clients)
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join(10.0)
        broken = next((client.failure for client in clients if client.failure is not None), None)
        end = pages[0].states[-1]["end"]
    if broken is not None:
        raise RuntimeError("a client broke") from broken
    if end is not None:
        raise RuntimeError(f"the drive ended: {end}")
    server, clients = (_waited(was, now) for was, now in zip(before, after, strict=True))
    return Measured(seen, took, server, clients, stolen)


def _waits(pid: int) -> dict[str, float]:
    """Seconds that each thread of a process has waited for a processor so far; none where nobody counts them.

    The run delays of the Linux kernel's sched-stats.
    """
    waits = {}
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # the thread ended meanwhile
            waits[file.parent.name] = int(file.read_text().split()[1]) / 1e9
    return waits


def _waited(before: dict[str, float], after: dict[str, float]) -> float | None:
    """Seconds that a process's threads waited between two counts; None: nobody counts them.

    A bound from above: a step waits for the loop's thread, those that draw and those that send, which cannot
    be told apart from outside, and waits of several at once delay it once.
    """
    return sum(waited - before.get(thread, 0.0) for thread, waited in after.items()) if after else None


def _stolen() -> float:
    """Seconds that a virtual machine's host has kept from it so far, the mean of its processors."""
    try:
        ticks = int(Path("/proc/stat").read_text().split()[8])
    except (OSError, IndexError):
        return 0.0
    return ticks / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)


def report(measured: Measured) -> str:
    """The figures as lines of text."""
    lines = [
        f"{seen.role:<10} {seen.shown_hz:5.2f} pictures/s of {_sizes(seen)}, {seen.missed} missed; "
        f"{seen.steps_hz:5.2f} steps/s, {seen.skipped} skipped"
        for seen in measured.seen
    ]
    if measured.delays:
        p50, p95 = 1000.0 * np.percentile(measured.delays, (50.0, 95.0))
        lines.append(
            f"hand to picture: {p50:.1f} ms (p50), {p95:.1f} ms (p95) of {len(measured.delays)} movements"
        )
    else:
        lines.append("hand to picture: no movement came back")
    for who, waited in (("server", measured.server_waited), ("clients", measured.clients_waited)):
        if waited is not None:
            share = 100.0 * waited / measured.seconds
            lines.append(f"{who} waited for a processor: {share:.1f} % of the time, over all its threads")
    if measured.stolen:
        share = 100.0 * measured.stolen / measured.seconds
        lines.append(f"the host kept a processor to itself: {share:.1f} % of the time")
    return "\n".join(lines)


def _sizes(seen: Seen) -> str:
    return ", ".join(f"{width} x {height}" for width, height in sorted(seen.sizes))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Pictures a second, steps skipped, hand to picture.")
    parser.add_argument("--viewers", type=int, nargs="*", default=[1, 4], help="clients beside the driver")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("flags", nargs="*", help="for drive serve, after --")
    chosen = parser.parse_args()
    with driven(*chosen.flags) as (port, pid):
        for viewers in chosen.viewers:
            print(f"1 driver, {viewers} viewers\n{report(measure(port, pid, viewers, chosen.seconds))}\n")


if __name__ == "__main__":
    main()
