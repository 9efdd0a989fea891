"""A studio: one film, what a person decides about it, and all that makes its pictures."""

import shlex
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..film.clips import told
from ..film.project import check_film, identity_of, open_project, recipe_of, save_project
from ..film.reel import Reel
from ..film.scenes import Scene
from ..film.source import Film, open_file, open_reel
from ..film.streams import CONTAINERS
from ..networks.files import used_models
from ..settings import project as editing
from ..settings.presets import preset
from ..settings.project import Project, ProjectReferences, ProjectScene, set_settings
from ..settings.project_file import project_path
from ..support.errors import FilmError, ModelError, RequestError
from ..support.files import Lock
from ..support.words import sentence
from .keyframes import with_usual_every
from .later import Later
from .looker import Looker
from .options import describe
from .pictures import Pictures, check_strokes
from .rendering import Rendering
from .reports import Hub
from .sheets import Sheets, folder_of, make_sheets, state_of
from .view import effective, look_of, missing_models, scenes_of

_HISTORY = 200
_PULLED = 1.5
"""Seconds within which changes of one kind are one."""
_PAUSE = 0.5
"""Seconds after the last hint before the frame becomes a reference: the picture of a next hint goes first."""
_LAST = 20
"""Seconds that an ending studio waits for references to be written."""


@dataclass(frozen=True)
class Asked:
    """What the command asks for.

    Attributes:
        film: the film: a file, or what a person gave for the numbered pictures of a reel.
        project: its project's file; None: beside it.
        output: the film to write; None: beside it.
        preset: of a new project; None: the best one whose models are there, up to "medium".
        device: as `ddeoldify` takes it; None: the first GPU, else the CPU.
        models: the folder of the model files, or None.
        reel: the numbered pictures that are the film, or None.
    """

    film: Path
    project: Path | None = None
    output: Path | None = None
    preset: str | None = None
    device: int | str | None = None
    models: Path | None = None
    reel: Reel | None = None

    @property
    def source(self) -> Path:
        """What everything is named after, and lies beside."""
        return self.film if self.reel is None else self.reel.folder

    @property
    def stem(self) -> str:
        """Its name without what says of which kind it is."""
        return self.film.stem if self.reel is None else self.reel.folder.name

    @property
    def reel_options(self) -> tuple[str, ...]:
        """The options of the command line that make a film of pictures."""
        return () if self.reel is None else ("--film", "--fps", str(self.reel.rate))


