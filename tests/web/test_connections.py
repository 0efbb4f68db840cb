"""Connections that ask for nothing do not keep others out."""

import asyncio
import logging
from typing import Any

import pytest
import uvicorn

from drive.web import connections
from drive.web.connections import BoundedLog
from drive.web.limits import MAX_LOGGED
from drive.web.listen import open_socket, server_settings

PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})


def test_silent_connections_are_closed_and_bounded_while_the_page_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.5)
    monkeypatch.setattr(connections, "MAX_IDLE", 10)

    async def main() -> None:
        opened = open_socket("127.0.0.1", 0)
        port = opened.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, **server_settings() | {"lifespan": "off"}))
        serving = asyncio.create_task(server.serve([opened]))
        while not server.started:
            await asyncio.sleep(0.01)
        used = await asyncio.open_connection("127.0.0.1", port)
        used[1].write(PAGE)
        assert (await used[0].read(200)).endswith(b"hi")
        used[1].write(PAGE[:9])  # asks once, and then stops in the middle
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for _, writer in silent[::2]:
            writer.write(PAGE[:20])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PAGE)
        assert (await reader.read(200)).endswith(b"hi")
        assert len(server.server_state.connections) <= 12
        for one, _ in [used, *silent]:
            try:
                assert await asyncio.wait_for(one.read(), 30.0) == b"", "closed without an answer"
            except ConnectionResetError:
                pass
        for _, one in [used, *silent, (reader, writer)]:
            one.close()
        server.should_exit = True
        await serving

    asyncio.run(main())


def test_what_strangers_send_is_logged_in_few_lines() -> None:
    log = BoundedLog()
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "Invalid HTTP request.", (), None)
    assert sum(log.filter(record) for _ in range(1000)) == MAX_LOGGED
