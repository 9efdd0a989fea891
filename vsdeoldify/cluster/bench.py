"""The side of a worker: functions that the client calls there by their names.

A worker makes one film at a time, with one renderer that stays warm. What it makes is given up when the
client has not been heard of for a while, so that one that was killed leaves nothing behind.
"""

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..film.ffmpeg import choose_ffmpeg, find_all
from ..film.identity import encoder_version, film_mark
from ..film.job import Job, Place
from ..film.pieces import Plan
from ..film.recipe import Recipe
from ..film.reel import Reel
from ..film.script import thumbnail_script
from ..film.work import Renderer, encode_piece, warm_renderer
from ..support.errors import FilmError, ModelError
from ..support.files import Lock, cache_folder
from ..support.words import one_line
from .facts import Device, Facts, facts_of
from .nodes import WORKER_VARIABLE
from .order import Order, Wanted, unpack, weights_of
from .store import Store

LEASE = 30.0
"""Seconds after which a client that says nothing is taken for gone."""
_TOLD = 0.5
"""Seconds between two words on how far a piece is."""
_FULL = 4 << 20
"""Bytes: a disk with less is full."""


_Tell = Callable[[int, bool], None]
"""Told how many frames of a piece are rendered, and whether these are all."""


class Cancelled(Exception):
    """An attempt at a piece that nobody wants any more."""


@dataclass(frozen=True)
class Settings:
    """What the person who started a worker asked for.

    Attributes:
        name: of the worker.
        device: what computes.
        folder: where files go; None: the user's cache folder.
        torch_dir: where model files are, beside the usual places.
        environment: variables for the rendering process.
        local: whether the client is on this machine, and has read the film.
    """

    name: str
    device: Device
    folder: str | None = None
    torch_dir: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    local: bool = False

    def to_environment(self) -> dict[str, str]:
        """Variables of the worker's process."""
        values = {**self.__dict__, "device": self.device.__dict__}
        return {WORKER_VARIABLE: json.dumps(values)}

    @classmethod
    def of_environment(cls) -> "Settings":
        """What this process was started with."""
        values = json.loads(os.environ[WORKER_VARIABLE])
        environment = tuple((name, value) for name, value in values["environment"])
        return cls(**values | {"device": Device(**values["device"]), "environment": environment})


@dataclass(frozen=True)
class Greeting:
    """What a worker says first.

    Attributes:
        name: its name.
        facts: what it is.
        host: a name of its store, which workers of one machine share.
    """

    name: str
    facts: Facts
    host: str


@dataclass(frozen=True)
class Answer:
    """What a worker says to an order.

    Attributes:
        ready: whether it can begin.
        shared: whether it sees the folder of the pieces.
        film: whether it needs the film to be sent.
        files: other files that it needs.
        busy: whether another client's film keeps it.
        refused: why it cannot make the film; empty if it can.
    """

    ready: bool = False
    shared: bool = False
    film: bool = False
    files: tuple[Wanted, ...] = ()
    busy: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Made:
    """A piece that a worker has made.

    Attributes:
        path: where, on the worker.
        size: bytes.
        shared: whether it lies where the client wanted it.
    """

    path: str
    size: int
    shared: bool