class Studio:
    """A film in the studio; all methods may be called from any thread.

    Args:
        asked: what the command asks for.

    Raises:
        FilmError: another studio is at work on the film, or there is no place for what it keeps.
    """

    def __init__(self, asked: Asked) -> None:
        self.hub = Hub()
        self._asked = asked
        self._folder = folder_of(asked.film)
        try:
            self._lock = Lock(self._folder / "lock")
        except BlockingIOError:
            raise FilmError(
                f"another studio is open for {asked.source.name}: go on there, or end it first (Ctrl-C in "
                "its terminal)"
            ) from None
        self._path = asked.project or project_path(asked.source)
        suffix = asked.source.suffix.lower() if asked.source.suffix.lower() in CONTAINERS else ".mkv"
        output = asked.output or asked.source.with_name(f"{asked.stem}_colour{suffix}")
        self.rendering = Rendering(asked.film, self._path, output, self._folder, self._machine_options())
        self._guard = threading.RLock()
        self._error: str | None = None
        self._film: Film | None = None
        self._sheets: Sheets | None = None
        self._project: Project | None = None
        self._looker: Looker | None = None
        self._found: tuple[tuple[int, ...], list[Scene]] = (), []
        self._last = "", 0.0
        self._undo: list[Project] = []
        self._redo: list[Project] = []
        self._ended = threading.Event()
        self._later = Later(_PAUSE, lambda: self.hub.tell("state"))

    def begin(self) -> None:
        """Open the film and find its scenes, in a thread; `state` tells how far it is."""
        threading.Thread(target=self._open, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """End what belongs to the studio; a render goes on."""
        self._ended.set()
        self._later.finish(_LAST)
        self.hub.close()
        with self._guard:
            if self._looker is not None:
                self._looker.close()
        self._lock.release(remove=True)

    # What the page shows.

    def state(self) -> dict[str, Any]:
        """All that the page shows, as JSON takes it."""
        with self._guard:
            film, sheets, project = self._film, self._sheets, self._project
            if film is None or sheets is None or project is None:
                return {"ready": False, "name": self._asked.source.name, "error": self._error}
            references, trouble = self._pictures().all()
            firsts = tuple(scene.first for scene in project.scenes)
            if self._found[0] != firsts:
                self._found = firsts, sheets.scenes(firsts)
            return {
                "ready": True,
                "name": self._asked.source.name,
                "error": None,
                "notes": list(film.notes),
                "film": {
                    "frames": film.frames,
                    "width": film.width,
                    "height": film.height,
                    "aspect": film.width * film.pixel_aspect / film.height,
                    "fps": film.frames / max(film.times[-1] / 1e6, 1e-6),
                    "seconds": film.times[-1] / 1e6,
                },
                "sheets": {
                    "width": sheets.width,
                    "height": sheets.height,
                    "step": sheets.step,
                    "count": sheets.count,
                },
                "settings": dict(project.settings),
                "effective": effective(project.preset()),
                "scenes": scenes_of(project, self._found[1], references, self._place()),
                "references": {
                    "folder": self._pictures().folder.name,
                    "strength": 1.0 if project.references is None else project.references.strength,
                    "trouble": trouble,
                    "pending": self._later.pending,
                    "pictures": {
                        number: {
                            "name": one.path.name,
                            "stamp": "-".join(map(str, one.stamp)),
                            "strokes": one.strokes,
                        }
                        for number, one in references.items()
                    },
                },
                "undo": len(self._undo),
                "redo": len(self._redo),
                "project": self._path.name,
                "command": self._command(),
                "choices": describe(),
                "models": missing_models(self._place()),
                "render": self.rendering.state(),
            }

    def sheet(self, number: int) -> Path | None:
        """A sheet's file."""
        sheets = self._sheets
        return sheets.folder / f"{number}.jpg" if sheets is not None and 0 <= number < sheets.count else None

    def picture(self, frame: int, side: str, width: int) -> "Future[bytes]":
        """A frame as JPEG.

        Args:
            frame: its number.
            side: "source", "colour" (the networks' own colours, which are there soonest), "calm" (averaged
                over neighbours), "play" (as the film has it but for that; no request of this kind is
                dropped), "thumb" or "rendered".
            width: in pixels; 0: as large as the film.

        Raises:
            RequestError: there is no such frame or side.
        """
        film, looker = self._ready()
        if not 0 <= frame < film.frames:
            raise RequestError(f"the film has no frame {frame}")
        if side == "source":
            return looker.ask("source", frame=frame, width=width)
        if side == "rendered":
            found = self.rendering.find(frame)
            if found is None:
                raise RequestError(f"frame {frame} is not rendered yet")
            return looker.ask("piece", piece=str(found[0]), index=found[1], width=width)
        if side not in ("colour", "calm", "play", "thumb"):
            raise RequestError(f"there is no side {side!r}")
        look = self._look(self._scene_at(frame))
        # What is not averaged is shown as the film has it at once.
        follow = side == "play" or (side == "colour" and not look["changes"].get("stab"))
        return looker.ask(side, frame=frame, width=width, look=look, calm=side == "calm", follow=follow)

    def palette(self, scene: int) -> "Future[bytes]":
        """The colours of a scene, as JSON."""
        one = self._of_scene(scene)
        length = one.last - one.first + 1
        frames = sorted(
            {one.first + round(length * share) for share in (0.2, 0.5, 0.8)}
            & {*range(one.first, one.last + 1)}
        )
        return self._ready()[1].ask("palette", frames=frames or [one.first], look=self._look(scene))

    def unsure(self, scene: int) -> "Future[bytes]":
        """How little the references know of frames of a scene, as JSON."""
        one = self._of_scene(scene)
        length = one.last - one.first + 1
        step = max(1, length // 12)
        frames = list(range(one.first + step // 2, one.last + 1, step))
        references = [n for n in self._pictures().all()[0] if one.first <= n <= one.last]
        firsts = [scene.first for scene in self._current().scenes]
        return self._ready()[1].ask("unsure", frames=frames, references=references, firsts=firsts)

    def script(self) -> str:
        """The VapourSynth script of the film by the project, for people who go on by hand."""
        film, project = self._ready()[0], self._current()
        return recipe_of(project, self._place()).script(film.reel or film.path, track=film.track)

    # What the hand does.

    def change(self, change: Callable[[Project], Project], kind: str = "") -> None:
        """Change the project and write it.

        Args:
            change: makes the changed project of the one that is there.
            kind: what is changed; changes of one kind in quick succession, as of a slider that is pulled, are
                taken back as one.

        Raises:
            RequestError: the change cannot be; nothing is changed.
            FilmError: the project's file cannot be written.
        """
        with self._guard:
            before = self._current()
            try:
                after = change(before)
            except (TypeError, ValueError) as error:
                raise RequestError(str(error)) from None
            if after == before:
                return
            self._write(after)
            now = time.monotonic()
            if not kind or self._last[0] != kind or now - self._last[1] > _PULLED:
                self._undo = [*self._undo[-_HISTORY:], before]
            self._last = kind, now
            self._redo = []
        self.hub.tell("state")

    def undo(self) -> None:
        """Take the last change back."""
        self._step(self._undo, self._redo)

    def redo(self) -> None:
        """Make a change again that was taken back."""
        self._step(self._redo, self._undo)

    def complete(self, frame: int, strokes: object, width: int) -> "Future[bytes]":
        """Complete a person's colours; the frame is kept as a reference once they pause.

        Raises:
            RequestError: these are no strokes, or there is no such frame.
        """
        _, looker = self._ready()
        try:
            checked = check_strokes(strokes)
        except ValueError as error:
            raise RequestError(str(error)) from None
        asked = self._to_complete(frame) | {"strokes": checked}

        def keep() -> "Future[bytes]":
            kept = looker.ask("keep", **asked, keep=str(self._pictures().path_of(frame)))
            kept.add_done_callback(lambda done: self._kept(done, frame, checked))
            return kept

        self._later.put(frame, keep)
        made = looker.ask("complete", **asked, width=width)
        made.add_done_callback(lambda _: self._later.postpone())
        return made

    def prepare(self, frame: int) -> "Future[bytes]":
        """Look at a frame in advance, so that its first hint takes no longer than the others.

        Raises:
            RequestError: there is no such frame.
        """
        return self._ready()[1].ask("prepare", **self._to_complete(frame, paint_over=False))

    def _to_complete(self, frame: int, *, paint_over: bool = True) -> dict[str, Any]:
        """What the child needs to know to complete colours of a frame, but for the strokes."""
        look, pictures = self._look(self._scene_at(frame)), self._pictures()
        base = pictures.base_of(frame) if paint_over and pictures.folder.is_dir() else None
        return {"frame": frame, "look": look, "base": None if base is None else str(base)}

    def adopt(self, frame: int, picture: Path) -> "Future[bytes]":
        """Keep a picture from elsewhere as the reference of a frame."""
        self._later.drop(frame)
        pictures = self._pictures()
        made = self._ready()[1].ask(
            "adopt", frame=frame, picture=str(picture), keep=str(pictures.path_of(frame))
        )

        def done(answer: "Future[bytes]") -> None:
            if answer.exception() is None:
                pictures.forget(frame)
                self._refer()
                self.hub.tell("state")

        made.add_done_callback(done)
        return made

    def remove(self, frame: int) -> None:
        """Remove a reference.

        Raises:
            FilmError: its file cannot be removed.
        """
        self._later.drop(frame)
        try:
            self._pictures().remove(frame)
        except OSError as error:
            raise FilmError(f"{error.filename}: {error.strerror or error}") from error
        self._refer()
        self.hub.tell("state")

    def strength(self, value: float) -> None:
        """How much the references count, 0–1."""
        self._refer()
        self.change(
            lambda project: (
                project
                if project.references is None
                else replace(project, references=replace(project.references, strength=value))
            )
        )

    def render(self, *, overwrite: bool = False) -> None:
        """Begin the render, or go on with it.

        Raises:
            FilmError, ModelError: it cannot begin.
        """
        self._later.finish()
        project = self._current()
        for scene in (None, *(n for n, one in enumerate(project.scenes) if one.settings)):
            used_models(project.preset(scene).ddeoldify | self._place())
        self._refer()
        self._write(project)
        self.rendering.start(overwrite=overwrite)
        self.hub.tell("render")

    # Within.

    def _open(self) -> None:
        try:
            film, source = self._opened()
            sheets = make_sheets(film, source, self._folder, self.hub)
            identity = identity_of(film.reel or film.path, film.frames)
            if self._path.exists():
                project = open_project(self._path)
                check_film(project, identity)
            else:
                ends = (*sheets.firsts[1:], film.frames)
                scenes = tuple(
                    ProjectScene(first, end - 1) for first, end in zip(sheets.firsts, ends, strict=True)
                )
                project = Project(identity, scenes, path=self._path.absolute())
                project = with_usual_every(set_settings(project, {"preset": self._first_preset()}))
            with self._guard:
                self._film, self._sheets, self._project = film, sheets, project
                self._looker = Looker(source)
            # The engines begin to load while the page is drawn.
            self.picture(project.scenes[0].first, "thumb", 32)
            self._refer()
        except (FilmError, ModelError) as error:
            self._error = str(error)
        except OSError as error:
            self._error = f"{error.filename or self._asked.film}: {error.strerror or error}"
        except Exception as error:
            # A fault of ours; a page that waits for ever would tell nobody.
            self._error = f"the film cannot be opened: {sentence(error)}"
        self.hub.tell("state")

    def _opened(self) -> tuple[Film, dict[str, Any]]:
        """The film, and what the child is told of it."""
        reel = self._asked.reel
        if reel is None:
            film = open_file(self._asked.film, self.hub)
            return film, told(film)
        # Whoever has read thousands of scans once need not do so again while they stay as they are.
        index = self._folder / "index"
        cache = index / state_of(reel)
        with suppress(OSError):
            for old in index.iterdir():
                if old != cache:
                    shutil.rmtree(old, ignore_errors=True)
        film = open_reel(reel, self.hub, cache)
        return film, told(film, cache)

    def _first_preset(self) -> str:
        if self._asked.preset is not None:
            return self._asked.preset
        for name in ("medium", "fast"):
            with suppress(ModelError):
                used_models(preset(name).ddeoldify | self._place())
                return name
        return "preview"

    def _watch(self) -> None:
        """Tell the page when a picture changes on the disk, or the render goes on."""
        before: object = None
        rendered: object = None
        while not self._ended.wait(0.7):
            with suppress(OSError):
                if self._project is None:
                    continue
                pictures, trouble = self._pictures().all()
                now = {n: one.stamp for n, one in pictures.items()}, trouble
                if before is not None and now != before:
                    self.hub.tell("state")
                before = now
                render = self.rendering.state()
                if rendered is not None and render != rendered:
                    self.hub.tell("render", **render)
                rendered = render

    def _ready(self) -> tuple[Film, Looker]:
        if self._film is None or self._looker is None:
            raise RequestError("the film is still being read")
        return self._film, self._looker

    def _current(self) -> Project:
        if self._project is None:
            raise RequestError("the film is still being read")
        return self._project

    def _of_scene(self, scene: int) -> ProjectScene:
        project = self._current()
        if not 0 <= scene < len(project.scenes):
            raise RequestError(f"there is no scene {scene + 1}")
        return project.scenes[scene]

    def _scene_at(self, frame: int) -> int:
        try:
            return editing.scene_at(self._current(), frame)
        except ValueError as error:
            raise RequestError(str(error)) from None

    def _write(self, project: Project) -> None:
        save_project(project, self._path)
        self._project = project

    def _step(self, source: list[Project], target: list[Project]) -> None:
        with self._guard:
            if not source:
                return
            before = self._current()
            self._write(source[-1])
            source.pop()
            self._last = "", 0.0
            target.append(before)
        self.hub.tell("state")

    def _kept(self, done: "Future[bytes]", frame: int, strokes: Sequence[Mapping[str, Any]]) -> None:
        if done.exception() is None:
            with suppress(OSError, FilmError):
                self._pictures().note_strokes(frame, strokes)
                self._refer()

    def _pictures(self) -> Pictures:
        project, film = self._current(), self._film
        assert film is not None
        folder = project.references_folder() or self._path.absolute().with_name(
            f"{self._asked.stem}_references"
        )
        offset = 0 if project.references is None else project.references.offset
        return Pictures(folder, film.frames, offset)

    def _refer(self) -> None:
        """Let the project name the folder of references while there are some, for the command line."""
        pictures = self._pictures()
        with self._guard:
            project, some = self._current(), bool(pictures.all()[0])
            if some and project.references is None:
                named = ProjectReferences(pictures.folder.name)
                self._write(replace(project, references=named))
            elif not some and project.references is not None:
                self._write(replace(project, references=None))

    def _place(self) -> dict[str, Any]:
        """Where and by what to compute, as the functions take it."""
        found: dict[str, Any] = {}
        if self._asked.device is not None:
            found["device_index"] = self._asked.device
        if self._asked.models is not None:
            found["torch_dir"] = str(self._asked.models)
        return found

    def _machine_options(self) -> tuple[str, ...]:
        options: list[str] = [*self._asked.reel_options]
        if self._asked.device is not None:
            options += ["--device", str(self._asked.device)]
        if self._asked.models is not None:
            options += ["--torch-dir", str(self._asked.models)]
        return tuple(options)

    def _look(self, scene: int) -> dict[str, Any]:
        return look_of(self._current(), scene, self._pictures().all()[0], self._place())

    def _command(self) -> str:
        film = [self._asked.film.name, *self._asked.reel_options]
        return shlex.join(["vsdeoldify", "colorize", *film, "--project", self._path.name])
