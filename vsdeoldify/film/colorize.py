"""Colour a film: open it, plan its pieces, make them, join them with its sound, give it its name."""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..support.errors import FilmError
from ..support.reporter import SILENT, Reporter, Stage
from . import ffmpeg
from .encoding import piece_suffix
from .ffmpeg import cannot_open, choose_ffmpeg, see
from .identity import make_job, place_of
from .inputs import check_film_file
from .join import Joint
from .options import encoder_options
from .pieces import Plan, Workshop, pieces_folder
from .process import naming
from .recipe import Recipe
from .reel import Reel
from .source import Film, Point, open_film, open_reel
from .streams import StreamPlan, plan_streams
from .tracks import COVER_ONLY
from .trial import try_encoder
from .work import render_pieces


@dataclass(frozen=True)
class Request:
    """What is asked for, apart from the colours.

    Attributes:
        output: the file to write; its ending, one of `CONTAINERS`, says which container.
        start: where to begin; None for the film's first frame.
        end: where to stop, that frame not included; None for the film's end.
        piece_frames: how many frames a piece has, from 1.
        encoder_options: for ffmpeg.
        resume: go on with an interrupted run.
        overwrite: replace the output, drop an unfinished film.
        keep: leave the finished pieces where they are, so that after a change of scenes or references a run
            with `resume` makes those again that the change reaches.
    """

    output: Path
    start: Point | None = None
    end: Point | None = None
    piece_frames: int = 500
    encoder_options: Sequence[str] = ()
    resume: bool = False
    overwrite: bool = False
    keep: bool = False


@dataclass(frozen=True)
class Coloured:
    """What a run has made.

    Attributes:
        output: the film.
        frames: how many it has.
        seconds: how long this run rendered.
        rate: frames per second of this run.
        unchanged: whether the film was there already, as it should be, and nothing was done.
    """

    output: Path
    frames: int
    seconds: float
    rate: float
    unchanged: bool = False


@dataclass(frozen=True)
class _Source:
    """A film as it was opened."""

    film: Film
    contents: ffmpeg.Contents
    streams: StreamPlan
    state: object


MakePieces = Callable[[Plan, Workshop, int, Stage, Reporter], None]
"""Makes the pieces that are missing, as `work.render_pieces` does."""


def colorize_film(
    path: Path | Reel,
    recipe: Recipe,
    request: Request,
    reporter: Reporter = SILENT,
    make: MakePieces = render_pieces,
) -> Coloured:
    """Colour a film; nothing is at the output's place before all of it is done.

    Args:
        path: the film; a file, or numbered pictures.
        recipe: how it is coloured.
        request: what is made of it, and where.
        reporter: told what is noteworthy, and how far the work is.
        make: makes the pieces; by default this machine alone does.

    Raises:
        RequestError: a wrong range, or encoder options that cannot be.
        FilmError: the film cannot be read, or a program fails; what is done so far stays for `resume`.
        ModelError: a model file is missing.
    """
    wanted = encoder_options(request.encoder_options)
    program, passed_over = choose_ffmpeg()
    if passed_over is not None:
        reporter.note(passed_over)
    recipe.check_models()  # A missing model is named before the film is opened.
    folder = pieces_folder(request.output)
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        if isinstance(path, Reel):
            source = _open_reel(path, request, Path(temporary), reporter)
        else:
            program, source = _open(path, program, request, wanted.without, reporter)
        suffix = request.output.suffix.lower()
        trial = try_encoder(source.film, suffix, wanted.encoder, program, Path(temporary))
        for note in trial.notes:
            reporter.note(note)
        plan = _plan(source.film, recipe, request, trial.encoder, program, Path(temporary))
        joint = Joint(plan, source.film, source.contents, source.streams, trial.tags)
        if trial.piece is not None:
            joint = joint.tried_on(trial.piece, request.output)
        for note in joint.streams.notes:
            reporter.note(note)
        with _kept_for_later(folder, reporter), Workshop(folder, plan) as workshop:
            with naming(source.film.path):
                made = _make_pieces(plan, workshop, request, reporter, make)
            _check_unchanged(source)
            how = repr((source.state, joint.streams, joint.tags))
            if request.keep and workshop.is_joined(request.output, how):
                return replace(made, unchanged=True)
            with naming(request.output):
                joint.make(workshop, request.output)
            if request.keep:
                workshop.note_joined(request.output, how)
                reporter.note(
                    f"the pieces stay in {folder}: after a change of a picture or of a scene, --resume makes "
                    "again what it reaches; delete the folder when the film is as you want it"
                )
            else:
                workshop.remove()
    return made