class _Bench:
    """All that a worker's process has; its methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        folder = Path(settings.folder) if settings.folder else (cache_folder() or Path(tempfile.gettempdir()))
        self.folder = folder / "cluster"
        self.store = Store(self.folder / "files")
        self._guard = threading.RLock()
        self._turn = threading.Lock()
        self._order: Order | None = None
        self._plan: Plan | None = None
        self._shared = False
        self._heard = 0.0
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._renderer: Renderer | None = None
        self._stack = contextlib.ExitStack()
        self._rendering = ""
        self._cancelled: set[str] = set()
        threading.Thread(target=self._watch, daemon=True).start()

    def prepare(self, order: Order, film: str) -> Answer:
        """Get ready for a film, or say what is missing."""
        with self._guard:
            current = self._order
            if current is not None and current.name == order.name and self._plan is not None:
                self._heard = time.monotonic()
                return Answer(ready=True, shared=self._shared)
            if current is not None and current.owner != order.owner and not self._lapsed():
                return Answer(busy=True)
            self.release(None)
            self._order, self._heard = order, time.monotonic() + 600  # What follows may take long.
        try:
            answer = self._get_ready(order, film)
        except (FilmError, ModelError, OSError) as error:
            answer = Answer(refused=str(error))
        with self._guard:
            if self._order is order:
                self._heard = time.monotonic()
                if not answer.ready:
                    self._order = None
        return answer

    def _get_ready(self, order: Order, film: str) -> Answer:
        job = Job.from_json(order.job)
        source = order.source(film)
        here = _is_film(source, job)
        if not here and isinstance(source, Reel):
            return Answer(
                refused=f"it does not see {order.film}, and numbered pictures are not sent: put them into a "
                "folder that all computers see under the same name"
            )
        moved, wanted = self._files(order)
        if not here or wanted:
            return Answer(film=not here, files=tuple(wanted))
        temporary = tempfile.TemporaryDirectory(
            prefix="vsdeoldify-", dir=self.folder, ignore_cleanup_errors=True
        )
        if order.references_folder is not None:
            moved[order.references_folder] = self._references(order, Path(temporary.name))
        settings = self.settings
        recipe = unpack(order.recipe, moved, settings.device.index, settings.torch_dir)
        _check_weights(order, recipe)
        program = _ffmpeg_like(job)
        if isinstance(source, Path) and not settings.local:
            self._read_through(source, order.track, Path(temporary.name))
        script = Path(temporary.name, "film.vpy")
        script.write_text(
            recipe.script(source, track=order.track), encoding="utf-8", errors="surrogateescape"
        )
        plan = Plan(
            job=job,
            place=Place(Path(film or order.film), program, settings.device.index, settings.torch_dir),
            length=job.end - job.first,
            script=script,
            rate=order.rate,
            times=order.times,
            suffix=order.suffix,
            location=order.location,
        )
        with self._guard:
            self._temporary, self._plan = temporary, plan
            self._shared = _sees(order)
            # The networks are loaded while the client still talks.
            with self._turn:
                self._open()
        return Answer(ready=True, shared=self._shared)

    def _files(self, order: Order) -> tuple[dict[str, str], list[Wanted]]:
        """Where this machine has the files that decide on the frames, and those that it does not have."""
        moved: dict[str, str] = {}
        wanted: list[Wanted] = []
        for one in (*order.models, *order.references):
            kept = self.store.path(one.sum, Path(one.name).suffix)
            if kept.is_file():
                moved[one.path] = str(kept)
            elif _has_sum(Path(one.path), one.sum):
                moved[one.path] = one.path
            else:
                wanted.append(one)
        return moved, wanted

    def _read_through(self, film: Path, track: int | None, folder: Path) -> None:
        """Have the source filter read a film that it does not know yet, one worker of a machine for all.

        Raises:
            FilmError: it cannot be read.
        """
        script = folder / "reading.vpy"
        script.write_text(thumbnail_script(film, (16, 16), track), encoding="utf-8", errors="surrogateescape")
        while True:
            try:
                lock = Lock(self.folder / "reading.lock")
            except BlockingIOError:
                time.sleep(0.5)
                continue
            try:
                with warm_renderer(script) as reader:
                    _ = reader.format
            finally:
                lock.release()
            return

    def _references(self, order: Order, folder: Path) -> str:
        """The folder of the reference pictures here."""
        own = folder / "references"
        own.mkdir()
        moved, _ = self._files(order)
        for one in order.references:
            shutil.copyfile(moved[one.path], own / one.name)
        return str(own)

    def make(self, name: str, attempt: str, span: tuple[int, int], target: str, tell: _Tell) -> Made:
        """Make a piece."""
        with self._guard:
            plan = self._plan
            if plan is None or self._order is None or self._order.name != name:
                raise Cancelled
            shared = self._shared and bool(target)
            assert self._temporary is not None
            path = Path(target) if shared else Path(self._temporary.name, f"{attempt}{plan.suffix}")
        try:
            self._encode(plan, attempt, span, path, tell)
        except (FilmError, OSError) as error:
            if attempt in self._cancelled:
                raise Cancelled from None
            raise self._explained(error, path) from None
        return Made(str(path), path.stat().st_size, shared)

    def _encode(self, plan: Plan, attempt: str, span: tuple[int, int], path: Path, tell: _Tell) -> None:
        first, end = span
        free = contextlib.ExitStack()
        with free:
            self._turn.acquire()
            free.callback(self._turn.release)
            if attempt in self._cancelled or self._plan is not plan:
                raise Cancelled
            self._rendering = attempt
            renderer = self._open()

            def told(number: int) -> None:
                if attempt in self._cancelled:
                    raise Cancelled
                if number == end - first:
                    # The next piece may have the renderer.
                    self._rendering = ""
                    free.pop_all().close()
                tell(number, number == end - first)

            try:
                renderer.ask(first, end)
                encode_piece(plan, renderer, span, path, told)
            except BaseException:
                # What it has made of this piece must not be taken for the next one.
                if self._rendering == attempt:
                    self._close()
                raise

    def _open(self) -> Renderer:
        if self._renderer is None:
            assert self._plan is not None
            warm = warm_renderer(self._plan.script, dict(self.settings.environment))
            self._renderer = self._stack.enter_context(warm)
        return self._renderer

    def _close(self) -> None:
        self._rendering = ""
        if self._renderer is not None:
            self._renderer.kill()
        self._renderer = None
        self._stack.close()

    def _explained(self, error: Exception, path: Path) -> FilmError:
        """An error in words; a full disk is one whatever the program says that met it."""
        with contextlib.suppress(OSError):
            if shutil.disk_usage(path.parent).free < _FULL:
                return FilmError(
                    f"the disk of {path.parent} is full on {self.settings.name}: make room there, or start "
                    "that worker with --folder on another disk"
                )
        return error if isinstance(error, FilmError) else FilmError(one_line(error))

    def cancel(self, attempt: str) -> None:
        """Give up an attempt, at once if it is being rendered."""
        self._cancelled.add(attempt)
        renderer = self._renderer
        if self._rendering == attempt and renderer is not None:
            renderer.kill()

    def release(self, name: str | None) -> None:
        """Give up a film; None: whichever there is."""
        with self._guard:
            if self._order is None or (name is not None and self._order.name != name):
                return
            self._order = self._plan = None
            if self._rendering:
                self.cancel(self._rendering)
            else:
                self._close()
            if self._temporary is not None:
                self._temporary.cleanup()
            self._temporary = None

    def renew(self, name: str) -> bool:
        """Take note that a client is alive; whether its film is the one that is made here."""
        with self._guard:
            if self._order is None or self._order.name != name:
                return False
            self._heard = max(self._heard, time.monotonic())
            return True

    def _lapsed(self) -> bool:
        return time.monotonic() - self._heard > LEASE

    def _watch(self) -> None:
        while True:
            time.sleep(2)
            with self._guard:
                if self._order is not None and self._lapsed():
                    self.release(None)


_bench: _Bench | None = None
_making = threading.Lock()


def _here() -> _Bench:
    global _bench
    with _making:
        if _bench is None:
            _bench = _Bench(Settings.of_environment())
        return _bench


def greet() -> Greeting:
    """Say what this worker is."""
    bench = _here()
    return Greeting(bench.settings.name, facts_of(bench.settings.device), bench.store.host())


def prepare(order: Order, film: str = "") -> Answer:
    """Get ready for a film.

    Args:
        order: the film.
        film: where it lies on this machine, if not where the client has it.
    """
    return _here().prepare(order, film)


def make_piece(order: str, attempt: str, first: int, end: int, target: str) -> Made:
    """Make a piece.

    Args:
        order: the name of the film's order.
        attempt: a name of this attempt.
        first: the piece's first frame.
        end: the one after its last.
        target: where the client wants it; it goes there if that folder is shared.

    Raises:
        FilmError: the piece cannot be made.
        Cancelled: nobody wants it any more.
    """
    from distributed import get_worker

    worker = get_worker()
    last = 0.0

    def tell(number: int, rendered: bool) -> None:
        nonlocal last
        now = time.monotonic()
        if rendered or now - last > _TOLD:
            last = now
            said = {"attempt": attempt, "frames": number, "rendered": rendered}
            worker.log_event(f"vsdeoldify-{order}", said)

    return _here().make(order, attempt, (first, end), target, tell)


def read_piece(path: str, offset: int, size: int) -> bytes:
    """Some bytes of a piece."""
    with Path(path).open("rb") as file:
        file.seek(offset)
        return file.read(size)


def drop_piece(path: str) -> None:
    """Remove a piece that the client has."""
    Path(path).unlink(missing_ok=True)


def cancel_piece(attempt: str) -> None:
    """Give up an attempt at a piece."""
    _here().cancel(attempt)


def renew(order: str) -> bool:
    """Take note that the client is alive."""
    return _here().renew(order)


def release(order: str) -> None:
    """Give up a film."""
    _here().release(order)


def have_file(digest: str, suffix: str, size: int) -> int:
    """How many bytes of a file are here."""
    return _here().store.have(digest, suffix, size)


def receive_file(digest: str, suffix: str, offset: int, data: bytes) -> int:
    """Take in some bytes of a file."""
    return _here().store.receive(digest, suffix, offset, data)


def finish_file(digest: str, suffix: str) -> str:
    """Where a file lies whose bytes are all here; empty where its sum is wrong."""
    store = _here().store
    return str(store.path(digest, suffix)) if store.finish(digest, suffix) else ""


def _is_film(path: Path | Reel, job: Job) -> bool:
    try:
        return film_mark(path, job.film.frames) == job.film
    except FilmError:
        return False


def _has_sum(path: Path, digest: str) -> bool:
    from ..models.verify import known_sha256

    try:
        return path.is_file() and known_sha256(path) == digest
    except (OSError, ModelError):
        return False


def _sees(order: Order) -> bool:
    """Whether the client's folder is the same here, and can be written."""
    name, text = order.mark
    folder = Path(order.folder)
    try:
        if (folder / name).read_text() != text:
            return False
        own = folder / f".{os.urandom(6).hex()}.part"
        own.write_bytes(b"")
        own.unlink()
    except OSError:
        return False
    return True


