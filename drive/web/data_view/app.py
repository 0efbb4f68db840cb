"""The server of `drive data view`: the page, an episode's numbers, its pictures, and edits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drive.core.errors import UserError
from drive.web.access import AccessCheck
from drive.web.data_view.episodes import Episodes
from drive.web.headers import StrictHeaders

STATIC = Path(__file__).parent / "static"
SHARED = Path(__file__).parents[1] / "serve" / "static"  # what the page for driving has too
MAX_BODY_BYTES = 1000  # of an edit


class _Number(IntegerConvertor):
    regex = "[0-9]{1,15}"  # longer ones Python would refuse to convert


register_url_convertor("number", _Number())


def make_app(root: Path, token: str | None = None) -> Starlette:
    """The application.

    Args:
        root: the dataset's directory.
        token: that must be in the URL; None: only this machine's own names are answered.

    Raises:
        UserError: there is no dataset, or it is damaged.
    """
    episodes, gate = Episodes(root), AccessCheck(token)

    def guarded(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer_friends(request: Request) -> Response:
            if refusal := gate.refusal(request.headers, request.query_params):
                return PlainTextResponse(refusal, 403)
            return answer(request)

        return answer_friends

    def page(request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    def dataset(request: Request) -> Response:
        return _answer(episodes.describe)

    def episode(request: Request) -> Response:
        return _answer(lambda: episodes.traces(request.path_params["index"]))

    def picture(request: Request) -> Response:
        try:
            found = episodes.picture(request.path_params["index"], request.path_params["frame"])
        except UserError as error:
            return JSONResponse({"error": str(error)}, 500)
        if found is None:
            return JSONResponse({"error": "There is no such frame."}, 404)
        return Response(found, media_type="image/jpeg")

    async def edit(request: Request) -> Response:
        if refusal := gate.refusal(request.headers, request.query_params):
            return PlainTextResponse(refusal, 403)
        wanted = await _range_of(request)
        if wanted is None:
            return JSONResponse({"error": "An edit names from_frame and to_frame, whole numbers."}, 400)
        verb, index = request.path_params["verb"], request.path_params["index"]
        if verb not in ("exclude", "restore"):
            return JSONResponse({"error": "An edit is exclude or restore."}, 404)
        return await run_in_threadpool(
            _answer, lambda: episodes.edit(verb, index, wanted.from_frame, wanted.to_frame)
        )

    app = Starlette(
        routes=[
            Route("/", guarded(page)),
            Route("/api/dataset", guarded(dataset)),
            Route("/api/episodes/{index:number}", guarded(episode)),
            Route("/api/episodes/{index:number}/frames/{frame:number}.jpg", guarded(picture)),
            Route("/api/episodes/{index:number}/{verb:str}", edit, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/shared", StaticFiles(directory=SHARED)),
        ]
    )
    app.add_middleware(StrictHeaders)
    return app


def _answer(make: Callable[[], Any]) -> Response:
    """JSON, or the user's error as {"error": one line}."""
    try:
        return JSONResponse(make())
    except UserError as error:
        return JSONResponse({"error": str(error)}, 422)


class FrameRange(msgspec.Struct):
    """The frames of an edit: from the first up to, not including, the last."""

    from_frame: int
    to_frame: int


async def _range_of(request: Request) -> FrameRange | None:
    """The frames that a request names, or None."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    try:
        return msgspec.json.decode(body, type=FrameRange)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
