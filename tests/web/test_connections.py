"""Connections that ask for nothing do not keep others out."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from drive.web import connections
from drive.web.connections import BoundedLog
from drive.web.limits import MAX_LOGGED
from drive.web.listen import open_socket, server_settings

PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if "text" in message:
                await send({"type": "websocket.send", "text": message["text"]})


@asynccontextmanager
async def served() -> AsyncIterator[tuple[uvicorn.Server, int]]:
    opened = open_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, **server_settings() | {"lifespan": "off"}))
    serving = asyncio.create_task(server.serve([opened]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield server, opened.getsockname()[1]
    server.should_exit = True
    await serving


def test_silent_connections_are_closed_and_bounded_while_the_page_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.5)
    monkeypatch.setattr(connections, "MAX_IDLE", 10)

    async def main() -> None:
        async with served() as (server, port):
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
            for _, end in [used, *silent, (reader, writer)]:
                end.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "head",
    [
        b"GET /ws HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 100\r\n",
        b"HEAD /ws HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 100\r\n",
        b"POST /ws HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 100\r\n",
        b"GET /ws HTTP/1.1\r\n" + UPGRADE + b"Transfer-Encoding: chunked\r\n",
        b"GET /ws?" + b"a" * 9000 + b" HTTP/1.1\r\n" + UPGRADE,
        b"GET /ws HTTP/1.1\r\n" + UPGRADE + b"X: 1\r\n" * 300,
    ],
    ids=["body", "head", "post", "chunked", "long", "headers"],
)
@pytest.mark.parametrize("before", [b"", PAGE], ids=["first", "pipelined"])
def test_an_upgrade_that_no_websocket_reads_is_refused_and_closed(head: bytes, before: bytes) -> None:
    async def main() -> None:
        async with served() as (server, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(before + head + b"\r\n")
            answer = await asyncio.wait_for(reader.read(), 30.0)
            assert answer[answer.rindex(b"HTTP/1.1") :].startswith(b"HTTP/1.1 400 ")
            assert answer.count(b"HTTP/1.1 200") == (before == PAGE)
            assert not server.server_state.connections
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("before", [b"", PAGE], ids=["first", "pipelined"])
def test_a_websocket_outlives_the_wait_for_requests(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.2)

    async def main() -> None:
        async with served() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(before + b"GET /ws HTTP/1.1\r\n" + UPGRADE + b"\r\n")
            await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 101 "), 30.0)
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.5)
            writer.write(b"\x81\x82\0\0\0\0hi")  # a text, masked with zeros
            assert await asyncio.wait_for(reader.readexactly(4), 30.0) == b"\x81\x02hi"
            writer.close()

    asyncio.run(main())


def test_what_strangers_send_is_logged_in_few_lines() -> None:
    log = BoundedLog()
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "Invalid HTTP request.", (), None)
    assert sum(log.filter(record) for _ in range(1000)) == MAX_LOGGED