def _check_weights(order: Order, recipe: Recipe) -> None:
    """Refuse to colour with other weights.

    Raises:
        FilmError: they are others.
        ModelError: they are missing.
    """
    here = weights_of(recipe)
    for there, digest in order.weights.items():
        parameter, _, model = there.partition(" ")
        # A file that was sent has another name here, and scenes may have several.
        alike = [value for key, value in here.items() if key.startswith(parameter)]
        own = here.get(there) or (digest if digest in alike else next(iter(alike), None))
        if own is None:
            raise FilmError(f"the model {model} is missing there: vsdeoldify models --download {model}")
        if own != digest:
            raise FilmError(
                f"its file of the model {model} is another one: vsdeoldify models --verify tells which is "
                "the published one; copy that to the other computer"
            )


def _ffmpeg_like(job: Job) -> str:
    """An ffmpeg of this machine that encodes as the client's does.

    Raises:
        FilmError: there is none.
    """
    found = {}
    for program in find_all() or [choose_ffmpeg()[0]]:
        found[program] = encoder_version(program, job.encoder)
        if found[program] == job.encoder_version:
            return program
    there = "; ".join(found.values())
    raise FilmError(
        f"its encoder is {there}, and here it is {job.encoder_version}: install the same ffmpeg on both, for "
        "example pip install --upgrade imageio-ffmpeg on both"
    )