def _open(
    path: Path, program: str, request: Request, without: Collection[str], reporter: Reporter
) -> tuple[str, _Source]:
    """Open a film, and say what is noteworthy about it; and the ffmpeg that can open it too."""
    check_film_file(path)
    program, contents, note = see(program, path)
    if note is not None:
        reporter.note(note)
    if contents.streams and not contents.pictures:
        raise FilmError(COVER_ONLY.format(path) if contents.covers else f"{path} holds no picture track")
    state = _state(path)
    film = open_film(path, contents, reporter)
    if not contents.format:
        raise cannot_open(program, path)
    film.range(request.start, request.end)  # A wrong range is said before anything else.
    contents = replace(contents, streams=tuple(s for s in contents.streams if s.kind not in without))
    streams = plan_streams(contents, request.output.suffix.lower())
    for note in film.notes:
        reporter.note(note)
    if film.rate is None:
        reporter.note("the frame rate varies; every frame keeps its time")
    if film.properties.get("_FieldBased"):
        reporter.note("the film is interlaced; deinterlaced first it would be coloured better")
    return program, _Source(film, contents, streams, state)


def _open_reel(reel: Reel, request: Request, folder: Path, reporter: Reporter) -> _Source:
    """Open a reel, and say what is noteworthy about it; its index goes into a folder."""
    state = reel.state()
    film = open_reel(reel, reporter, folder)
    film.range(request.start, request.end)
    for note in film.notes:
        reporter.note(note)
    return _Source(film, ffmpeg.Contents(), StreamPlan(()), state)


def _state(path: Path) -> object:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _plan(
    film: Film, recipe: Recipe, request: Request, encoder: Sequence[str], program: str, folder: Path
) -> Plan:
    """Decide what is to be made; the script is written into a folder."""
    script = folder / "film.vpy"
    if film.reel is not None:
        text = recipe.script(film.reel, cache=folder)
    else:
        text = recipe.script(film.path, track=film.track)
    script.write_text(text, encoding="utf-8", errors="surrogateescape")
    return Plan(
        job=make_job(film, film.range(request.start, request.end), recipe, encoder, program),
        place=replace(place_of(recipe, film.path, program), track=film.track, reel=film.reel),
        length=request.piece_frames,
        script=script,
        rate=None if film.rate is None else (film.rate.numerator, film.rate.denominator),
        times=film.times,
        suffix=piece_suffix(encoder),
        location=film.properties.get("_ChromaLocation", 0),
        limits=recipe.scenes.firsts if recipe.scenes is not None and recipe.of_scenes else (),
    )


def _make_pieces(
    plan: Plan, workshop: Workshop, request: Request, reporter: Reporter, make: MakePieces
) -> Coloured:
    """Make the pieces that an earlier run has not made."""
    frames = plan.end - plan.start
    done = workshop.prepare(resume=request.resume, overwrite=request.overwrite)
    if outdated := workshop.outdated():
        reporter.note(
            f"{outdated} finished pieces were made with other scenes, settings or references, and are made "
            "again"
        )
    if done:
        reporter.say(f"going on after {done} of {frames} frames")
    began = time.monotonic()
    with reporter.stage(frames, "frames", done=done, title=request.output.name) as stage:
        make(plan, workshop, done, stage, reporter)
    seconds = time.monotonic() - began
    return Coloured(request.output, frames, seconds, (frames - done) / max(seconds, 1e-6))


def _check_unchanged(source: _Source) -> None:
    """Refuse to join a film with the sound of another that lies at its place by now."""
    path, reel = source.film.path, source.film.reel
    if (reel.state() if reel is not None else _state(path)) != source.state:
        if reel is not None:
            raise FilmError(
                f"pictures of {path} were changed while they were being coloured: --overwrite starts again"
            )
        raise FilmError(
            f"{path} was changed while it was being coloured: its sound may be another film's. "
            "--overwrite starts again"
        )


@contextmanager
def _kept_for_later(folder: Path, reporter: Reporter) -> Iterator[None]:
    """Say what is left when the work is cut short."""
    try:
        yield
    except OSError as error:
        raise FilmError(f"{error.filename or folder}: {error.strerror or error}") from error
    except KeyboardInterrupt:
        if folder.exists():
            reporter.say(f"interrupted: the same command with --resume goes on from what is in {folder}")
        raise
