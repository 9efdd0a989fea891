"""Colour a film: open it, plan its pieces, make them, join them with its sound, give it its name."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..support.errors import FilmError
from ..support.files import digest
from ..support.reporter import SILENT, Reporter
from . import ffmpeg
from .encoding import colour_filters, encoder_arguments, piece_suffix
from .join import _join, _try_to_join
from .pieces import Plan, Workshop
from .recipe import Recipe
from .source import Film, Point, open_film
from .streams import StreamPlan, plan_streams
from .work import render_pieces


@dataclass(frozen=True)
class Settings:
    """What the user asks for, apart from the colours.

    Attributes:
        output: the file to write.
        start: first frame, or a time in seconds, as `Point`.
        end: the same for the frame after the last.
        segment: frames per piece.
        encoder_options: for ffmpeg.
        resume: take up an interrupted run.
        overwrite: replace the output, drop an unfinished film.
    """

    output: Path
    start: Point | None = None
    end: Point | None = None
    segment: int = 500
    encoder_options: Sequence[str] = ()
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Coloured:
    """What a run has made.

    Attributes:
        output: the film.
        frames: how many it has.
        seconds: how long the rendering took.
        rate: frames per second of this run.
    """

    output: Path
    frames: int
    seconds: float
    rate: float


def colorize_film(path: Path, recipe: Recipe, settings: Settings, reporter: Reporter = SILENT) -> Coloured:
    """Colour a film; nothing is at the output's place before all of it is done.

    Args:
        path: the film.
        recipe: how it is coloured.
        settings: what is made of it, and where.
        reporter: told what is noteworthy, and how far the work is.

    Raises:
        RequestError: a wrong range.
        FilmError: the film cannot be read, or a program fails; what is done so far stays for `resume`.
        ModelError: a model file is missing.
    """
    program = ffmpeg.find_ffmpeg()
    recipe.weights()  # A missing model is named before the film is opened.
    found = ffmpeg.contents(program, path)
    if found.streams and not found.of_kind("Video"):
        raise FilmError(f"{path} holds no picture track")
    stat = path.stat()
    film = open_film(path, found, reporter)
    start, end = film.range(settings.start, settings.end)
    streams = plan_streams(found, settings.output.suffix.lower())
    _note_what_to_know(film, streams, reporter)
    work = settings.output.with_name(settings.output.name + ".unfinished")
    with tempfile.TemporaryDirectory(prefix="vsdeoldify-") as temporary:
        script = Path(temporary, "film.vpy")
        text = recipe.script(path)
        script.write_text(text, encoding="utf-8", errors="surrogateescape")
        encoder = _encoder(film, settings)
        plan = Plan(
            script=script,
            start=start,
            end=end,
            length=settings.segment,
            rate=None if film.rate is None else (film.rate.numerator, film.rate.denominator),
            times=film.times,
            ffmpeg=program,
            encoder=encoder,
            suffix=piece_suffix(encoder),
            settings={
                "version": __version__,
                "source": [path.name, stat.st_size, stat.st_mtime_ns],
                "colours": digest(text),
                "range": [start, end],
                "segment": settings.segment,
                "encoder": encoder,
            },
        )
        _try_to_join(plan, film, found, streams, settings.output, Path(temporary))
        try:
            with Workshop(work, plan) as workshop:
                finished = workshop.prepare(resume=settings.resume, overwrite=settings.overwrite)
                done = plan.pieces[finished - 1][1] - start if finished else 0
                if done:
                    reporter.say(f"going on after {done} of {end - start} frames")
                began = time.monotonic()
                with reporter.stage(end - start, "frames", done=done, title=settings.output.name) as stage:
                    render_pieces(plan, workshop, finished, stage, reporter)
                seconds = time.monotonic() - began
                if (path.stat().st_size, path.stat().st_mtime_ns) != (stat.st_size, stat.st_mtime_ns):
                    raise FilmError(
                        f"{path} was changed while it was being coloured: its sound may be another film's. "
                        "--overwrite starts again"
                    )
                _join(plan, workshop, film, found, streams, settings.output)
                workshop.remove()
        except OSError as error:
            raise FilmError(f"{error.filename or work}: {error.strerror or error}") from error
        except KeyboardInterrupt:
            if work.exists():
                reporter.say(f"interrupted: the same command with --resume goes on from what is in {work}")
            raise
    return Coloured(settings.output, end - start, seconds, (end - start - done) / max(seconds, 1e-6))


def _note_what_to_know(film: Film, streams: StreamPlan, reporter: Reporter) -> None:
    for note in (*film.notes, *streams.notes):
        reporter.note(note)
    if film.rate is None:
        reporter.note("the frame rate varies; every frame keeps its time")
    if film.properties.get("_FieldBased"):
        reporter.note("the film is interlaced; deinterlaced first it would be coloured better")


def _encoder(film: Film, settings: Settings) -> list[str]:
    """ffmpeg's options that encode a piece."""
    arguments = encoder_arguments(
        settings.output.suffix.lower(),
        film.bits,
        film.subsampling,
        (film.width, film.height),
        colour_filters(film.properties, film.width, film.height),
        settings.encoder_options,
    )
    if film.properties.get("_FieldBased") and "libx264" in arguments:
        arguments += ["-flags", "+ildct+ilme"]
    return arguments
