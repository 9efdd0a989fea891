"""The client's side of one worker: greet it, give it what it lacks, and hand it piece after piece."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from ..models.verify import known_sha256
from ..support.errors import FilmError
from ..support.words import format_size, one_line
from . import bench
from .board import Attempt, Board
from .nodes import SLOTS
from .order import Order, Wanted
from .store import CHUNK

if TYPE_CHECKING:
    from distributed import Client

_RENEWED = 5.0
"""Seconds between two signs of life."""
_BUSY = 3.0
_TRIES = 3
_FAILURES = 2
"""Pieces in a row that a worker may fail at before it is left out."""


class Lost(Exception):
    """A worker is gone."""


class Crew(Protocol):
    """What a hand needs of those who lead it."""

    client: "Client"
    board: Board
    order: Order

    def say(self, text: str) -> None:
        """Tell the person something."""

    def check(self, greeting: bench.Greeting) -> str:
        """Why a worker is not to take part; empty if it is."""

    def name_for(self, wanted: str) -> str:
        """A name that no other worker has."""

    def others(self, hand: "Hand") -> int:
        """How many other workers can make pieces."""

    def sending(self, host: str) -> threading.Lock:
        """Held while something is sent to a machine."""


class Hand:
    """One worker, as the client sees it.

    Args:
        crew: who leads it.
        address: of the worker.

    Attributes:
        name: of the worker, for people.
        doing: what it does, in a few words.
        ready: whether it makes pieces.
        left_out: whether it is not to take part.
    """

    def __init__(self, crew: Crew, address: str) -> None:
        self._crew, self._address = crew, address
        self.name = ""
        self.doing = "greeting"
        self.ready = self.left_out = self.gone = False
        self._failures = 0
        self._shared = False
        self._free = threading.Semaphore(1)
        self._leaving = threading.Lock()

    def start(self) -> None:
        """Begin, in threads of its own."""
        threading.Thread(target=self._guarded, args=(self._live,), daemon=True).start()

    def lose(self) -> None:
        """Take note that the worker is gone."""
        self.gone, self.ready, self.doing = True, False, "lost"

    @property
    def at_hand(self) -> bool:
        """Whether it makes pieces, or will soon."""
        return not (self.gone or self.left_out or self.doing == "busy")

    @property
    def wanted(self) -> bool:
        """Whether it is still of use."""
        return not (self.gone or self.left_out or self._crew.board.finished or self._crew.board.stopped)

    def release(self) -> None:
        """Tell the worker that the film is done; a worker that does not answer finds out by itself."""
        if self.ready and not self.gone:
            try:
                self._run(bench.release, self._crew.order.name)
            except Exception:
                return

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Lost:
            return
        except Exception as error:
            # Connections break in many ways; whether the worker is gone the crew finds out.
            if self.wanted:
                self._leave_out(f"it does not answer as it should ({one_line(error)})")

    def _live(self) -> None:
        greeting: bench.Greeting = self._submit(bench.greet)
        self.name = self._crew.name_for(greeting.name)
        if reason := self._crew.check(greeting):
            self._leave_out(reason)
            return
        # Once more where the worker has taken this film for abandoned, after this computer slept for a while.
        while self.wanted and self._prepare(greeting.host):
            self.ready, self.doing = True, "ready"
            serving = [
                threading.Thread(target=self._guarded, args=(self._serve,), daemon=True) for _ in range(SLOTS)
            ]
            for thread in serving:
                thread.start()
            while self.wanted and self._renew():
                time.sleep(_RENEWED)
            self.ready = False
            for thread in serving:
                thread.join()

    def _renew(self) -> bool:
        """Say that this client is alive; whether the worker still makes its film."""
        for again in range(_TRIES):
            try:
                return bool(self._run(bench.renew, self._crew.order.name))
            except Lost:
                if self.gone or again == _TRIES - 1:
                    raise
                time.sleep(_RENEWED)
        return False

    def _leave_out(self, reason: str) -> None:
        with self._leaving:
            # Several threads serve one worker, and may find the same at the same time.
            if self.left_out:
                return
            self.left_out, self.ready, self.doing = True, False, "left out"
        self._crew.say(f"{self.name or self._address} is left out: {reason}")
        self._crew.board.lost(self.name)

    def _prepare(self, host: str) -> bool:
        """Have the worker get ready; whether it is."""
        order = self._crew.order
        film, told = "", False
        while self.wanted:
            self.doing = "opening the film"
            answer: bench.Answer = self._submit(bench.prepare, order, film)
            if answer.refused:
                self._leave_out(answer.refused)
                return False
            if answer.ready:
                self._shared = answer.shared
                return True
            if answer.busy:
                if not told:
                    self._crew.say(f"{self.name} is busy with another film; it takes part when that is done")
                    told = True
                self.doing = "busy"
                time.sleep(_BUSY)
                continue
            # Once per machine: its other workers find what the first one was sent.
            with self._crew.sending(host):
                for one in answer.files:
                    self._send(one)
                if answer.film:
                    path = Path(order.film)
                    film = self._send(Wanted(order.film, known_sha256(path), path.name))
        return False

    def _send(self, one: Wanted) -> str:
        """Send a file, from where it broke off.

        Returns:
            Where it lies there.
        """
        path, suffix = Path(one.path), Path(one.name).suffix
        size = path.stat().st_size
        for _ in range(2):
            there: int = self._run(bench.have_file, one.sum, suffix, size)
            if there < size and (size > CHUNK or one.path == self._crew.order.film):
                self._crew.say(f"{one.name} ({format_size(size)}) is sent to {self.name}")
            with path.open("rb") as file:
                while there < size:
                    if not self.wanted:
                        raise Lost
                    self.doing = f"receiving {one.name}, {there / size:.0%}"
                    file.seek(there)
                    there = self._run(bench.receive_file, one.sum, suffix, there, file.read(CHUNK))
            self.doing = f"checking {one.name}"
            if place := self._submit(bench.finish_file, one.sum, suffix):
                return str(place)
        raise FilmError(f"{one.name} arrives there with another sum")

    def _serve(self) -> None:
        """Make piece after piece; as many of these run as the worker takes tasks."""
        board = self._crew.board
        while self.wanted and self.ready:
            if not self._free.acquire(timeout=0.5):
                continue
            attempt = board.take(self.name, uuid4().hex[:12], lambda: self.wanted and self.ready)
            if attempt is None:
                self._free.release()
                return
            attempt.on_rendered = _once(self._free.release)
            try:
                self._make(attempt)
            finally:
                attempt.on_rendered()

    def _make(self, attempt: Attempt) -> None:
        crew, claim = self._crew, attempt.claim
        self.doing = "working"
        target = str(claim.path) if self._shared else ""
        try:
            made: bench.Made = self._submit(
                bench.make_piece, crew.order.name, attempt.name, claim.first, claim.end, target
            )
            attempt.on_rendered()
            if not made.shared:
                self._fetch(made, claim.path)
            if claim.path.stat().st_size != made.size:
                raise FilmError(f"a piece did not arrive whole ({claim.path.name})")
        except (Lost, bench.Cancelled):
            # Whether the worker is gone, the crew finds out.
            crew.board.drop(attempt)
            time.sleep(_BUSY)
            return
        except Exception as error:
            if self.wanted:
                self._fail(attempt, error)
            else:
                crew.board.drop(attempt)
            return
        self._failures = 0
        try:
            others = crew.board.deliver(attempt)
        except OSError as error:
            crew.board.stop(FilmError(f"{error.filename or claim.path}: {error.strerror or error}"))
            return
        for other in others:
            # One that was stopped answers when it goes on, or never.
            threading.Thread(target=self._cancel, args=(other,), daemon=True).start()

    def _fail(self, attempt: Attempt, error: Exception) -> None:
        crew, folder = self._crew, attempt.claim.path.parent
        if not folder.exists() or shutil.disk_usage(folder).free < CHUNK:
            # Nobody can put pieces there.
            crew.board.drop(attempt)
            crew.board.stop(FilmError(f"{folder}: No space left on device"))
            return
        text = str(error) if isinstance(error, FilmError) else one_line(error)
        self._failures += 1
        crew.board.failed(attempt, text, crew.others(self))
        if crew.board.error is not None:
            return
        first, last = attempt.claim.first, attempt.claim.end - 1
        crew.say(f"{self.name} could not make the frames {first} to {last}, others will: {text}")
        if self._failures >= _FAILURES:
            self._leave_out(f"it failed {self._failures} times in a row")

    def _fetch(self, made: bench.Made, path: Path) -> None:
        """Get a piece from the worker."""
        with path.open("wb") as file:
            for offset in range(0, made.size, CHUNK):
                file.write(self._run(bench.read_piece, made.path, offset, CHUNK))
        self._run(bench.drop_piece, made.path)

    def _cancel(self, attempt: Attempt) -> None:
        try:
            self._crew.client.run(bench.cancel_piece, attempt.name)
        except Exception:
            return

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a quick function on the worker."""
        if self.gone:
            raise Lost
        try:
            found = self._crew.client.run(function, *arguments, workers=[self._address])
            return found[self._address]
        except FilmError:
            raise
        except Exception as error:
            # The connection, or a worker that has started anew and knows of nothing.
            raise Lost from error

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have the worker do something that takes long, and wait for it."""
        done = threading.Event()
        future = self._crew.client.submit(
            function,
            *arguments,
            workers=[self._address],
            allow_other_workers=False,
            pure=False,
            retries=0,
            key=f"{function.__name__}-{uuid4().hex}",
        )
        future.add_done_callback(lambda _: done.set())
        try:
            while not done.wait(0.5):
                if self.gone or self._crew.board.stopped:
                    raise Lost
            if future.status == "finished":
                return future.result(timeout=30)
            if future.status == "error" and (error := future.exception(timeout=30)) is not None:
                raise error
            raise Lost
        finally:
            # At once: what is held would be made again if its worker were lost.
            future.release()


def _once(call: Callable[[], object]) -> Callable[[], None]:
    """The call, the first time only."""
    guard = threading.Lock()

    def first() -> None:
        if guard.acquire(blocking=False):
            call()

    return first
