"""A server on a free port of this machine, in a thread or a process of its own, and small clients."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from websockets.sync.client import ClientConnection, connect

from drive.web.listen import open_socket, server_settings
from drive.web.serve.command import ServeConfig, build_app
from drive.web.serve.protocol import Picture, unpack_picture
from tests.children import HANG_S, drive_command


class Page:
    """A page without a browser: answers pictures, keeps what it is told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.states: list[dict[str, Any]] = []
        self.pictures: list[Picture] = []
        self.told: list[dict[str, Any]] = []  # everything else
        self.acknowledge = True

    def send(self, type: str, **values: Any) -> None:
        """Send one message."""
        self.connection.send(json.dumps({"type": type, **values}))

    def take(self, timeout: float = HANG_S) -> dict[str, Any] | Picture:
        """The next message."""
        message = self.connection.recv(timeout)
        if isinstance(message, bytes):
            picture = unpack_picture(message)
            self.pictures.append(picture)
            if self.acknowledge:
                self.send("viewer_ack", step=picture.step)
            return picture
        values: dict[str, Any] = json.loads(message)
        (self.states if values["type"] == "state" else self.told).append(values)
        return values

    def wait(
        self, good: Callable[[dict[str, Any]], Any], steering: float | None = None, timeout: float = HANG_S
    ) -> dict[str, Any]:
        """Read until a text message is as wanted; `steering` is held on to meanwhile."""
        end = time.monotonic() + timeout
        held = 0.0
        while time.monotonic() < end:
            if steering is not None and time.monotonic() > held:
                self.steer(steering)
                held = time.monotonic() + 0.1
            try:
                message = self.take(0.1 if steering is not None else max(end - time.monotonic(), 0.01))
            except TimeoutError:
                continue
            if isinstance(message, dict) and good(message):
                return message
        raise TimeoutError(f"not told what was waited for; last {self.told[-1:]}, {self.states[-1:]}")

    def until(self, steering: float | None = None, timeout: float = HANG_S, **wanted: Any) -> dict[str, Any]:
        """Read until a text message has these fields."""
        return self.wait(lambda told: all(told.get(k) == v for k, v in wanted.items()), steering, timeout)

    def state(self, good: Callable[[dict[str, Any]], Any], steering: float | None = None) -> dict[str, Any]:
        """Read until a state is as wanted."""
        return self.wait(lambda told: told["type"] == "state" and good(told), steering)

    def steer(self, steering: float) -> None:
        """Hands on the wheel."""
        self.send("controls", t=time.perf_counter() * 1000.0, steering=steering)

    def drive(self, steps: int, steering: float | None = None) -> dict[str, Any]:
        """Steer as the expert shows (or as given) until so many more steps were driven."""
        first, shown = None, 0.0
        while True:
            self.steer(shown if steering is None else steering)
            state = self.until(type="state")
            first = state["step"] if first is None else first
            shown = state["expert_steering"] or 0.0
            if state["step"] - first >= steps or state["end"] is not None:
                return state


@contextmanager
def serving(config: ServeConfig, token: str | None = None) -> Iterator[int]:
    """Serve until the end of the block; the port."""
    with serving_app(build_app(config, token), config.host) as port:
        yield port


@contextmanager
def serving_app(app: Starlette, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve an application until the end of the block; the port."""
    with open_socket(host, 0) as socket:
        server = uvicorn.Server(uvicorn.Config(app, **server_settings()))
        thread = threading.Thread(target=server.run, args=([socket],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield socket.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(HANG_S)
            assert not thread.is_alive()


@contextmanager
def process(*flags: str) -> Iterator[tuple[subprocess.Popen[str], int, str, list[str]]]:
    """`drive serve` on a free port: the process, the port, the query of its URL, and what it printed."""
    command = drive_command("serve", "--port", "0", *flags)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        try:
            printed: list[str] = []
            assert running.stdout is not None
            for line in running.stdout:
                printed.append(line)
                if "Stop with" in line:
                    break
            url = re.search(r"Drive here: http://127\.0\.0\.1:(\d+)/(\S*)", "".join(printed))
            assert url, printed
            rest = threading.Thread(target=lambda: printed.extend(running.stdout or ()), daemon=True)
            rest.start()
            yield running, int(url[1]), url[2], printed
        finally:
            if running.poll() is None:
                running.kill()
            running.wait(HANG_S)


@contextmanager
def page(port: int, query: str = "", origin: str | None = None) -> Iterator[Page]:
    """Open a page; its hello and role are read."""
    url = f"ws://127.0.0.1:{port}/ws{query}"
    with connect(url, origin=origin, max_size=None, max_queue=None, compression=None) as connection:  # type: ignore[arg-type]
        opened = Page(connection)
        opened.until(type="role")
        yield opened
