"""The studio's web server: what the page asks for. Only pages that this server gave out may ask."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..settings import project as editing
from ..settings.project import Project
from ..support.errors import FilmError, ModelError, PictureError, RequestError
from .gate import Gate
from .keyframes import reset_settings, set_settings
from .looker import Dropped
from .session import Studio

STATIC = Path(__file__).with_name("static")
LARGEST_PICTURE = 200_000_000
"""Bytes of a picture that is dropped on the page."""
LARGEST_REQUEST = 2_000_000
"""Bytes of all other requests."""
_WIDEST = 4096

type Handler = Callable[[Request], Awaitable[Response]]


def make_app(studio: Studio, token: str, port: int) -> Starlette:
    """The application.

    Args:
        studio: what it shows.
        token: what the first address must hold.
        port: of the server; browsers keep one cookie jar for all ports of a machine.
    """
    routes = [
        Route("/", _page),
        Mount("/static", StaticFiles(directory=STATIC)),
        *_Api(studio).routes(),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False),
        Middleware(Gate, token=token, port=port),
    ]
    return Starlette(routes=routes, middleware=middleware)


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")


class _Api:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def routes(self) -> list[Route]:
        """What the page may ask for; frames and scenes go by their numbers, and there are no paths."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/state", self._state),
            ("GET", "/api/events", self._events),
            ("GET", "/api/sheet/{number:int}", self._sheet),
            ("GET", "/api/frame/{number:int}", self._frame),
            ("GET", "/api/palette/{number:int}", self._palette),
            ("GET", "/api/unsure/{number:int}", self._unsure),
            ("GET", "/api/prepare/{number:int}", self._prepare),
            ("GET", "/api/script", self._script),
            ("PUT", "/api/settings", self._settings),
            ("POST", "/api/settings/reset", self._reset),
            ("PUT", "/api/mark/{number:int}", self._mark),
            ("POST", "/api/merge/{number:int}", self._merge),
            ("POST", "/api/split/{number:int}", self._split),
            ("PUT", "/api/limit/{number:int}", self._limit),
            ("POST", "/api/undo", self._undo),
            ("POST", "/api/redo", self._redo),
            ("PUT", "/api/reference/{number:int}", self._complete),
            ("POST", "/api/reference/{number:int}/picture", self._adopt),
            ("DELETE", "/api/reference/{number:int}", self._remove),
            ("PUT", "/api/strength", self._strength),
            ("POST", "/api/render", self._render),
            ("DELETE", "/api/render", self._stop),
        ]
        return [Route(path, _explained(handler), methods=[method]) for method, path, handler in table]

    async def _state(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._studio.state))

    async def _events(self, request: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            yield ": here\n\n"
            async for event in self._studio.hub.listen():
                yield ": still here\n\n" if event is None else f"data: {json.dumps(event)}\n\n"

        return StreamingResponse(
            lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _sheet(self, request: Request) -> Response:
        path = self._studio.sheet(request.path_params["number"])
        if path is None or not path.is_file():
            return PlainTextResponse("there is no such sheet", 404)
        return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def _frame(self, request: Request) -> Response:
        side = request.query_params.get("side", "source")
        width = _width(request)
        made = await run_in_threadpool(self._studio.picture, request.path_params["number"], side, width)
        return _jpeg(await _answer(made))

    async def _palette(self, request: Request) -> Response:
        made = await run_in_threadpool(self._studio.palette, request.path_params["number"])
        return _json(await _answer(made))

    async def _unsure(self, request: Request) -> Response:
        made = await run_in_threadpool(self._studio.unsure, request.path_params["number"])
        return _json(await _answer(made))

    async def _prepare(self, request: Request) -> Response:
        made = await run_in_threadpool(self._studio.prepare, request.path_params["number"])
        return _json(await _answer(made) or b"true")

    async def _script(self, request: Request) -> Response:
        return JSONResponse({"script": await run_in_threadpool(self._studio.script)})

    async def _settings(self, request: Request) -> Response:
        asked = await _body(request)
        changes, scene = asked.get("changes"), _scene_of(asked)
        if not isinstance(changes, dict):
            raise RequestError("changes must be settings by name")
        kind = json.dumps(
            [scene, {name: isinstance(one, dict) and list(one) for name, one in changes.items()}]
        )
        return await self._changed(lambda project: set_settings(project, changes, scene), kind)

    async def _reset(self, request: Request) -> Response:
        asked = await _body(request)
        names, scene = asked.get("names"), _scene_of(asked)
        if names is not None and not (isinstance(names, list) and all(isinstance(n, str) for n in names)):
            raise RequestError("names must be a list of settings")
        return await self._changed(lambda project: reset_settings(project, names, scene))

    async def _mark(self, request: Request) -> Response:
        asked, scene = await _body(request), request.path_params["number"]
        mark = asked.get("mark")
        if not isinstance(mark, str):
            raise RequestError("mark must be a word")
        return await self._changed(lambda project: editing.mark_scene(project, scene, mark))

    async def _merge(self, request: Request) -> Response:
        scene = request.path_params["number"]
        return await self._changed(lambda project: editing.merge_scenes(project, scene))

    async def _split(self, request: Request) -> Response:
        frame = request.path_params["number"]
        return await self._changed(lambda project: editing.split_scene(project, frame))

    async def _limit(self, request: Request) -> Response:
        asked, scene = await _body(request), request.path_params["number"]
        first = asked.get("first")
        if isinstance(first, bool) or not isinstance(first, int):
            raise RequestError("first must be the number of a frame")
        return await self._changed(lambda project: editing.shift_limit(project, scene, first))

    async def _undo(self, request: Request) -> Response:
        await run_in_threadpool(self._studio.undo)
        return await self._state(request)

    async def _redo(self, request: Request) -> Response:
        await run_in_threadpool(self._studio.redo)
        return await self._state(request)

    async def _complete(self, request: Request) -> Response:
        asked = await _body(request)
        made = await run_in_threadpool(
            self._studio.complete, request.path_params["number"], asked.get("strokes"), _width(request)
        )
        return _jpeg(await _answer(made))

    async def _adopt(self, request: Request) -> Response:
        number = request.path_params["number"]
        # Nothing of it is kept before it has been decoded and looked at, and then not the file itself.
        with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as folder:
            path = Path(folder) / "picture"
            with path.open("wb") as file:
                async for part in _limited(request, LARGEST_PICTURE):
                    await run_in_threadpool(file.write, part)
            await _answer(await run_in_threadpool(self._studio.adopt, number, path))
        return await self._state(request)

    async def _remove(self, request: Request) -> Response:
        await run_in_threadpool(self._studio.remove, request.path_params["number"])
        return await self._state(request)

    async def _strength(self, request: Request) -> Response:
        value = (await _body(request)).get("strength")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise RequestError("the strength must be a number from 0 to 1")
        await run_in_threadpool(self._studio.strength, float(value))
        return await self._state(request)

    async def _render(self, request: Request) -> Response:
        overwrite = (await _body(request)).get("overwrite") is True
        await run_in_threadpool(lambda: self._studio.render(overwrite=overwrite))
        return await self._state(request)

    async def _stop(self, request: Request) -> Response:
        await run_in_threadpool(self._studio.rendering.stop)
        return await self._state(request)

    async def _changed(self, change: Callable[[Project], Project], kind: str = "") -> Response:
        await run_in_threadpool(self._studio.change, change, kind)
        return JSONResponse(await run_in_threadpool(self._studio.state))


def _explained(handler: Handler) -> Handler:
    """Turns errors that a person can do something about into sentences."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Dropped:
            return Response(status_code=204)
        except RequestError as error:
            return PlainTextResponse(str(error), 400)
        except (FilmError, ModelError, PictureError) as error:
            return PlainTextResponse(str(error), 409)
        except OSError as error:
            return PlainTextResponse(f"{error.filename or 'the disk'}: {error.strerror or error}", 409)

    return handle


async def _answer(made: "Future[bytes]") -> bytes:
    return await asyncio.wrap_future(made)


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _json(data: bytes) -> Response:
    return Response(data, media_type="application/json", headers={"Cache-Control": "no-store"})


def _width(request: Request) -> int:
    text = request.query_params.get("width", "960")
    if not text.isdecimal() or len(text) > 5:
        raise RequestError("width must be a number of pixels")
    return min(int(text), _WIDEST)


def _scene_of(asked: dict[str, Any]) -> int | None:
    scene = asked.get("scene")
    if scene is not None and (isinstance(scene, bool) or not isinstance(scene, int)):
        raise RequestError("scene must be the number of a scene")
    return scene


async def _body(request: Request) -> dict[str, Any]:
    data = b"".join([part async for part in _limited(request, LARGEST_REQUEST)])
    with suppress(ValueError, RecursionError):
        asked = json.loads(data or b"{}")
        if isinstance(asked, dict):
            return asked
    raise RequestError("this is no JSON object")


async def _limited(request: Request, most: int) -> AsyncIterator[bytes]:
    """The parts of a request's body, refused as soon as it is too large."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise RequestError(f"that is too large: at most {most // 1_000_000} MB are taken")
        yield part
