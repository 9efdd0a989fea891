"""Run the studio: the server on this machine, until it is interrupted."""

import contextlib
import secrets
import socket
from collections.abc import Callable

import uvicorn

from ..support.errors import FilmError
from .app import make_app
from .session import Asked, Studio


def run_studio(asked: Asked, port: int, ready: Callable[[str], None]) -> None:
    """Open the studio and serve it until it is interrupted.

    Args:
        asked: which film, and how.
        port: of the server; 0: a free one.
        ready: told the address as soon as it can be opened.

    Raises:
        FilmError: another studio is at work on the film, or the port is taken.
        KeyboardInterrupt: it was interrupted.
    """
    studio = Studio(asked)
    try:
        with contextlib.closing(_listening(port)) as listening:
            number: int = listening.getsockname()[1]
            token = secrets.token_urlsafe(24)
            config = uvicorn.Config(
                make_app(studio, token, number),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
            server = _Server(config, studio, lambda: ready(f"http://127.0.0.1:{number}/?token={token}"))
            studio.begin()
            server.run(sockets=[listening])
    finally:
        studio.close()


class _Server(uvicorn.Server):
    """Says when it listens, and lets those go who listen to events when it ends."""

    def __init__(self, config: uvicorn.Config, studio: Studio, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._studio, self._ready = studio, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._studio.hub.close()
        await super().shutdown(sockets)


def _listening(port: int) -> socket.socket:
    """A socket that only this machine reaches."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", port))
    except OSError as error:
        found.close()
        raise FilmError(f"port {port} cannot be used: {error.strerror or error}; choose another") from error
    return found
