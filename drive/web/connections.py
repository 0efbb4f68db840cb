"""Connections that ask for nothing: closed after a while, bounded in number, and not logged without end."""

import asyncio
import logging
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from drive.web.access import Rate
from drive.web.limits import IDLE_S, MAX_IDLE, MAX_LOGGED, MAX_LOGGED_PER_S


class PatientProtocol(H11Protocol):
    """HTTP/1.1; a connection has `IDLE_S` to complete the head of a request.

    Of those that have not, or not again, at most `MAX_IDLE` stay open: the oldest goes, so that whoever may
    come in finds room. What a request is answered with, the application decides; a page's WebSocket is none
    of these once its request is read.
    """

    _timer: asyncio.TimerHandle | None = None  # runs while it is idle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()
        idle = [
            (one._timer.when(), id(one), one)
            for one in self.connections
            if isinstance(one, PatientProtocol) and one._timer is not None
        ]
        if len(idle) > MAX_IDLE:
            min(idle)[2].transport.abort()

    def data_received(self, data: bytes) -> None:
        """Stop waiting where a request has begun."""
        super().data_received(data)
        if not self._idle:
            self._stop()
        elif self._timer is None:
            self._wait()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Refuse what the WebSocket's parser cannot read, as a request with a body: it would never answer."""
        super().handle_websocket_upgrade(event)  # hands the whole head over: what is not read now never is
        other = cast(WebSocketsSansIOProtocol, self.transport.get_protocol())
        if not other.handshake_initiated:
            self.connections.discard(other)
            self.connections.add(self)
            self.transport.set_protocol(self)
            self.send_400_response("")

    def on_response_complete(self) -> None:
        """Wait for the next request, or until what is left to send has gone."""
        super().on_response_complete()
        if self._idle:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._stop()
        super().connection_lost(exc)

    @property
    def _idle(self) -> bool:
        busy = self.cycle is not None and not self.cycle.response_complete
        return not busy and self.transport.get_protocol() is self  # not a WebSocket's by now

    def _wait(self) -> None:
        self._stop()
        self._timer = self.loop.call_later(IDLE_S, self.transport.abort)

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class BoundedLog(logging.Filter):
    """Lets a burst of records through, then few: what strangers send fills no disk."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = Rate(MAX_LOGGED_PER_S, MAX_LOGGED)

    def filter(self, record: Any) -> bool:
        """Whether a record is written."""
        return self._rate.take()
