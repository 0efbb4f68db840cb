"""The pages that are open: one drives, the others watch; pictures are dropped where a connection is slow."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from starlette.websockets import WebSocket

from drive.web.access import Rate
from drive.web.serve import messages, protocol
from drive.web.serve.commands import Command, DriverCame, DriverLeft, Update, Watchers
from drive.web.serve.loop import Loop
from drive.web.serve.pictures import Flow, Frame
from drive.web.serve.protocol import encode

MAX_STATES = 400  # that wait for one client; of more, the oldest are dropped
MAX_TEXTS = 200  # other messages that wait; a client that lets more pile up is cut off
DRIVES_PER_S, DRIVES_AT_ONCE = 2.0, 6.0  # new drives that one page may ask for: each takes 0.1 s


class Client:
    """One open page and what is on its way to it."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.role = "viewer"
        self.flow = Flow()
        self.drives = Rate(DRIVES_PER_S, DRIVES_AT_ONCE)
        self._texts: deque[str] = deque()
        self._states: deque[str] = deque(maxlen=MAX_STATES)
        self._frame: Frame | None = None
        self._wake = asyncio.Event()
        self.lost = False

    def send(self, text: str) -> None:
        """Send a message that is not to be lost."""
        self._texts.append(text)
        self.lost = self.lost or len(self._texts) > MAX_TEXTS
        self._wake.set()

    def offer(self, state: str | None, frame: Frame | None) -> None:
        """Send a state, and a picture if the connection takes one."""
        if state:
            self._states.append(state)
        if frame is not None:
            self._frame = frame
        self._wake.set()

    def acknowledged(self, message: messages.ViewerAck) -> None:
        """The page has drawn a picture."""
        self.flow.acknowledged(message.step, monotonic(), 1e-3 * message.held_ms)
        self._wake.set()

    async def pump(self) -> None:
        """Send what waits, until the connection ends."""
        while not self.lost:
            with suppress(TimeoutError):  # perhaps a picture may go out by then
                async with asyncio.timeout(0.5):
                    await self._wake.wait()
            self._wake.clear()
            while self._texts:
                await self.websocket.send_text(self._texts.popleft())
            frame = self._frame
            if frame is not None and self.flow.may_send(monotonic()):
                self._frame = None
                self.flow.sent(frame.step, monotonic())
                await self.websocket.send_bytes(frame.picture(self.flow.level).pack())
            while self._states:
                await self.websocket.send_text(self._states.popleft())


class Hub:
    """Joins the pages with the thread that drives. Its methods belong to the event loop's thread."""

    def __init__(self, hello: Callable[[], dict[str, Any]]) -> None:
        self._hello = hello
        self._clients: list[Client] = []
        self._events: asyncio.AbstractEventLoop | None = None
        self.loop: Loop | None = None

    def attach(self, loop: Loop) -> None:
        """Join with the thread that drives, from inside the event loop."""
        self._events = asyncio.get_running_loop()
        self.loop = loop

    def publish(self, update: Update) -> None:
        """Tell all pages; may be called by any thread."""
        if self._events is None:
            return
        try:
            self._events.call_soon_threadsafe(self._send_all, update)
        except RuntimeError:  # the event loop has ended
            self._events = None

    def _send_all(self, update: Update) -> None:
        for client in self._clients:
            for text in update.texts:
                client.send(text)
            client.offer(update.state, update.frame)
        if self.loop is not None:
            self.loop.drive.display_wanted = any(client.flow.level == 0 for client in self._clients)

    def ask(self, command: Command) -> bool:
        """Pass something on to the thread that drives; False: it has too much to do."""
        return self.loop is None or self.loop.ask(command)

    @property
    def full(self) -> bool:
        """Whether no more pages may be opened."""
        return len(self._clients) >= protocol.MAX_CLIENTS

    @property
    def driver(self) -> Client | None:
        """The page that drives."""
        return next((client for client in self._clients if client.role == "driver"), None)

    def join(self, client: Client) -> None:
        """A page was opened; it drives if nobody does."""
        self._clients.append(client)
        client.send(encode("hello", **self._hello()))
        loop = self.loop
        if loop is not None and loop.drive.map_text:
            client.send(loop.drive.map_text)
        if self.driver is None:
            self._seat(client)
        self._send_roles()
        self.ask(Watchers(len(self._clients)))
        if loop is not None:
            client.offer(loop.drive.state_text, loop.drive.frame)

    def leave(self, client: Client) -> None:
        """A page was closed, or its connection was lost."""
        self._clients.remove(client)
        client.lost = True
        if client.role == "driver":
            self.ask(DriverLeft())
        self.ask(Watchers(len(self._clients)))
        self._send_roles()

    def handle(self, client: Client, message: messages.Message) -> None:
        """Do what a page asks for."""
        match message:
            case messages.ViewerAck():
                client.acknowledged(message)
            case messages.Claim():
                if self.driver is None:
                    self._seat(client)
                    self._send_roles()
                elif client.role != "driver":
                    client.send(
                        encode("error", text="Somebody drives: wait until the driver's place is free.")
                    )
            case _ if client.role != "driver":
                client.send(encode("error", text="You watch: claim the driver's place when it is free."))
            case messages.Release():
                client.role = "viewer"
                self.ask(DriverLeft(lost=False))
                self._send_roles()
            case messages.Controls():
                if self.loop is not None:
                    self.loop.steer(message)
            case messages.Start() | messages.Restart() if not client.drives.take():
                self._refuse(client, "Too many new drives at once: wait a moment.")
            case _:
                if not self.ask(message):
                    self._refuse(client, "Too much is asked for at once: wait a moment.")

    def _refuse(self, client: Client, text: str) -> None:
        """Send an error, at most once a second."""
        if client.drives.should_notify():
            client.send(encode("error", text=text))

    def _seat(self, client: Client) -> None:
        client.role = "driver"
        self.ask(DriverCame())

    def _send_roles(self) -> None:
        driver = self.driver is not None
        viewers = len(self._clients) - driver
        for client in self._clients:
            client.send(encode("role", role=client.role, driver=driver, viewers=viewers))
