"""The server's side of the child process that makes pictures: it is started again when it dies."""

import json
import shutil
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from typing import Any

from ..film.process import Process, module_process
from ..support.errors import FilmError

NAME = "the process that makes the pictures"
_TRIES = 2
"""How often a request is made before it is taken for the reason why the child dies."""


class Dropped(Exception):
    """A newer request has made this one needless."""


class _Request:
    def __init__(self, line: bytes) -> None:
        self.line = line
        self.tries = 0
        self.answer: Future[bytes] = Future()


class Looker:
    """Asks the child process for pictures; all methods may be called from any thread.

    Args:
        source: what `film.clips.told` says of the film.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        self._source = json.dumps(dict(source))
        # A child that is killed cannot tidy up after itself.
        self._scratch = tempfile.mkdtemp(prefix="vsdeoldify-")
        self._lock = threading.RLock()
        self._waiting: dict[int, _Request] = {}
        self._count = 0
        self._child: Process | None = None
        self._stack = ExitStack()
        self._closed = False

    def ask(self, lane: str, **asked: Any) -> "Future[bytes]":
        """Ask for something.

        Args:
            lane: what for, one of `child.LANES`.
            **asked: what the lane's function takes.

        Returns:
            The picture or JSON to be; `Dropped` where a newer request of the lane came, `FilmError` where it
            cannot be made.
        """
        with self._lock:
            self._count += 1
            number = self._count
            request = _Request(json.dumps({"id": number, "lane": lane, **asked}).encode() + b"\n")
            self._waiting[number] = request
            self._send(request)
        return request.answer

    def close(self) -> None:
        """End the child; nothing more can be asked for."""
        with self._lock:
            self._closed = True
            self._stack.close()
            self._fail(FilmError("the studio has ended"))
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def process_id(self) -> int | None:
        """The child's, if there is one."""
        with self._lock:
            return None if self._child is None else self._child.number

    def _send(self, request: _Request) -> None:
        if self._closed:
            self._fail(FilmError("the studio has ended"))
            return
        try:
            if self._child is None:
                self._start()
            assert self._child is not None
            self._child.input.write(request.line)
            self._child.input.flush()
        except FilmError as error:
            self._fail(error)
        except OSError:
            pass  # It has just died; whoever reads its answers asks again.

    def _start(self) -> None:
        self._stack = ExitStack()
        child = self._stack.enter_context(
            module_process(NAME, "vsdeoldify.studio.child", "look", self._source, self._scratch)
        )
        self._child = child
        threading.Thread(target=self._read, args=(child, self._stack), daemon=True).start()

    def _read(self, child: Process, stack: ExitStack) -> None:
        """Hand out the answers of a child until it ends; then ask the next one what is left."""
        with suppress(OSError, ValueError):
            while line := child.output.readline():
                head = json.loads(line)
                data = child.output.read(head.get("size", 0))
                if len(data) < head.get("size", 0):
                    break
                with self._lock:
                    request = self._waiting.pop(head["id"], None)
                if request is None:
                    continue
                if head.get("dropped"):
                    request.answer.set_exception(Dropped())
                elif "error" in head:
                    request.answer.set_exception(FilmError(head["error"]))
                else:
                    request.answer.set_result(data)
        if self._closed:
            return
        error = child.error()
        with self._lock:
            stack.close()
            if self._child is not child:
                return
            self._child = None
            left, self._waiting = self._waiting, {}
            # The first that waits may be what it died of.
            for number, request in left.items():
                request.tries += 1
                if request.tries >= _TRIES:
                    request.answer.set_exception(error)
                else:
                    self._waiting[number] = request
            for request in list(self._waiting.values()):
                self._send(request)

    def _fail(self, error: Exception) -> None:
        left, self._waiting = self._waiting, {}
        for request in left.values():
            if not request.answer.done():
                request.answer.set_exception(error)
