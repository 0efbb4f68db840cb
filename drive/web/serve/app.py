"""The web application: the page, its files, and the WebSocket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from drive.web.access import AccessCheck, Rate
from drive.web.headers import StrictHeaders
from drive.web.limits import MAX_MESSAGE_BYTES, MAX_MESSAGES_PER_S
from drive.web.serve import messages
from drive.web.serve.commands import Update
from drive.web.serve.hub import Client, Hub
from drive.web.serve.loop import Loop
from drive.web.serve.protocol import ProtocolError, encode

STATIC = Path(__file__).parent / "static"
REFUSED, TOO_LARGE, TOO_MANY = 1008, 1009, 1013  # close codes


def make_app(
    make_loop: Callable[[Callable[[Update], None]], Loop],
    hello: Callable[[], dict[str, Any]],
    token: str | None = None,
) -> Starlette:
    """The application; the thread that drives lives as long as it serves.

    Where that thread breaks, `state.failure` of the application says why and `state.broken()` is called.

    Args:
        make_loop: builds the thread that drives, given where to publish.
        hello: the fields of `hello`.
        token: that must be in the URL; None: only this machine's own names are answered.
    """
    gate, hub = AccessCheck(token), Hub(hello)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = make_loop(hub.publish)
        hub.attach(loop)
        loop.start()
        watch = asyncio.create_task(_watch(app, loop))
        try:
            yield
        finally:
            await asyncio.to_thread(loop.stop)
            await watch

    async def index(request: Request) -> Response:
        if refusal := gate.refusal(request.headers, request.query_params):
            return PlainTextResponse(refusal, 403)
        return FileResponse(STATIC / "index.html")

    async def websocket(connection: WebSocket) -> None:
        if gate.refusal(connection.headers, connection.query_params):
            await connection.close(REFUSED)  # before it is accepted: 403
            return
        await connection.accept()
        if hub.full:
            await connection.send_text(encode("error", text="Too many pages are open: close one."))
            await connection.close(TOO_MANY)
            return
        await _serve(hub, connection)

    routes = [
        Route("/", index),
        WebSocketRoute("/ws", websocket),
        Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(StrictHeaders)
    app.state.hub, app.state.failure, app.state.broken = hub, None, lambda: None
    return app


async def _watch(app: Starlette, loop: Loop) -> None:
    """Tell whoever serves when the thread that drives has broken."""
    app.state.failure = await asyncio.to_thread(loop.wait)
    if app.state.failure is not None:
        app.state.broken()


async def _serve(hub: Hub, connection: WebSocket) -> None:
    """Talk with one page until it goes."""
    client = Client(connection)
    hub.join(client)
    tasks = [asyncio.create_task(client.pump()), asyncio.create_task(_listen(hub, client))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(client)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError, OSError):
                await task
        with suppress(RuntimeError, OSError, WebSocketDisconnect):
            await connection.close()


async def _listen(hub: Hub, client: Client) -> None:
    connection, rate = client.websocket, Rate()
    while True:
        message = await connection.receive()
        if message["type"] == "websocket.disconnect":
            return
        if not rate.take():
            if rate.flooded:
                await connection.close(REFUSED, "Too many messages.")
                return
            if rate.should_notify():
                most = MAX_MESSAGES_PER_S
                client.send(encode("error", text=f"More than {most} messages a second: some are ignored."))
            continue
        text = message.get("text")
        content: str | bytes = text if text is not None else message.get("bytes") or b""
        if len(content) > MAX_MESSAGE_BYTES:
            await connection.close(TOO_LARGE, "The message is too large.")
            return
        try:
            hub.handle(client, messages.parse(content))
        except ProtocolError as error:
            client.send(encode("error", text=str(error)))
